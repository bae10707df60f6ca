// An application that answers plain HTTP (docs/app-contract.md): POST /actors/{id}/apply, ANY /actors/{id}/method/...,
// DELETE /actors/{id}, DELETE /actors, and a health check.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "adapters/app_adapter.h"
#include "adapters/health_monitor.h"
#include "adapters/http/turn_exchange.h"
#include "sidecar/net/http1_client.h"

namespace ringside::adapters {

struct HttpAdapterOptions : AdapterOptions {
  bool json = true;  // --app-body: how batches are written
  std::string health_path = "/healthz";
};

class HttpAdapter final : public AppAdapter {
 public:
  HttpAdapter(net::Loop& loop, HttpAdapterOptions options, const wire::ApplyJson& json, core::AppSink& sink,
              runtime::Log& log);
  ~HttpAdapter() override;

  void start() override;
  void start_turn(core::StartTurn turn) override;
  void break_turn(core::Token turn) override;
  void deactivate(core::DeactivateActor request) override;
  void deactivate_all(core::DeactivateAll request) override;

 private:
  void turn_answered(core::Token turn, bool method_call, const net::HttpResult& result);
  void note(const net::HttpResult& result);
  void finish(core::Token turn, core::Answer answer);
  void lose_all(const std::function<void()>& tell);
  void send_end(core::Token token, const net::HttpRequest& request);
  void end_answered(core::Token token, const net::HttpResult& result);
  HealthMonitor::Events health_events();
  void check_health(net::Clock::time_point deadline, HealthMonitor::Checked checked);

  net::Loop& loop_;
  HttpAdapterOptions options_;
  core::AppSink& sink_;
  runtime::Log& log_;
  TurnExchange exchange_;
  net::Http1Client turns_;
  net::Http1Client ends_;    // of their own: slow turns never stand in the way of deactivations
  net::Http1Client health_;  // of its own: likewise
  HealthMonitor monitor_;
  std::unordered_map<core::Token, net::Http1Client::RequestId> under_way_;
  std::unordered_map<core::Token, net::Http1Client::RequestId> ends_under_way_;
};

}  // namespace ringside::adapters
