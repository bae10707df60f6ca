// An application that speaks gRPC: ActorHost.ApplyStream, ActorHost.Apply, or only the given
// messages.ControlPlane/Apply, whichever of them it serves, tried in this order (docs/app-contract.md).
//
// A stream that ends is opened again, at once or after a rest (stream_backoff.h), and what is to be sent meanwhile
// waits for it.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "adapters/app_adapter.h"
#include "adapters/grpc/health_check.h"
#include "adapters/grpc/stream_backoff.h"
#include "adapters/grpc/turn_stream.h"
#include "adapters/health_monitor.h"
#include "adapters/listener_watch.h"
#include "sidecar/base/lifetime.h"
#include "sidecar/net/deadline_queue.h"
#include "sidecar/net/grpc/grpc_channel.h"

namespace ringside::adapters {

class GrpcAdapter final : public AppAdapter {
 public:
  GrpcAdapter(net::Loop& loop, AdapterOptions options, core::AppSink& sink, log::Log& log);
  ~GrpcAdapter() override;

  void start_turn(core::StartTurn turn) override;
  void break_turn(core::TurnId turn) override;
  void deactivate(core::DeactivateActor request) override;
  void deactivate_all(core::DeactivateAll request) override;
  std::size_t waiting_for_connection() const override;

 private:
  void begin() override { monitor_.start(); }
  enum class Form { kStream, kUnary, kControlPlane };
  struct Turn {
    core::StartTurn turn;
    net::GrpcChannel::CallId call = 0;                       // 0: on the stream
    Form form = Form::kStream;                               // in which it was sent last
    std::optional<net::Clock::time_point> waits_until = {};  // for a stream; what has not begun by then is not sent
  };

  struct Deactivation {
    core::ActorId actor = 0;  // 0: all
    app::v1::Deactivate message;
    net::GrpcChannel::CallId call = 0;
    std::optional<net::Clock::time_point> due;  // on the stream, once it was sent
  };

  void open_stream();
  void send_what_waited();
  void retire_stream(TurnStream& stream);
  void stream_ended(TurnStream& stream, const net::CallResult& result,
                    const TurnStream::Events::Unanswered& unanswered);
  void use(Form form);
  void send_turn(Turn& turn);
  void turn_answered(core::TurnId turn, net::CallResult result);
  void finish(core::TurnId turn, core::Answer answer);
  void stop_waiting(core::TurnId token, Turn& turn);
  void waited_too_long(core::TurnId token);
  void lose_all(const std::function<void()>& tell);
  void activations_ended(const std::string& why);
  TurnStream* stream_for_deactivations();
  void send_deactivation(core::DeactivationId token);
  void deactivation_answered(core::DeactivationId token, const net::CallResult& result);
  void begin_deactivation(core::DeactivationId token, core::ActorId actor, app::v1::Deactivate message);
  void deactivation_overdue(core::DeactivationId token);
  void deactivation_over(core::DeactivationId token, core::Deactivated said);
  HealthMonitor::Events health_events();
  net::ChannelOptions channel_options();
  net::ChannelOptions turn_channel();
  net::ChannelOptions health_channel();
  bool lives_with_stream() const { return form_ == Form::kStream && stream_ && channel_.connected(); }
  void disconnected(const net::CallResult& why);

  net::Loop& loop_;
  AdapterOptions options_;
  core::AppSink& sink_;
  log::Log& log_;
  ListenerWatch listener_;
  net::GrpcChannel channel_;
  HealthCheck health_;
  HealthMonitor monitor_;
  Form form_ = Form::kStream;
  std::shared_ptr<TurnStream> stream_;
  StreamBackoff backoff_;
  std::deque<core::TurnId> waiting_turns_;  // for a stream, in order
  std::deque<core::DeactivationId> waiting_deactivations_;
  net::DeadlineQueue<core::TurnId> begin_by_;
  std::vector<std::shared_ptr<TurnStream>> retiring_;  // answers are awaited, and nothing new goes onto them
  std::unordered_map<core::TurnId, Turn> turns_;
  std::unordered_map<core::DeactivationId, Deactivation> deactivations_;
  net::DeadlineQueue<core::DeactivationId> overdue_;
  base::Lifetime life_;  // last
};

}  // namespace ringside::adapters
