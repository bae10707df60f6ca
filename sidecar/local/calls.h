// Calls of the local listener: from HTTP or gRPC into the gateway, and their answers back.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include "sidecar/base/result.h"
#include "sidecar/core/ports.h"
#include "sidecar/net/grpc/method_table.h"
#include "sidecar/net/http_message.h"
#include "sidecar/wire/actor_id.h"
#include "sidecar/wire/call_headers.h"
#include "sidecar/wire/json_work.h"

namespace ringside::local {

struct CallOptions {
  wire::TimeoutLimits timeouts;
  std::size_t max_message = std::size_t{4} << 20;  // bytes of a batch; a method call is one too
  std::function<void(core::Reason)> on_refusal;    // what is refused before the core hears of it; may be empty
};

class Calls {
 public:
  Calls(core::Gateway& gateway, wire::JsonWork& json, CallOptions options)
      : gateway_(gateway), json_(json), options_(std::move(options)) {}

  // POST /v1/actors/{id}/apply. The body's type has been checked.
  void apply(const wire::ActorRef& actor, net::HttpRequest request, net::HttpReply reply);
  // Ends the activation of that actor, wherever it is.
  void deactivate(const wire::ActorRef& actor, const net::HttpRequest& request, net::HttpReply reply);
  // ANY /v1/actors/{id}/method/{path_and_query}
  void call_method(const wire::ActorRef& actor, std::string_view path_and_query, net::HttpRequest request,
                   net::HttpReply reply);
  // messages.ControlPlane/Apply
  void apply(const std::shared_ptr<net::ServerCall>& call);

  // Counts it, and says the same.
  const core::Answer& refused(const core::Answer& answer) const {
    if (options_.on_refusal) options_.on_refusal(answer.reason);
    return answer;
  }

 private:
  // What the caller wants, checked. The error is its answer. `batch`: of a body that has been read; `arrived`: then.
  base::Result<core::Call, core::Answer> read_apply(const wire::ActorRef& actor, const net::Metadata& headers,
                                                    base::Result<std::string, core::Answer> batch,
                                                    core::Instant arrived) const;
  base::Result<core::Call, core::Answer> read_method_call(const wire::ActorRef& actor, net::HttpRequest& request,
                                                          std::string_view path_and_query) const;
  base::Result<core::Call, core::Answer> read_apply(net::ServerCall& served) const;

  using Shape = std::function<net::HttpResponse(core::Answer, const wire::ApplyJson& json)>;
  void start(core::Call call, const net::Metadata& headers, net::HttpReply reply, Shape shape);

  core::Gateway& gateway_;
  wire::JsonWork& json_;
  CallOptions options_;
};

}  // namespace ringside::local
