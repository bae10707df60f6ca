// An application that answers plain HTTP (docs/app-contract.md): POST /actors/{id}/apply, ANY /actors/{id}/method/...,
// DELETE /actors/{id}, DELETE /actors, and a health check.
#pragma once

#include <deque>
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
  void deactivate(core::DeactivateActors request) override;

 private:
  struct Deactivation {
    core::Token token;
    std::deque<core::ActorId> left;
    std::size_t unanswered = 0;
    bool all = false;
    net::Clock::time_point deadline;
  };

  void turn_answered(core::Token turn, bool method_call, const net::HttpResult& result);
  void finish(core::Token turn, core::Answer answer);
  void lose_turns(const std::function<void()>& tell);
  void next_deactivations();
  void deactivation_answered(Deactivation& work, const net::HttpResult& result);
  void check_health(HealthMonitor::Checked checked);

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
  std::deque<std::shared_ptr<Deactivation>> deactivations_;  // with actors left; in turn
  std::size_t ends_under_way_ = 0;
};

}  // namespace ringside::adapters
