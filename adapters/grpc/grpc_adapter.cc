#include "adapters/grpc/grpc_adapter.h"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>
#include <ringside/app/v1/app.pb.h>

#include "adapters/grpc/turn_codec.h"

namespace ringside::adapters {
namespace {

constexpr const char* kUnaryPath = "/ringside.app.v1.ActorHost/Apply";
constexpr const char* kDeactivatePath = "/ringside.app.v1.ActorHost/Deactivate";
constexpr const char* kControlPlanePath = "/messages.ControlPlane/Apply";
constexpr const char* kHealthPath = "/grpc.health.v1.Health/Check";
constexpr std::chrono::milliseconds kHealthTimeout{1'000};

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
      monitor_(loop, options_.health_interval, options_.down_after,
               {[this](HealthMonitor::Checked checked) { check_health(std::move(checked)); },
                [this] {
                  // Another process may serve another form of the contract.
                  form_ = Form::kStream;
                  open_stream();
                  sink_.app_up();
                },
                [this](const std::string& why) { lose_all(0, [&] { sink_.app_down(why); }); },
                [this] { activations_ended("another instance answers"); }}) {}

GrpcAdapter::~GrpcAdapter() {
  if (stream_) stream_->close();
}

void GrpcAdapter::start() { monitor_.start(); }

// ---- the stream -----------------------------------------------------------------------------------------------------

void GrpcAdapter::open_stream() {
  if (form_ != Form::kStream || stream_) return;
  TurnStream::Events events;
  events.turn_ended = [this](core::Token turn, core::Answer answer) { finish(turn, std::move(answer)); };
  events.deactivated = [this](core::Token token) { deactivation_over(token); };
  events.ended = [this](const net::CallResult& result, const TurnStream::Events::Unanswered& unanswered) {
    stream_ended(result, unanswered);
  };
  stream_ = TurnStream::open(loop_, channel_, options_.max_message, std::move(events));
}

void GrpcAdapter::stream_ended(const net::CallResult& result, const TurnStream::Events::Unanswered& unanswered) {
  stream_ = nullptr;
  if (result.status == net::GrpcStatus::kUnimplemented && result.from_server) {
    use(Form::kUnary);
    return;
  }
  if (result.delivery == net::Delivery::kNotSent) {
    // Nothing on it has reached the app.
    for (const core::Token turn : unanswered.turns) {
      finish(turn, core::Answer::failed(core::Outcome::kNotDelivered, core::Reason::kAppDown, result.message));
    }
    for (const core::Token token : unanswered.deactivations) deactivation_over(token);
    return monitor_.look_now();
  }
  // Ended in order by the app, with every turn answered: it only wants another one.
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
  const auto pending = std::exchange(deactivations_, {});
  for (const auto& [token, request] : pending) deactivate(request);
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
  monitor_.look_now();
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
  if (!entry.turn.call->traceparent.empty()) metadata.add("traceparent", entry.turn.call->traceparent);
  if (!entry.turn.call->tracestate.empty()) metadata.add("tracestate", entry.turn.call->tracestate);
  std::string body;
  if (form_ == Form::kControlPlane) {
    metadata.add("ringside-epoch", std::to_string(entry.turn.epoch));
    if (!entry.turn.call->idempotency_key.empty()) metadata.add("idempotency-key", entry.turn.call->idempotency_key);
    body = entry.turn.call->request;
  } else {
    const auto left = entry.turn.call->deadline.time_since_epoch() -
                      std::chrono::duration_cast<core::Duration>(net::Clock::now().time_since_epoch());
    body = encode_turn(entry.turn, 0, left);
  }
  net::CallOptions options;
  options.max_message = options_.max_message;
  options.connect_now = true;
  // Without a deadline: the turn outlives its caller's, and is broken after --turn-timeout.
  entry.call = channel_.unary(
      form_ == Form::kControlPlane ? kControlPlanePath : kUnaryPath, std::move(metadata), std::move(body), options,
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
  if (!result.from_server) monitor_.look_now();
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
  std::vector<core::Token> lost;
  for (const auto& [token, turn] : std::exchange(turns_, {})) {
    if (turn.call != 0) channel_.cancel(turn.call);
    lost.push_back(token);
  }
  std::sort(lost.begin(), lost.end());
  const auto deactivations = std::exchange(deactivations_, {});
  tell();
  for (const core::Token token : lost) {
    const core::Reason reason = token == broken ? core::Reason::kTurnTimeout : core::Reason::kAppLost;
    sink_.turn_ended(token, core::Answer::failed(core::Outcome::kUnknown, reason));
  }
  for (const auto& [token, request] : deactivations) sink_.deactivated(token);
}

// ---- deactivation ---------------------------------------------------------------------------------------------------

void GrpcAdapter::deactivate(core::DeactivateActors request) {
  deactivations_[request.token] = request;
  if (form_ == Form::kStream) {
    open_stream();
    stream_->deactivate(request);
  } else {
    send_deactivation(request);
  }
}

void GrpcAdapter::send_deactivation(const core::DeactivateActors& request) {
  app::v1::Deactivate message;
  message.set_all(request.all);
  for (const core::Claim& actor : request.actors) message.add_ids(actor.id);
  net::CallOptions options;
  options.deadline = net::Clock::now() + options_.turn_timeout;
  channel_.unary(kDeactivatePath, {}, message.SerializeAsString(), options,
                 [this, token = request.token](const net::CallResult& result) {
                   const bool known =
                       result.status == net::GrpcStatus::kOk || result.status == net::GrpcStatus::kUnimplemented;
                   if (!known) {
                     log_.warn("deactivation_failed", {{"why", result.message}});
                     monitor_.look_now();
                   }
                   deactivation_over(token);
                 });
}

void GrpcAdapter::deactivation_over(core::Token token) {
  if (deactivations_.erase(token) != 0) sink_.deactivated(token);
}

// ---- health ---------------------------------------------------------------------------------------------------------

void GrpcAdapter::check_health(HealthMonitor::Checked checked) {
  net::CallOptions options;
  options.deadline = net::Clock::now() + kHealthTimeout;
  options.connect_now = true;
  channel_.unary(kHealthPath, {}, "", options, [checked = std::move(checked)](const net::CallResult& result) {
    HealthResult health;
    health.refused = result.refused;
    // An app without the health service is healthy while it accepts connections and answers.
    health.healthy = (result.status == net::GrpcStatus::kOk && is_serving(result.body)) ||
                     (result.status == net::GrpcStatus::kUnimplemented && result.from_server);
    health.instance = std::string(result.headers.get("ringside-app-instance"));
    health.why = result.status == net::GrpcStatus::kOk ? "its health check says NOT_SERVING" : result.message;
    checked(std::move(health));
  });
}

}  // namespace ringside::adapters
