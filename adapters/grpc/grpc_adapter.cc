#include "adapters/grpc/grpc_adapter.h"

#include <algorithm>
#include <utility>

#include <ringside/app/v1/app.pb.h>

#include "adapters/grpc/turn_codec.h"
#include "adapters/turn_headers.h"
#include "sidecar/base/checked.h"
#include "sidecar/base/text.h"
#include "sidecar/wire/idempotency.h"
#include "sidecar/wire/method_call.h"

namespace ringside::adapters {
namespace {

constexpr const char* kUnaryPath = "/ringside.app.v1.ActorHost/Apply";
constexpr const char* kDeactivatePath = "/ringside.app.v1.ActorHost/Deactivate";
constexpr const char* kControlPlanePath = "/messages.ControlPlane/Apply";

}  // namespace

GrpcAdapter::GrpcAdapter(net::Loop& loop, AdapterOptions options, core::AppSink& sink, log::Log& log)
    : AppAdapter(loop, options.app, sink, log),
      loop_(loop),
      options_(std::move(options)),
      sink_(sink),
      log_(log),
      listener_(options_.app),
      channel_(loop, turn_channel()),
      health_(loop, health_channel(), options_.health_service),
      monitor_(loop, {options_.health_interval, options_.down_after, options_.turn_timeout}, health_events()),
      backoff_(loop, options_.random,
               [this] {
                 open_stream();
                 send_what_waited();
               }),
      begin_by_(loop, [this](core::TurnId token) { waited_too_long(token); }),
      overdue_(loop, [this](core::DeactivationId token) { deactivation_overdue(token); }) {}

GrpcAdapter::~GrpcAdapter() {
  if (stream_) stream_->close();
  for (const auto& stream : retiring_) stream->close();
}

// ---- connections ----------------------------------------------------------------------------------------------------

net::ChannelOptions GrpcAdapter::channel_options() {
  net::ChannelOptions channel;
  channel.endpoint = options_.app;
  if (options_.app.is_unix()) channel.authority = "localhost";
  channel.resolver = options_.resolver;
  channel.random = options_.random;
  return channel;
}

net::ChannelOptions GrpcAdapter::turn_channel() {
  net::ChannelOptions channel = channel_options();
  channel.max_connections = std::max<std::size_t>(2, options_.connections);
  channel.on_transport = [this](net::Transport& transport) {
    if (listener_.connected(transport) == ListenerWatch::Seen::kAnother) monitor_.replaced();
  };
  channel.on_disconnected = [this](const net::CallResult& why) { disconnected(why); };
  return channel;
}

net::ChannelOptions GrpcAdapter::health_channel() {
  net::ChannelOptions channel = channel_options();
  channel.on_transport = [this](net::Transport& transport) {
    // While the stream stands, its activations do, whoever takes new connections.
    if (lives_with_stream()) return;
    if (listener_.connected(transport) == ListenerWatch::Seen::kAnother) monitor_.replaced();
  };
  channel.on_disconnected = [this](const net::CallResult& why) {
    if (why.reset && !lives_with_stream() && !listener_.stays()) monitor_.look_now();
  };
  return channel;
}

// The turns' connection broke, or could not be made.
void GrpcAdapter::disconnected(const net::CallResult& why) {
  if (why.no_listener) return monitor_.no_listener();
  if (form_ == Form::kStream || !why.reset || !monitor_.is_up()) return monitor_.look_now();
  switch (listener_.look()) {
    case ListenerWatch::Seen::kSame:  // the application closed it, and lives
      return monitor_.look_now();
    case ListenerWatch::Seen::kAnother:
      return monitor_.replaced();
    case ListenerWatch::Seen::kNobody:
      return monitor_.no_listener();
    case ListenerWatch::Seen::kUnknown:
      break;
  }
  loop_.post(life_.bind([this, said = why.message] {
    if (form_ != Form::kStream) activations_ended(said);
  }));
  monitor_.look_now();
}

// ---- the stream -----------------------------------------------------------------------------------------------------

void GrpcAdapter::open_stream() {
  if (form_ != Form::kStream || stream_) return;
  if (backoff_.rests()) return backoff_.wait();
  backoff_.opened();
  TurnStream::Events events;
  events.turn_ended = [this](core::TurnId turn, core::Answer answer) {
    monitor_.answered();
    finish(turn, std::move(answer));
  };
  events.deactivation_sent = [this](core::DeactivationId token) {
    const auto found = deactivations_.find(token);
    if (found == deactivations_.end()) return;
    found->second.due = net::Clock::now() + options_.turn_timeout;
    overdue_.add(*found->second.due, token);
  };
  events.deactivated = [this](core::DeactivationId token, const app::v1::Deactivated& said) {
    monitor_.answered();
    const auto found = deactivations_.find(token);
    if (found != deactivations_.end()) deactivation_over(token, read_deactivated(said, found->second.actor));
  };
  events.oddity = [this](const char* what, SequenceNumber seq) {
    log_.warn("app_answer_ignored", {{"why", what}, {"seq", seq.value()}});
  };
  events.going_away = [this](TurnStream& stream) { retire_stream(stream); };
  events.ended = [this](TurnStream& stream, const net::CallResult& result,
                        const TurnStream::Events::Unanswered& unanswered) { stream_ended(stream, result, unanswered); };
  stream_ = TurnStream::open(loop_, channel_, options_.max_message, std::move(events));
}

// Nothing waits where there is a stream, or another form of the contract.
void GrpcAdapter::send_what_waited() {
  for (const core::TurnId token : std::exchange(waiting_turns_, {})) {
    const auto found = turns_.find(token);
    if (found != turns_.end() && found->second.waits_until) send_turn(found->second);
  }
  for (const core::DeactivationId token : std::exchange(waiting_deactivations_, {})) {
    if (deactivations_.contains(token)) send_deactivation(token);
  }
}

// The app ends its connections by age, or wants to stop: its activations live, and what they work on is awaited.
void GrpcAdapter::retire_stream(TurnStream& stream) {
  if (stream_.get() != &stream) return;
  retiring_.push_back(std::exchange(stream_, nullptr));
  stream.retire();
  backoff_.ended();
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
  // A connection that is refused is the health monitor's affair.
  if (current && !result.no_listener) backoff_.ended();
  if (result.delivery == net::Delivery::kNotSent) {
    // Nothing on it has reached the app.
    for (const core::TurnId turn : unanswered.turns) {
      finish(turn, core::Answer::failed(core::Outcome::kNotDelivered, core::Reason::kAppDown, result.message));
    }
    for (const core::DeactivationId token : unanswered.deactivations) {
      deactivation_over(token, {core::Deactivated::Kind::kFailed, {}, result.message});
    }
    return monitor_.look_now();
  }
  // Ended in order, with every turn answered: the app only wants another one.
  if (result.status == net::GrpcStatus::kOk && unanswered.turns.empty() && unanswered.deactivations.empty()) {
    return open_stream();
  }
  listener_.forget();
  activations_ended(result.message);
}

// What the app does not serve, it has not seen: those turns go on in the next form.
void GrpcAdapter::use(Form form) {
  form_ = form;
  log_.info("app_contract", {{"form", form == Form::kUnary ? "ActorHost.Apply" : "messages.ControlPlane/Apply"}});
  std::vector<core::TurnId> unseen;
  for (const auto& [token, turn] : turns_) {
    if (turn.form == Form::kStream) unseen.push_back(token);
  }
  std::sort(unseen.begin(), unseen.end());
  for (const core::TurnId token : unseen) send_turn(base::at(turns_, token));
  for (auto& [token, work] : deactivations_) {
    if (work.due) overdue_.remove(*std::exchange(work.due, std::nullopt), token);
    send_deactivation(token);
  }
}

// Its activations have ended with the stream or process that held them.
void GrpcAdapter::activations_ended(const std::string& why) {
  log_.warn("app_lost", {{"why", why}, {"turns", turns_.size()}});
  lose_all([this] { sink_.app_restarted(); });
  open_stream();
  monitor_.look_now();
}

// ---- turns ----------------------------------------------------------------------------------------------------------

std::size_t GrpcAdapter::waiting_for_connection() const { return channel_.waiting() + waiting_turns_.size(); }

void GrpcAdapter::start_turn(core::StartTurn turn) {
  const core::TurnId token = turn.token;
  Turn& entry = turns_[token];
  entry.turn = std::move(turn);
  send_turn(entry);
}

void GrpcAdapter::send_turn(Turn& entry) {
  entry.form = form_;
  stop_waiting(entry.turn.token, entry);
  if (form_ == Form::kStream) {
    open_stream();
    entry.call = 0;
    if (stream_) return stream_->start_turn(entry.turn);
    entry.waits_until = latest_begin(entry.turn);
    begin_by_.add(*entry.waits_until, entry.turn.token);
    waiting_turns_.push_back(entry.turn.token);
    return;
  }
  net::Metadata metadata;
  add_turn_headers(entry.turn, metadata);
  metadata.add(kTimeLeftHeader, time_left_text(entry.turn));
  const bool plain = form_ == Form::kControlPlane;
  std::string body = plain ? wire::write_batch(*entry.turn.call) : encode_turn(entry.turn, 0, time_left(entry.turn));
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

void GrpcAdapter::turn_answered(core::TurnId token, net::CallResult result) {
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
  } else if (result.status != net::GrpcStatus::kDeadlineExceeded &&
             result.status != net::GrpcStatus::kResourceExhausted) {
    monitor_.look_now();
  }
  finish(token, read_unary(std::move(result), turn.form == Form::kControlPlane));
}

void GrpcAdapter::stop_waiting(core::TurnId token, Turn& turn) {
  if (turn.waits_until) begin_by_.remove(*std::exchange(turn.waits_until, std::nullopt), token);
}

void GrpcAdapter::waited_too_long(core::TurnId token) {
  finish(token, core::Answer::failed(core::Outcome::kExpired, core::Reason::kDeadline,
                                     "waited for the app to keep a stream open"));
}

void GrpcAdapter::finish(core::TurnId turn, core::Answer answer) {
  const auto found = turns_.extract(turn);
  if (found.empty()) return;
  if (found.mapped().waits_until) {
    stop_waiting(turn, found.mapped());
    std::erase(waiting_turns_, turn);
  }
  answer.detail = base::told(answer.detail);
  wire::read_for_repeats(*found.mapped().turn.call, answer);
  sink_.turn_ended(turn, std::move(answer));
}

void GrpcAdapter::break_turn(core::TurnId token) {
  const auto found = turns_.find(token);
  if (found == turns_.end()) return;
  if (found->second.call != 0) channel_.cancel(found->second.call);
  loop_.post(life_.bind([this, token] {
    if (!turns_.contains(token)) return;
    // A stream is not closed for one turn alone: that one's actor is deactivated, the others go on.
    if (stream_) stream_->give_up(token);
    for (const auto& stream : retiring_) stream->give_up(token);
    finish(token, core::Answer::failed(core::Outcome::kUnknown, core::Reason::kTurnTimeout));
  }));
}

// `tell` may begin turns of new activations; those are not among the lost ones.
void GrpcAdapter::lose_all(const std::function<void()>& tell) {
  if (const auto stream = std::exchange(stream_, nullptr)) stream->close();
  for (const auto& stream : std::exchange(retiring_, {})) stream->close();
  std::vector<std::pair<core::TurnId, bool>> lost;  // whether it was never sent
  for (auto& [token, turn] : std::exchange(turns_, {})) {
    const bool waited = turn.waits_until.has_value();
    stop_waiting(token, turn);
    lost.emplace_back(token, waited || (turn.call != 0 && channel_.cancel(turn.call) == net::Delivery::kNotSent));
  }
  waiting_turns_.clear();
  waiting_deactivations_.clear();
  std::sort(lost.begin(), lost.end());
  // What is still to be forgotten has been; it must not reach a new activation.
  const auto deactivations = std::exchange(deactivations_, {});
  for (const auto& [token, work] : deactivations) {
    if (work.call != 0) channel_.cancel(work.call);
    if (work.due) overdue_.remove(*work.due, token);
  }
  tell();
  for (const auto& [token, unsent] : lost) {
    const auto outcome = unsent ? core::Outcome::kNotDelivered : core::Outcome::kUnknown;
    sink_.turn_ended(token, core::Answer::failed(outcome, core::Reason::kAppLost));
  }
}

// ---- deactivation ---------------------------------------------------------------------------------------------------

void GrpcAdapter::deactivate(core::DeactivateActor request) {
  begin_deactivation(request.token, request.actor.id, deactivate_message(request));
}

void GrpcAdapter::deactivate_all(core::DeactivateAll request) {
  app::v1::Deactivate message;
  message.set_all(true);
  message.set_why(std::string(core::kInitialReset));
  begin_deactivation(request.token, 0, std::move(message));
}

void GrpcAdapter::begin_deactivation(core::DeactivationId token, core::ActorId actor, app::v1::Deactivate message) {
  Deactivation& work = deactivations_[token];
  work.actor = actor;
  work.message = std::move(message);
  send_deactivation(token);
}

// An app that stops in order takes no new stream, and hears what it has to save on the one that it still answers.
// Null: there is none for the moment.
TurnStream* GrpcAdapter::stream_for_deactivations() {
  if (!monitor_.is_up() && !retiring_.empty() && retiring_.back()->takes_more()) return retiring_.back().get();
  open_stream();
  return stream_.get();
}

// However long it waits to be sent: what was not sent is not done.
void GrpcAdapter::send_deactivation(core::DeactivationId token) {
  Deactivation& work = base::at(deactivations_, token);
  if (form_ == Form::kStream) {
    if (TurnStream* const stream = stream_for_deactivations()) return stream->deactivate(token, work.message);
    return waiting_deactivations_.push_back(token);
  }
  net::CallOptions options;
  options.answer_within = options_.turn_timeout;
  work.call = channel_.unary(kDeactivatePath, {}, work.message.SerializeAsString(), options,
                             [this, token](const net::CallResult& result) { deactivation_answered(token, result); });
}

void GrpcAdapter::deactivation_answered(core::DeactivationId token, const net::CallResult& result) {
  const auto found = deactivations_.find(token);
  if (found == deactivations_.end()) return;
  if (result.from_server) {
    monitor_.answered();
  } else {
    monitor_.look_now();
  }
  deactivation_over(token, read_unary_deactivated(result, found->second.actor));
}

// On a stream; of a call the channel tells.
void GrpcAdapter::deactivation_overdue(core::DeactivationId token) {
  const auto found = deactivations_.find(token);
  if (found == deactivations_.end()) return;
  found->second.due.reset();
  if (stream_) stream_->give_up_deactivation(token);
  for (const auto& stream : retiring_) stream->give_up_deactivation(token);
  deactivation_over(token, {core::Deactivated::Kind::kSilent, {}, "Deactivate: no answer"});
}

void GrpcAdapter::deactivation_over(core::DeactivationId token, core::Deactivated said) {
  const auto found = deactivations_.find(token);
  if (found == deactivations_.end()) return;
  if (found->second.due) overdue_.remove(*found->second.due, token);
  deactivations_.erase(found);
  said.detail = base::told(said.detail);
  sink_.deactivated(token, std::move(said));
}

// ---- health ---------------------------------------------------------------------------------------------------------

HealthMonitor::Events GrpcAdapter::health_events() {
  HealthMonitor::Events events;
  events.check = [this](net::Clock::time_point deadline, HealthMonitor::Checked checked) {
    health_.ask(deadline, [this, checked = std::move(checked)](HealthResult health) {
      health.same_listener = listener_.stays();
      checked(std::move(health));
    });
  };
  events.working = [this] { return (!turns_.empty() || !deactivations_.empty()) && channel_.any_begun(); };
  events.up = [this] {
    // Another process may serve another form of the contract.
    form_ = Form::kStream;
    open_stream();
    sink_.app_up();
  };
  events.unhealthy = [this](const std::string& why) { sink_.app_unhealthy(why); };
  events.gone = [this](const std::string& why) {
    // Who answers afterwards is another process.
    backoff_.reset();
    lose_all([&] { sink_.app_down(why); });
  };
  events.restarted = [this] { activations_ended("another instance answers"); };
  return events;
}

}  // namespace ringside::adapters
