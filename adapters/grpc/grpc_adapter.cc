#include "adapters/grpc/grpc_adapter.h"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>
#include <ringside/app/v1/app.pb.h>

#include "adapters/grpc/turn_codec.h"
#include "adapters/turn_headers.h"

namespace ringside::adapters {
namespace {

constexpr const char* kUnaryPath = "/ringside.app.v1.ActorHost/Apply";
constexpr const char* kDeactivatePath = "/ringside.app.v1.ActorHost/Deactivate";
constexpr const char* kControlPlanePath = "/messages.ControlPlane/Apply";
constexpr const char* kHealthPath = "/grpc.health.v1.Health/Check";

net::ChannelOptions channel_options(const AdapterOptions& options, std::function<void(const net::CallResult&)> lost) {
  net::ChannelOptions channel;
  channel.endpoint = options.app;
  if (options.app.is_unix()) channel.authority = "localhost";
  channel.resolver = options.resolver;
  channel.random = options.random;
  channel.on_disconnected = std::move(lost);
  return channel;
}

// HealthCheckResponse {status = 1}: 1 is SERVING.
bool is_serving(const std::string& body) { return body == std::string("\x08\x01", 2); }

}  // namespace

GrpcAdapter::GrpcAdapter(net::Loop& loop, AdapterOptions options, core::AppSink& sink, runtime::Log& log)
    : loop_(loop),
      options_(std::move(options)),
      sink_(sink),
      log_(log),
      channel_(loop, channel_options(options_, [this](const net::CallResult& why) { disconnected(why); })),
      health_(loop, channel_options(options_, nullptr)),
      monitor_(loop, {options_.health_interval, options_.down_after, options_.turn_timeout}, health_events()),
      overdue_(loop, [this](core::Token token) { deactivation_overdue(token); }) {}

GrpcAdapter::~GrpcAdapter() {
  if (stream_) stream_->close();
  for (const auto& stream : retiring_) stream->close();
}

void GrpcAdapter::start() { monitor_.start(); }

// ---- the stream -----------------------------------------------------------------------------------------------------

void GrpcAdapter::open_stream() {
  if (form_ != Form::kStream || stream_) return;
  TurnStream::Events events;
  events.turn_ended = [this](core::Token turn, core::Answer answer) {
    monitor_.answered();
    finish(turn, std::move(answer));
  };
  events.deactivated = [this](core::Token token) {
    monitor_.answered();
    deactivation_over(token);
  };
  events.going_away = [this](TurnStream& stream) { retire_stream(stream); };
  events.ended = [this](TurnStream& stream, const net::CallResult& result,
                        const TurnStream::Events::Unanswered& unanswered) { stream_ended(stream, result, unanswered); };
  stream_ = TurnStream::open(loop_, channel_, options_.max_message, std::move(events));
}

// The app ends its connections by age, or wants to stop: its activations live, and what they work on is awaited.
void GrpcAdapter::retire_stream(TurnStream& stream) {
  if (stream_.get() != &stream) return;
  retiring_.push_back(std::exchange(stream_, nullptr));
  stream.retire();
  open_stream();
}

void GrpcAdapter::stream_ended(TurnStream& stream, const net::CallResult& result,
                               const TurnStream::Events::Unanswered& unanswered) {
  const bool current = stream_.get() == &stream;
  if (current) stream_ = nullptr;
  std::erase_if(retiring_, [&stream](const auto& one) { return one.get() == &stream; });
  if (current && result.status == net::GrpcStatus::kUnimplemented && result.from_server) {
    use(Form::kUnary);
    return;
  }
  if (result.delivery == net::Delivery::kNotSent) {
    // Nothing on it has reached the app.
    for (const core::Token turn : unanswered.turns) {
      finish(turn, core::Answer::failed(core::Outcome::kNotDelivered, core::Reason::kAppDown, result.message));
    }
    for (const core::Token token : unanswered.deactivations) {
      deactivation_over(token, {core::Deactivated::Kind::kFailed, {}, result.message});
    }
    return monitor_.look_now();
  }
  // Ended in order, with every turn answered: the app only wants another one.
  if (result.status == net::GrpcStatus::kOk && unanswered.turns.empty() && unanswered.deactivations.empty()) {
    return open_stream();
  }
  activations_ended(result.message);
}

// What the app does not serve, it has not seen: those turns go on in the next form.
void GrpcAdapter::use(Form form) {
  form_ = form;
  log_.info("app_contract", {{"form", form == Form::kUnary ? "ActorHost.Apply" : "messages.ControlPlane/Apply"}});
  std::vector<core::Token> unseen;
  for (const auto& [token, turn] : turns_) {
    if (turn.form == Form::kStream) unseen.push_back(token);
  }
  std::sort(unseen.begin(), unseen.end());
  for (const core::Token token : unseen) send_turn(turns_.at(token));
  for (const auto& [token, work] : deactivations_) send_deactivation(token);
}

// Its activations have ended with the stream or process that held them; `broken` is the turn that was the reason.
void GrpcAdapter::activations_ended(const std::string& why, core::Token broken) {
  log_.warn("app_lost", {{"why", why}, {"turns", turns_.size()}});
  lose_all(broken, [this] { sink_.app_restarted(); });
  open_stream();
  monitor_.look_now();
}

void GrpcAdapter::disconnected(const net::CallResult& why) {
  if (form_ != Form::kStream && why.reset && monitor_.is_up()) {
    boost::asio::post(loop_, [this, alive = std::weak_ptr<bool>(alive_), said = why.message] {
      if (!alive.expired() && form_ != Form::kStream) activations_ended(said);
    });
  }
  if (why.refused) {
    monitor_.refused();
  } else {
    monitor_.look_now();
  }
}

// ---- turns ----------------------------------------------------------------------------------------------------------

void GrpcAdapter::start_turn(core::StartTurn turn) {
  const core::Token token = turn.token;
  Turn& entry = turns_[token];
  entry.turn = std::move(turn);
  send_turn(entry);
}

void GrpcAdapter::send_turn(Turn& entry) {
  entry.form = form_;
  if (form_ == Form::kStream) {
    open_stream();
    entry.call = 0;
    return stream_->start_turn(entry.turn);
  }
  net::Metadata metadata;
  add_turn_headers(entry.turn, metadata);
  metadata.add(kTimeLeftHeader, time_left_text(entry.turn));
  const bool plain = form_ == Form::kControlPlane;
  std::string body = plain ? entry.turn.call->request : encode_turn(entry.turn, 0, time_left(entry.turn));
  net::CallOptions options;
  options.max_message = options_.max_message;
  options.connect_now = true;
  // Without a deadline, which the app's gRPC library would end the call by while its handler goes on: the turn outlives
  // its caller's, and is broken after --turn-timeout.
  options.begin_by = latest_begin(entry.turn);
  entry.call = channel_.unary(
      plain ? kControlPlanePath : kUnaryPath, std::move(metadata), std::move(body), options,
      [this, token = entry.turn.token](net::CallResult result) { turn_answered(token, std::move(result)); });
}

void GrpcAdapter::turn_answered(core::Token token, net::CallResult result) {
  const auto found = turns_.find(token);
  if (found == turns_.end()) return;
  Turn& turn = found->second;
  const bool unserved = result.status == net::GrpcStatus::kUnimplemented && result.from_server;
  if (unserved && turn.form == Form::kUnary) {
    if (form_ == Form::kUnary) use(Form::kControlPlane);
    return send_turn(turn);
  }
  if (result.from_server) {
    monitor_.answered();
  } else if (result.status != net::GrpcStatus::kDeadlineExceeded) {
    monitor_.look_now();
  }
  finish(token, read_unary(std::move(result), turn.form == Form::kControlPlane));
}

void GrpcAdapter::finish(core::Token turn, core::Answer answer) {
  if (turns_.erase(turn) != 0) sink_.turn_ended(turn, std::move(answer));
}

void GrpcAdapter::break_turn(core::Token token) {
  const auto found = turns_.find(token);
  if (found == turns_.end()) return;
  if (found->second.call != 0) channel_.cancel(found->second.call);
  boost::asio::post(loop_, [this, alive = std::weak_ptr<bool>(alive_), token] {
    if (alive.expired() || !turns_.contains(token)) return;
    // A stream cannot be closed for one turn alone, and nobody knows what the app still does.
    if (turns_.at(token).call == 0) return activations_ended("a turn took longer than --turn-timeout", token);
    finish(token, core::Answer::failed(core::Outcome::kUnknown, core::Reason::kTurnTimeout));
  });
}

// `tell` may begin turns of new activations; those are none of the lost ones.
void GrpcAdapter::lose_all(core::Token broken, const std::function<void()>& tell) {
  if (const auto stream = std::exchange(stream_, nullptr)) stream->close();
  for (const auto& stream : std::exchange(retiring_, {})) stream->close();
  std::vector<core::Token> lost;
  for (const auto& [token, turn] : std::exchange(turns_, {})) {
    if (turn.call != 0) channel_.cancel(turn.call);
    lost.push_back(token);
  }
  std::sort(lost.begin(), lost.end());
  // What is still to be forgotten has been; it must not reach a new activation.
  const auto deactivations = std::exchange(deactivations_, {});
  for (const auto& [token, work] : deactivations) {
    if (work.call != 0) channel_.cancel(work.call);
  }
  tell();
  for (const core::Token token : lost) {
    const core::Reason reason = token == broken ? core::Reason::kTurnTimeout : core::Reason::kAppLost;
    sink_.turn_ended(token, core::Answer::failed(core::Outcome::kUnknown, reason));
  }
}

// ---- deactivation ---------------------------------------------------------------------------------------------------

void GrpcAdapter::deactivate(core::DeactivateActor request) {
  begin_deactivation(request.token, {request.actor, false});
}

void GrpcAdapter::deactivate_all(core::DeactivateAll request) { begin_deactivation(request.token, {{}, true}); }

void GrpcAdapter::begin_deactivation(core::Token token, Forget what) {
  Deactivation& work = deactivations_[token];
  work.what = what;
  work.deadline = net::Clock::now() + options_.turn_timeout;
  overdue_.add(work.deadline, token);
  send_deactivation(token);
}

// An app that stops in order takes no new stream, and hears what it has to save on the one that it still answers.
TurnStream& GrpcAdapter::stream_for_deactivations() {
  if (!monitor_.is_up() && !retiring_.empty() && retiring_.back()->takes_more()) return *retiring_.back();
  open_stream();
  return *stream_;
}

void GrpcAdapter::send_deactivation(core::Token token) {
  Deactivation& work = deactivations_.at(token);
  if (form_ == Form::kStream) return stream_for_deactivations().deactivate(token, work.what);
  app::v1::Deactivate message;
  message.set_all(work.what.all);
  if (!work.what.all) message.add_ids(work.what.actor.id);
  net::CallOptions options;
  options.deadline = work.deadline;
  work.call = channel_.unary(kDeactivatePath, {}, message.SerializeAsString(), options,
                             [this, token](const net::CallResult& result) { deactivation_answered(token, result); });
}

void GrpcAdapter::deactivation_answered(core::Token token, const net::CallResult& result) {
  if (!deactivations_.contains(token)) return;
  if (result.from_server) {
    monitor_.answered();
  } else {
    monitor_.look_now();
  }
  // An app that does not know of deactivation has nothing to do for it.
  if (result.status == net::GrpcStatus::kOk || result.status == net::GrpcStatus::kUnimplemented) {
    return deactivation_over(token);
  }
  const bool silent = result.status == net::GrpcStatus::kDeadlineExceeded && !result.from_server;
  using Kind = core::Deactivated::Kind;
  deactivation_over(token, {silent ? Kind::kSilent : Kind::kFailed, {}, result.message});
}

// On a stream nothing else bounds it, and nobody knows what the app still does.
void GrpcAdapter::deactivation_overdue(core::Token token) {
  if (form_ != Form::kStream || !deactivations_.contains(token)) return;
  activations_ended("a deactivation took longer than --turn-timeout");
}

void GrpcAdapter::deactivation_over(core::Token token, core::Deactivated said) {
  const auto found = deactivations_.find(token);
  if (found == deactivations_.end()) return;
  overdue_.remove(found->second.deadline, token);
  deactivations_.erase(found);
  sink_.deactivated(token, std::move(said));
}

// ---- health ---------------------------------------------------------------------------------------------------------

HealthMonitor::Events GrpcAdapter::health_events() {
  HealthMonitor::Events events;
  events.check = [this](net::Clock::time_point deadline, HealthMonitor::Checked checked) {
    check_health(deadline, std::move(checked));
  };
  events.working = [this] { return (!turns_.empty() || !deactivations_.empty()) && channel_.any_begun(); };
  events.up = [this] {
    // Another process may serve another form of the contract.
    form_ = Form::kStream;
    open_stream();
    sink_.app_up();
  };
  events.unhealthy = [this](const std::string& why) { sink_.app_sick(why); };
  events.gone = [this](const std::string& why) { lose_all(0, [&] { sink_.app_down(why); }); };
  events.restarted = [this] { activations_ended("another instance answers"); };
  return events;
}

void GrpcAdapter::check_health(net::Clock::time_point deadline, HealthMonitor::Checked checked) {
  net::CallOptions options;
  options.deadline = deadline;
  options.connect_now = true;
  health_.unary(kHealthPath, {}, "", options, [checked = std::move(checked)](const net::CallResult& result) {
    HealthResult health;
    health.refused = result.refused;
    health.timed_out = result.status == net::GrpcStatus::kDeadlineExceeded && !result.from_server;
    // An app without the health service is healthy while it accepts connections and answers.
    health.healthy = (result.status == net::GrpcStatus::kOk && is_serving(result.body)) ||
                     (result.status == net::GrpcStatus::kUnimplemented && result.from_server);
    health.instance = std::string(result.headers.get("ringside-app-instance"));
    health.why = result.status == net::GrpcStatus::kOk ? "its health check says NOT_SERVING" : result.message;
    checked(std::move(health));
  });
}

}  // namespace ringside::adapters
