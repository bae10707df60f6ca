// An application that answers plain HTTP (docs/app-contract.md): POST /actors/{id}/apply, ANY /actors/{id}/method/...,
// DELETE /actors/{id}, DELETE /actors, and a health check.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "adapters/app_adapter.h"
#include "adapters/health_monitor.h"
#include "adapters/http/turn_exchange.h"
#include "sidecar/net/deadline_queue.h"
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
  // One DELETE.
  struct End {
    std::shared_ptr<Deactivation> work;
    core::ActorId actor = 0;
    int attempts = 0;
  };

  void turn_answered(core::Token turn, bool method_call, const net::HttpResult& result);
  void note(const net::HttpResult& result);
  void finish(core::Token turn, core::Answer answer);
  void lose_all(const std::function<void()>& tell);
  void next_deactivations();
  void send_end(End end);
  void end_answered(End end, const net::HttpResult& result);
  void repeat_end(std::uint64_t id);
  void end_over(Deactivation& work);
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
  std::unordered_map<core::Token, std::shared_ptr<Deactivation>> deactivations_;
  std::deque<std::shared_ptr<Deactivation>> unsent_;  // with actors left; in turn
  std::unordered_set<net::Http1Client::RequestId> ends_under_way_;
  net::DeadlineQueue repeats_;
  std::unordered_map<std::uint64_t, End> to_repeat_;
  std::deque<End> due_again_;
  std::uint64_t last_repeat_ = 0;
};

}  // namespace ringside::adapters
