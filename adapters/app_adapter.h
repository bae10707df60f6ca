// What every adapter is: the application as the core sees it (core::AppPort), plus a beginning.
//
// An adapter reports each turn and each deactivation exactly once, never from inside the call that handed it over. When
// the activations have ended (down, restarted) it says so first and reports what was lost with them afterwards: the end
// of a lost turn must not begin the next turn of an activation that is over. Loop thread only.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "adapters/app_lock.h"
#include "sidecar/core/ports.h"
#include "sidecar/log/log.h"
#include "sidecar/net/endpoint.h"
#include "sidecar/net/resolver.h"
#include "sidecar/net/transport.h"

namespace ringside::adapters {

struct AdapterOptions {
  net::Endpoint app;
  std::shared_ptr<net::Resolver> resolver;
  std::function<double()> random;  // in [0, 1), for backoff
  std::size_t max_message = std::size_t{4} << 20;
  std::size_t max_in_flight = 1000;                   // turns
  std::size_t answer_bytes = std::size_t{256} << 20;  // of answers that are coming in, all together
  std::size_t connections = 256;                      // to the app, of an adapter that needs more than one
  std::chrono::milliseconds turn_timeout{60'000};     // also the bound of a deactivation
  std::chrono::milliseconds health_interval{1'000};
  std::chrono::milliseconds down_after{3'000};
  std::string health_service;  // gRPC: whose health is asked; empty: the whole server's, or that of a service of ours
};

class AppAdapter : public core::AppPort {
 public:
  AppAdapter(net::Loop& loop, const net::Endpoint& app, core::AppSink& sink, log::Log& log);

  // Takes the application for this sidecar alone, and then begins to look at its health, whose first word starts the
  // node. Where another sidecar has it, the application counts as down until that one has ended.
  void start();

 protected:
  virtual void begin() = 0;  // the application is ours

 private:
  core::AppSink& app_sink_;
  log::Log& app_log_;
  std::string app_;
  AppLock lock_;
};

}  // namespace ringside::adapters
