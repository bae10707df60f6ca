// What the local listeners serve: the HTTP interface, version 1 (docs/protocol.md), and messages.ControlPlane/Apply.
//
// Owns no listener: main.cc gives handler(), error_shaper() and the methods to as many as there are addresses.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/core/ports.h"
#include "sidecar/events/event_streams.h"
#include "sidecar/local/calls.h"
#include "sidecar/local/config_view.h"
#include "sidecar/local/problem.h"
#include "sidecar/local/waiters.h"
#include "sidecar/net/grpc/method_table.h"
#include "sidecar/net/http_message.h"
#include "sidecar/net/transport.h"
#include "sidecar/wire/call_headers.h"
#include "sidecar/wire/json_work.h"

namespace ringside::local {

struct LocalOptions {
  CallOptions calls;
  std::vector<std::string> allow_hosts;  // --allow-host: names that Host may carry besides loopback ones, in lower case
  // Levels change at run time. False: not a level.
  std::function<bool(std::string_view level)> set_log_level;
  std::function<std::string()> log_level;
  std::string version;
  std::vector<Setting> settings;                   // in force, as they were read
  std::chrono::milliseconds longest_wait{30'000};  // of a request that waits for a change of the view
  std::size_t most_waiting = 1000;                 // requests that wait for such a change, or for the end of a drain
};

// Loop thread only. Outlives the listeners that use it, and the calls that it gave to the gateway.
class LocalApi {
 public:
  LocalApi(net::Loop& loop, core::Gateway& gateway, wire::JsonWork& json, events::EventStreams& events,
           LocalOptions options);
  LocalApi(const LocalApi&) = delete;
  LocalApi& operator=(const LocalApi&) = delete;

  net::HttpHandler handler();
  net::HttpErrorShaper error_shaper();
  void add_methods(net::MethodTable& table);
  // The guard of every gRPC method of the listener (net::GrpcServerOptions).
  base::Result<void, std::string> check_origin(const std::string& authority, const std::string& peer,
                                               const net::Metadata& metadata) const;

  // Answers whoever waits for a change, so that listeners drain at once. New ones do not wait any more.
  void stop() { waiters_.stop(); }

 private:
  struct Target;
  struct Route;
  static const std::vector<Route>& routes();

  net::HttpResponse refuse(const core::Answer& answer) const { return problem(calls_.refused(answer)); }
  net::HttpResponse method_not_allowed(std::string_view allow) const;
  void handle(net::HttpRequest request, net::HttpReply reply);
  void handle_actor(const Target& target, net::HttpRequest request, net::HttpReply reply);
  net::HttpResponse look_up(const wire::ActorRef& actor) const;
  nlohmann::json status() const;
  nlohmann::json members() const;
  net::HttpResponse get_actors(const Target& target) const;
  void get_members(const Target& target, const net::HttpRequest& request, net::HttpReply reply);
  void get_events(const net::HttpRequest& request, net::HttpReply reply);
  nlohmann::json log_level() const;
  net::HttpResponse set_log_level(const net::HttpRequest& request) const;
  void drain(const Target& target, const net::HttpRequest& request, net::HttpReply reply);

  core::Gateway& gateway_;
  events::EventStreams& events_;
  LocalOptions options_;
  Calls calls_;
  Waiters waiters_;
};

}  // namespace ringside::local
