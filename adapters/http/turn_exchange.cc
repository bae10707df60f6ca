#include "adapters/http/turn_exchange.h"

#include <utility>

#include <google/protobuf/any.pb.h>
#include <google/protobuf/wrappers.pb.h>
#include <messages/control_plane.pb.h>

#include "adapters/turn_headers.h"
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

}  // namespace

std::optional<Answer> TurnExchange::write(const core::StartTurn& turn, Written& written) const {
  const core::Call& call = *turn.call;
  net::HttpRequest& request = written.request;
  written.method_call = wire::is_method_call(call.request);
  if (written.method_call) {
    if (auto refusal = wire::read_method_call(call.request, request)) return refusal;
  } else {
    request.method = "POST";
    request.target = "/actors/" + std::to_string(call.id) + "/apply";
    request.headers.add("content-type", as_json_ ? kJson : kProtobuf);
    request.headers.add("accept",
                        as_json_ ? "application/json, application/protobuf" : "application/protobuf, application/json");
    if (as_json_) {
      if (auto refusal = json_.write_request(call.request, request.body)) return refusal;
    } else {
      request.body = call.request;
    }
  }
  add_turn_headers(turn, request.headers);
  return std::nullopt;
}

Answer TurnExchange::read(const net::HttpResult& result, bool method_call) const {
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
  if (!method_call) return read_batch_answer(result.response);
  // Whatever the app answers to a method call is its own affair, and final.
  Answer answer;
  answer.outcome = Outcome::kApplied;
  answer.result = wire::write_method_answer(result.response);
  return answer;
}

Answer TurnExchange::read_batch_answer(const net::HttpResponse& response) const {
  const int status = response.status;
  if (status >= 200 && status < 300) return read_applied(response);
  const std::string said = "the application answered " + std::to_string(status);
  if (status == 429 || status == 503) return answer_of(Outcome::kNotDelivered, Reason::kAppBusy, said);
  if (status >= 500) return answer_of(Outcome::kUnknown, Reason::kAppFailed, said);
  if (status < 400) return answer_of(Outcome::kUnknown, Reason::kAppGarbage, said);
  Answer answer = answer_of(Outcome::kRefused, Reason::kAppRefused, said);
  answer.result = body_as_reply(response);
  return answer;
}

// 2xx is applied; accepted:false in an ApplyResult of either form wins over the status.
Answer TurnExchange::read_applied(const net::HttpResponse& response) const {
  messages::ApplyResult result;
  result.set_accepted(true);
  const std::string type = media_type(response);
  const bool untyped_json = type.empty() && !wire::check_json_object(response.body);
  if (response.body.empty()) {
    // Applied without replies, whatever its type.
  } else if (type == kProtobuf || type == "application/x-protobuf") {
    if (!result.ParseFromString(response.body)) {
      return answer_of(Outcome::kUnknown, Reason::kAppGarbage, "its answer is no serialized messages.ApplyResult");
    }
  } else if (untyped_json || type == kJson || type.ends_with("+json")) {
    std::string bytes;
    if (const auto wrong = json_.read_result(response.body, bytes)) {
      return answer_of(Outcome::kUnknown, Reason::kAppGarbage, *wrong);
    }
    result.ParseFromString(bytes);
  }
  Answer answer;
  answer.outcome = result.accepted() ? Outcome::kApplied : Outcome::kRefused;
  answer.reason = result.accepted() ? Reason::kNone : Reason::kAppRefused;
  answer.result = result.SerializeAsString();
  return answer;
}

}  // namespace ringside::adapters
