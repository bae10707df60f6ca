// An application that answers plain HTTP (docs/app-contract.md): POST /actors/{id}/apply, ANY /actors/{id}/method/...,
// DELETE /actors/{id}, DELETE /actors, and a health check.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>

#include "adapters/app_adapter.h"
#include "adapters/health_monitor.h"
#include "adapters/http/turn_exchange.h"
#include "adapters/listener_watch.h"
#include "sidecar/base/lifetime.h"
#include "sidecar/base/result.h"
#include "sidecar/net/http1/http1_client.h"
#include "sidecar/net/http2/http2_client.h"
#include "sidecar/wire/json_work.h"

namespace ringside::adapters {

struct HttpAdapterOptions : AdapterOptions {
  bool json = true;  // --app-body: how batches are written
  std::string health_path = "/healthz";
  bool h2c = false;  // over HTTP/2 with prior knowledge: one connection for everything
};

class HttpAdapter final : public AppAdapter {
 public:
  HttpAdapter(net::Loop& loop, HttpAdapterOptions options, wire::JsonWork& json, core::AppSink& sink, log::Log& log);
  ~HttpAdapter() override;

  void start_turn(core::StartTurn turn) override;
  void break_turn(core::TurnId turn) override;
  void deactivate(core::DeactivateActor request) override;
  void deactivate_all(core::DeactivateAll request) override;
  std::size_t waiting_for_connection() const override { return turns_->waiting(); }

 private:
  void begin() override { monitor_.start(); }
  void note(const net::HttpResult& result);
  void send(const core::StartTurn& turn, base::Result<TurnExchange::Written, core::Answer> written);
  void read(core::TurnId turn, net::HttpResult result, TurnExchange::Asked asked);
  void finish(core::TurnId turn, core::Answer answer);
  void lose_all(const std::function<void()>& tell);
  void send_end(core::DeactivationId token, const net::HttpRequest& request);
  void end_answered(core::DeactivationId token, const std::string& target, const net::HttpResult& result);
  void make_clients();
  void make_clients_over_h2c();
  void ended_unasked();
  net::Http1ClientOptions client_options(std::size_t connections);
  net::Http1ClientOptions brief_options(std::size_t connections, std::chrono::milliseconds max_idle);
  net::Http1ClientOptions health_options();
  void met(ListenerWatch::Seen seen);
  HealthMonitor::Events health_events();
  void check_health(net::Clock::time_point deadline, HealthMonitor::Checked checked);

  net::Loop& loop_;
  HttpAdapterOptions options_;
  core::AppSink& sink_;
  log::Log& log_;
  wire::JsonWork& json_;
  const std::shared_ptr<const TurnExchange> exchange_;  // large JSON is read and written on another thread
  std::shared_ptr<net::AnswerRoom> room_;
  ListenerWatch listener_;
  std::unique_ptr<net::Http2Link> link_;  // null: HTTP/1.1
  std::unique_ptr<net::HttpClient> turns_;
  std::unique_ptr<net::HttpClient> ends_;    // of their own: slow turns never stand in the way of deactivations
  std::unique_ptr<net::HttpClient> health_;  // of its own: likewise
  HealthMonitor monitor_;
  std::unordered_map<core::TurnId, net::HttpClient::RequestId> turns_in_flight_;
  std::unordered_map<core::DeactivationId, net::HttpClient::RequestId> ends_in_flight_;
  std::set<int> taken_for_done_;  // statuses of deactivations that the log has told of
  base::Lifetime life_;           // last
};

}  // namespace ringside::adapters
