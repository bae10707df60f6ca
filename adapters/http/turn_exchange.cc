#include "adapters/http/turn_exchange.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include <google/protobuf/any.pb.h>
#include <google/protobuf/wrappers.pb.h>
#include <messages/control_plane.pb.h>

#include "adapters/turn_headers.h"
#include "sidecar/base/checked.h"
#include "sidecar/wire/idempotency.h"
#include "sidecar/wire/method_call.h"
#include "sidecar/wire/outcome.h"

namespace ringside::adapters {
namespace {

using core::Answer;
using core::Outcome;
using core::Reason;

constexpr const char* kJson = "application/json";
constexpr const char* kProtobuf = "application/protobuf";

std::string media_type(const net::HttpResponse& response) {
  const std::string_view type = response.headers.get("content-type");
  return net::to_lower(type.substr(0, type.find_first_of("; ")));
}

Answer answer_of(Outcome outcome, Reason reason, std::string detail = {}) {
  return Answer::failed(outcome, reason, std::move(detail));
}

// The app ends its activation itself, after this turn.
bool wants_to_end(const net::HttpResponse& response) {
  return net::to_lower(response.headers.get("ringside-deactivate")) == "true";
}

// "POST /actors/42/apply", for people: without the query, which may hold secrets, and not longer than a line.
std::string told(const TurnExchange::Asked& asked) {
  constexpr std::size_t kMostOfAPath = 200;
  const std::string_view path = std::string_view(asked.target).substr(0, asked.target.find('?'));
  return asked.method + " " + std::string(path.substr(0, kMostOfAPath)) + (path.size() > kMostOfAPath ? "..." : "");
}

// What a refusal says travels to the caller as a reply: google.protobuf.BytesValue.
std::string body_as_reply(const net::HttpResponse& response) {
  messages::ApplyResult result;
  if (!response.body.empty()) {
    google::protobuf::BytesValue body;
    body.set_value(response.body);
    result.add_replies()->PackFrom(body);
  }
  return result.SerializeAsString();
}

// 2xx is applied; accepted:false in an ApplyResult of either form wins over the status.
Answer read_applied(const net::HttpResponse& response, const wire::ApplyJson& json) {
  messages::ApplyResult result;
  result.set_accepted(true);
  const std::string type = media_type(response);
  const bool untyped_json = type.empty() && wire::check_json_object(response.body);
  if (response.body.empty()) {
    // Applied without replies, whatever its type.
  } else if (type == kProtobuf || type == "application/x-protobuf") {
    if (!result.ParseFromString(response.body)) {
      return answer_of(Outcome::kUnknown, Reason::kAppGarbage, "the answer is not a serialized messages.ApplyResult");
    }
  } else if (untyped_json || type == kJson || type.ends_with("+json")) {
    const auto bytes = json.read_result(response.body);
    if (!bytes) return answer_of(Outcome::kUnknown, Reason::kAppGarbage, bytes.error());
    result.ParseFromString(*bytes);
  }
  Answer answer;
  answer.outcome = result.accepted() ? Outcome::kApplied : Outcome::kRefused;
  answer.reason = result.accepted() ? Reason::kNone : Reason::kAppRefused;
  answer.result = result.SerializeAsString();
  return answer;
}

Answer read_batch_answer(const net::HttpResponse& response, const wire::ApplyJson& json) {
  const int status = response.status;
  if (status >= 200 && status < 300) return read_applied(response, json);
  const std::string said = "the application answered " + std::to_string(status);
  if (status == 429 || status == 503) {
    Answer answer = answer_of(Outcome::kNotDelivered, Reason::kAppBusy, said);
    answer.retry_after = retry_after(response.headers, std::chrono::system_clock::now());
    return answer;
  }
  if (status >= 500) return answer_of(Outcome::kUnknown, Reason::kAppFailed, said);
  if (status < 400) return answer_of(Outcome::kUnknown, Reason::kAppGarbage, said);
  Answer answer = answer_of(Outcome::kRefused, Reason::kAppRefused, said);
  answer.result = body_as_reply(response);
  return answer;
}

}  // namespace

std::size_t TurnExchange::json_to_write(const core::StartTurn& turn) const {
  const auto* batch = std::get_if<std::string>(&turn.call->request);
  return as_json_ && batch != nullptr ? batch->size() : 0;
}

std::size_t TurnExchange::json_to_read(const net::HttpResult& result, const Asked& asked) {
  return asked.method_call ? 0 : result.response.body.size();
}

base::Result<TurnExchange::Written, Answer> TurnExchange::write(const core::StartTurn& turn,
                                                                const wire::ApplyJson& json) const {
  Written written;
  written.asked.call = turn.call;
  if (const auto* batch = std::get_if<std::string>(&turn.call->request)) {
    // Another host's method call, or one of a caller that speaks gRPC, comes as a batch.
    const auto method_call = wire::read_method_call(*batch);
    if (method_call && !*method_call) return base::Error(method_call->error());
    written.asked.method_call = method_call.has_value();
    auto request =
        method_call ? wire::write_http_request(turn.call->id, **method_call) : write_batch(turn.call->id, *batch, json);
    if (!request) return base::Error(request.error());
    written.request = std::move(*request);
  } else {
    written.asked.method_call = true;
    written.request =
        wire::write_http_request(turn.call->id, *base::as<std::shared_ptr<const core::MethodCall>>(turn.call->request));
  }
  if (written.asked.method_call) written.asked.forwarded_host = written.request.headers.get("x-forwarded-host");
  written.asked.method = written.request.method;
  written.asked.target = written.request.target;
  add_turn_headers(turn, written.request.headers);
  return written;
}

base::Result<net::HttpRequest, Answer> TurnExchange::write_batch(core::ActorId id, const std::string& batch,
                                                                 const wire::ApplyJson& json) const {
  net::HttpRequest request;
  request.method = "POST";
  request.target = "/actors/" + to_string(id) + "/apply";
  request.headers.add("content-type", as_json_ ? kJson : kProtobuf);
  request.headers.add("accept",
                      as_json_ ? "application/json, application/protobuf" : "application/protobuf, application/json");
  if (!as_json_) {
    request.body = batch;
    return request;
  }
  auto body = json.write_request(batch);
  if (!body) return base::Error(body.error());
  request.body = std::move(*body);
  return request;
}

// What went wrong is told with what was asked.
Answer TurnExchange::read(net::HttpResult result, const Asked& asked, const wire::ApplyJson& json) const {
  Answer answer = read_result(std::move(result), asked, json);
  if (!answer.detail.empty()) answer.detail = told(asked) + ": " + answer.detail;
  return answer;
}

Answer TurnExchange::read_result(net::HttpResult result, const Asked& asked, const wire::ApplyJson& json) const {
  switch (result.outcome) {
    case net::HttpOutcome::kNotSent:
      if (result.timed_out)
        return answer_of(Outcome::kExpired, Reason::kDeadline, "waited for a connection to the app");
      return answer_of(Outcome::kNotDelivered, result.overloaded ? Reason::kAppBusy : Reason::kAppDown, result.error);
    case net::HttpOutcome::kLost:
      if (result.timed_out) return answer_of(Outcome::kUnknown, Reason::kTurnTimeout, result.error);
      if (result.too_large) return answer_of(Outcome::kUnknown, Reason::kAppTooLarge, result.error);
      if (result.malformed) return answer_of(Outcome::kUnknown, Reason::kAppGarbage, result.error);
      return answer_of(Outcome::kUnknown, Reason::kAppLost, result.error);
    case net::HttpOutcome::kAnswered:
      break;
  }
  if (!asked.method_call) {
    Answer answer = read_batch_answer(result.response, json);
    answer.deactivate = wants_to_end(result.response);
    return answer;
  }
  // Whatever the app answers to a method call is its own affair.
  links_.rewrite(result.response.headers, asked.target, asked.forwarded_host, *asked.call);
  Answer answer;
  answer.outcome = Outcome::kApplied;
  answer.deactivate = wants_to_end(result.response);
  core::HttpAnswer said = wire::make_method_answer(std::move(result.response));
  if (asked.call->idempotency_key.empty()) {
    answer.result = std::move(said);
  } else {
    answer.result = wire::write_method_answer(said);
    wire::read_for_repeats(*asked.call, answer);
  }
  return answer;
}

// 409 is the app's "not now" for one actor; for all of them there is nothing that it could keep. 3xx, and what else it
// says from 400 up, is its word that it has nothing to do for a deactivation (Go's mux redirects what it does not know
// by itself); not so what says that it could not, or not yet.
core::Deactivated read_deactivation(const std::string& asked, bool all, const net::HttpResult& result) {
  using Kind = core::Deactivated::Kind;
  core::Deactivated said;
  if (result.outcome != net::HttpOutcome::kAnswered) {
    said.kind = result.timed_out ? Kind::kSilent : Kind::kFailed;
    said.detail = asked + ": " + (result.timed_out ? "no answer" : result.error);
    return said;
  }
  const int status = result.response.status;
  said.detail = asked + " was answered " + std::to_string(status);
  said.retry_after = retry_after(result.response.headers, std::chrono::system_clock::now());
  const bool later = status == 408 || status == 425 || status == 429 || (status >= 500 && status != 501);
  if (status == 409 && !all) {
    said.kind = Kind::kNotNow;
  } else if (later) {
    said.kind = Kind::kFailed;
  }
  return said;
}

core::Duration retry_after(const net::Metadata& headers, std::chrono::system_clock::time_point now) {
  const std::string text(headers.get("retry-after"));
  constexpr std::chrono::seconds kMost = std::chrono::hours(24);
  std::chrono::seconds wait{0};
  const bool digits = !text.empty() && text.size() < 10 && text.find_first_not_of("0123456789") == std::string::npos;
  if (digits) {
    wait = std::chrono::seconds(std::stoll(text));
  } else if (std::tm date{}; ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date) != nullptr) {
    wait = std::chrono::seconds(::timegm(&date) - std::chrono::system_clock::to_time_t(now));
  }
  return std::clamp(wait, std::chrono::seconds(0), kMost);
}

}  // namespace ringside::adapters
