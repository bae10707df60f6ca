#include "sidecar/local/calls.h"

#include <chrono>
#include <utility>

#include <nlohmann/json.hpp>

#include "sidecar/local/guards.h"
#include "sidecar/local/problem.h"
#include "sidecar/wire/apply.h"
#include "sidecar/wire/method_call.h"
#include "sidecar/wire/outcome.h"

namespace ringside::local {
namespace {

// Any method will do; these are the ones that have a name.
constexpr std::string_view kMethodCalls = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

net::HttpResponse result_response(const core::Answer& answer, const wire::ApplyJson& json, bool protobuf) {
  if (answer.outcome == core::Outcome::kRefused) {
    return problem(answer, "\"accepted\":false,\"replies\":" + json.write_replies(wire::result_bytes(answer)));
  }
  if (answer.outcome != core::Outcome::kApplied) return problem(answer);
  net::HttpResponse response =
      json_response(200, protobuf ? std::string() : json.write_result(wire::result_bytes(answer), true));
  if (protobuf) {
    response.headers.set("content-type", "application/protobuf");
    response.body = wire::apply_result(answer);
  }
  response.headers.append(wire::http_headers(answer));
  return response;
}

net::HttpResponse method_response(core::Answer answer, const wire::ApplyJson& json) {
  if (answer.outcome != core::Outcome::kApplied) return result_response(answer, json, false);
  auto taken = wire::take_method_answer(answer);
  if (!taken) return result_response(answer, json, false);  // an application that answers with messages of its own
  if (!*taken) {
    core::Answer garbage = core::Answer::failed(core::Outcome::kUnknown, core::Reason::kAppGarbage, taken->error());
    garbage.holder = answer.holder;
    return problem(garbage);
  }
  net::HttpResponse& response = **taken;
  // No page may read what is here, whatever the application would allow.
  net::Metadata kept;
  for (const net::Header& header : response.headers) {
    if (!header.name.starts_with("access-control-")) kept.add(header.name, header.value);
  }
  kept.append(wire::http_headers(answer));
  response.headers = std::move(kept);
  return std::move(response);
}

}  // namespace

// A client that ends its sending half has hung up, as far as anybody can tell: what has not begun is cancelled. One
// that still reads the answer (nc -N) says so beforehand.
void Calls::start(core::Call call, const net::Metadata& headers, net::HttpReply reply, Shape shape) {
  const bool still_reads = headers.get(wire::kHalfCloseHeader) == "true";
  const auto shared = std::make_shared<net::HttpReply>(std::move(reply));
  auto answered = [this, shared, shape = std::move(shape)](core::Answer answer) {
    const auto* batch = std::get_if<std::string>(&answer.result);
    const std::size_t bytes = batch == nullptr ? 0 : batch->size();
    if (!json_.is_for_worker(bytes)) return (*shared)(shape(std::move(answer), json_.here()));
    json_.run(
        bytes,
        [shape, answer = std::move(answer)](const wire::ApplyJson& json) mutable {
          return shape(std::move(answer), json);
        },
        [shared](net::HttpResponse response) { (*shared)(std::move(response)); });
  };
  const core::CallId token = gateway_.apply(std::move(call), std::move(answered));
  shared->on_cancel([this, token] { gateway_.cancel(token); });
  if (still_reads) return;
  if (shared->input_ended()) return gateway_.hang_up(token);
  shared->on_input_end([this, token] { gateway_.hang_up(token); });
}

base::Result<core::Call, core::Answer> Calls::read_apply(const wire::ActorRef& actor, const net::Metadata& headers,
                                                         base::Result<std::string, core::Answer> batch,
                                                         core::Instant arrived) const {
  if (batch) batch = wire::check_apply_to(actor.id, std::move(*batch), options_.max_message);
  if (!batch) return base::Error(batch.error());
  core::Call call;
  call.id = actor.id;
  call.actor_name = actor.name;
  call.request = std::move(*batch);
  return wire::read_http_call(headers, options_.timeouts, arrived, std::move(call));
}

void Calls::apply(const wire::ActorRef& actor, net::HttpRequest request, net::HttpReply reply) {
  const core::Instant arrived = gateway_.now().mono;
  std::string body = std::exchange(request.body, {});
  const bool is_json = body_type(request) == BodyType::kJson;
  const std::size_t bytes = is_json ? body.size() : 0;
  auto begin = [this, actor, arrived, request = std::move(request),
                reply = std::move(reply)](base::Result<std::string, core::Answer> batch) mutable {
    auto call = read_apply(actor, request.headers, std::move(batch), arrived);
    if (!call) return reply(problem(refused(call.error())));
    start(std::move(*call), request.headers, std::move(reply),
          [protobuf = prefers_protobuf(request)](const core::Answer& answer, const wire::ApplyJson& json) {
            return result_response(answer, json, protobuf);
          });
  };
  if (!is_json) return begin(std::move(body));
  if (!json_.is_for_worker(bytes)) return begin(json_.here().read_request(body));
  json_.run(
      bytes, [body = std::move(body)](const wire::ApplyJson& json) { return json.read_request(body); },
      std::move(begin));
}

base::Result<core::Call, core::Answer> Calls::read_method_call(const wire::ActorRef& actor, net::HttpRequest& request,
                                                               std::string_view path_and_query) const {
  auto method_call = wire::make_method_call(actor.id, request, path_and_query);
  if (!method_call) return base::Error(method_call.error());
  // The next host would refuse it, if this one did not.
  if (const auto fits = wire::check_size(*method_call, options_.max_message); !fits) return base::Error(fits.error());
  core::Call call;
  call.id = actor.id;
  call.actor_name = actor.name;
  call.request = std::make_shared<const core::MethodCall>(std::move(*method_call));
  return wire::read_http_call(request.headers, options_.timeouts, gateway_.now().mono, std::move(call));
}

void Calls::call_method(const wire::ActorRef& actor, std::string_view path_and_query, net::HttpRequest request,
                        net::HttpReply reply) {
  auto call = read_method_call(actor, request, path_and_query);
  if (!call) {
    net::HttpResponse response = problem(refused(call.error()));
    if (call.error().reason == core::Reason::kMethodNotAllowed) {
      response.headers.add("allow", std::string(kMethodCalls));
    }
    return reply(std::move(response));
  }
  start(std::move(*call), request.headers, std::move(reply), method_response);
}

void Calls::deactivate(const wire::ActorRef& actor, const net::HttpRequest& request, net::HttpReply reply) {
  core::Call call;
  call.kind = core::Call::Kind::kDeactivate;
  call.id = actor.id;
  call.actor_name = actor.name;
  call.request = wire::write_empty_apply(actor.id);
  auto read = wire::read_http_call(request.headers, options_.timeouts, gateway_.now().mono, std::move(call));
  if (!read) return reply(problem(refused(read.error())));
  read->idempotency_key.clear();
  start(std::move(*read), request.headers, std::move(reply),
        [id = actor.id](const core::Answer& answer, const wire::ApplyJson&) {
          if (answer.outcome != core::Outcome::kApplied) return problem(answer);
          net::HttpResponse response = json_response(200, nlohmann::json{{"id", to_string(id)}, {"active", false}});
          response.headers.append(wire::http_headers(answer));
          return response;
        });
}

base::Result<core::Call, core::Answer> Calls::read_apply(net::ServerCall& served) const {
  core::Call call;
  std::string batch = served.take_message();
  const auto id = wire::check_apply(batch, options_.max_message);
  if (!id) return base::Error(id.error());
  call.id = *id;
  call.request = std::move(batch);
  std::optional<core::Duration> left;
  if (const auto deadline = served.deadline()) {
    left = std::chrono::duration_cast<core::Duration>(*deadline - net::Clock::now());
  }
  return wire::read_grpc_call(served.metadata(), left, options_.timeouts, gateway_.now().mono, std::move(call));
}

void Calls::apply(const std::shared_ptr<net::ServerCall>& served) {
  auto call = read_apply(*served);
  if (!call) return wire::finish_apply(*served, refused(call.error()));
  const core::CallId token = gateway_.apply(
      std::move(*call), [served](core::Answer answer) { wire::finish_apply(*served, std::move(answer)); });
  served->on_cancel([this, token] { gateway_.cancel(token); });
}

}  // namespace ringside::local
