#include "sidecar/runtime/engine.h"

#include <utility>

#include <malloc.h>

namespace ringside::runtime {
namespace {

constexpr std::chrono::milliseconds kGoodByeBound{500};

}  // namespace

core::Instant to_instant(SteadyClock::time_point time) {
  return core::Instant(std::chrono::duration_cast<core::Duration>(time.time_since_epoch()));
}

SteadyClock::time_point to_steady(core::Instant instant) {
  return SteadyClock::time_point(std::chrono::duration_cast<SteadyClock::duration>(instant.time_since_epoch()));
}

Engine::Engine(Loop& loop, core::NodeConfig config, std::uint64_t seed, log::Log& log)
    : loop_(loop), log_(log), node_(std::move(config), seed), timer_(loop), closing_bound_(loop), memory_([] {
        malloc_trim(0);
      }) {}

Engine::~Engine() = default;

core::Now Engine::now() const {
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  return {to_instant(SteadyClock::now()), std::chrono::duration_cast<std::chrono::milliseconds>(wall).count()};
}

void Engine::start(Ports ports) {
  ports_ = ports;
  starting_since_ = now().mono;
  if (ports_.app == nullptr) begin(false);
}

void Engine::begin(bool app_up, const std::string& why) {
  started_ = true;
  const core::Now now = this->now();
  node_.start(now, app_up, why, now.mono - starting_since_);
  carry_out();
  if (std::exchange(discovered_early_, false)) tell_discovered();
}

void Engine::close(std::function<void()> done) {
  closed_ = std::move(done);
  closing_bound_.after(kGoodByeBound, [this] { finish_closing(); });
  node_.close(now());
  carry_out();
  if (good_byes_.empty()) finish_closing();
}

void Engine::finish_closing() {
  closing_bound_.cancel();
  if (const auto done = std::exchange(closed_, nullptr)) done();
}

// ---- effects --------------------------------------------------------------------------------------------------------

// An effect may cause the next event before this returns (an answer at once): its effects join the end of the queue.
void Engine::carry_out() {
  if (carrying_out_) return;
  carrying_out_ = true;
  for (core::Effects effects = node_.take_effects(); !effects.empty(); effects = node_.take_effects()) {
    for (core::Effect& effect : effects) {
      std::visit([this](auto& one) { carry_out(std::move(one)); }, effect);
    }
  }
  carrying_out_ = false;
  arm_timer();
}

void Engine::arm_timer() {
  const core::Instant next = node_.next_wakeup();
  if (next == timer_at_ || next == core::kNever) return;
  timer_at_ = next;
  timer_.at(to_steady(next), [this] {
    const core::Now time = now();
    if (ports_.measurements != nullptr) ports_.measurements->loop_lag(time.mono - timer_at_);
    timer_at_ = core::kNever;
    node_.wake(time);
    carry_out();
    memory_.observe(node_.actor_count());
  });
}

void Engine::carry_out(core::AskPeer effect) {
  if (std::holds_alternative<core::PingRequest>(effect.request)) pings_[effect.token] = to_instant(SteadyClock::now());
  if (closed_ && std::holds_alternative<core::ClosingRequest>(effect.request)) good_byes_.insert(effect.token);
  ports_.peers->ask(std::move(effect));
}

void Engine::carry_out(core::AnswerPeer effect) {
  const auto found = asked_.find(effect.token);
  if (found == asked_.end()) return;
  const Reply reply = std::move(found->second);
  asked_.erase(found);
  reply(std::move(effect.answer));
}

void Engine::carry_out(core::ForwardCall effect) { ports_.peers->forward(std::move(effect)); }
void Engine::carry_out(core::AbandonForward effect) { ports_.peers->abandon(effect.token); }
void Engine::carry_out(const core::DropPeerQueue& effect) { ports_.peers->drop_queue(effect.host); }

void Engine::carry_out(core::StartTurn effect) {
  turns_[effect.token] = to_instant(SteadyClock::now());
  ports_.app->start_turn(std::move(effect));
}

void Engine::carry_out(core::BreakTurn effect) { ports_.app->break_turn(effect.token); }
void Engine::carry_out(core::DeactivateActor effect) { ports_.app->deactivate(std::move(effect)); }
void Engine::carry_out(const core::DeactivateAll& effect) { ports_.app->deactivate_all(effect); }

void Engine::carry_out(core::FinishCall effect) {
  const auto found = calls_.find(effect.token);
  if (found == calls_.end()) return;
  CallEntry entry = std::move(found->second);
  calls_.erase(found);
  log_refusal(entry, effect.answer);
  tell_refusal(entry, effect.answer);
  if (ports_.measurements != nullptr) {
    ports_.measurements->call_ended(entry.origin, effect.answer.outcome,
                                    to_instant(SteadyClock::now()) - entry.started);
  }
  if (effect.token != asking_) return entry.done(std::move(effect.answer));
  loop_.post(life_.bind(
      [done = std::move(entry.done), answer = std::move(effect.answer)]() mutable { done(std::move(answer)); }));
}

void Engine::carry_out(core::TellExplanation effect) {
  auto found = explaining_.extract(effect.token);
  loop_.post(life_.bind(
      [done = std::move(found.mapped()), explained = std::move(effect.explained)] { done(std::move(*explained)); }));
}

// Where the caller is: for peers, the host that asked writes the line.
void Engine::log_refusal(const CallEntry& call, const core::Answer& answer) {
  const core::Level level = call.origin == core::Origin::kLocal ? core::Level::kInfo : core::Level::kDebug;
  if (answer.outcome == core::Outcome::kApplied || !log_.enabled(level)) return;
  const log::LogField fields[] = {{"actor", call.actor},
                                  {"outcome", core::to_string(answer.outcome)},
                                  {"reason", core::to_string(answer.reason)},
                                  {"owner", answer.holder},
                                  {"detail", answer.detail}};
  log_.write(level, "call_not_applied", fields);
}

// What the app refuses and what a caller did wrong is theirs, and not this host's.
void Engine::tell_refusal(const CallEntry& call, const core::Answer& answer) {
  const core::Outcome outcome = answer.outcome;
  const bool is_ours = outcome == core::Outcome::kNotDelivered || outcome == core::Outcome::kOverloaded ||
                       outcome == core::Outcome::kExpired || outcome == core::Outcome::kUnknown;
  if (ports_.events == nullptr || call.origin != core::Origin::kLocal || !is_ours) return;
  happened({.kind = core::EventKind::kCallsNotApplied,
            .actor = call.actor,
            .why = std::string(core::to_string(outcome)).append(": ").append(core::to_string(answer.reason))});
}

void Engine::happened(core::HostEvent event) {
  if (ports_.events != nullptr) ports_.events->happened(std::move(event));
}

void Engine::carry_out(core::ReadDiscovery) {
  if (ports_.discovery != nullptr) return ports_.discovery->read_again();
  discovered({{}, true, {}, {}});
}

void Engine::carry_out(core::ViewChanged) { post_view_change(); }

// Many changes in one loop iteration are one for those who watch.
void Engine::post_view_change() {
  if (std::exchange(view_change_posted_, true)) return;
  loop_.post(life_.bind([this] {
    view_change_posted_ = false;
    const auto watchers = view_watchers_;
    for (const auto& [watcher, changed] : watchers) {
      if (view_watchers_.contains(watcher)) changed();
    }
  }));
}

void Engine::carry_out(core::DrainDone) {
  const bool complete = node_.status().phase == core::Phase::kDrained;
  for (const auto& [watcher, done] : std::exchange(drain_watchers_, {})) done(complete);
}

void Engine::carry_out(const core::LogLine& effect) {
  std::vector<log::LogField> fields;
  fields.reserve(effect.fields.size());
  for (const auto& [key, value] : effect.fields) fields.push_back({key, value});
  log_.write(effect.level, effect.event, fields);
}

void Engine::carry_out(core::HostEvent effect) { happened(std::move(effect)); }

// ---- core::Gateway --------------------------------------------------------------------------------------------------

core::CallId Engine::apply(core::Call call, Done done) {
  const core::CallId token(next_number_++);
  if (!started_) {
    loop_.post(life_.bind([done = std::move(done)] {
      done(core::Answer::failed(core::Outcome::kNotDelivered, core::Reason::kNotReady,
                                "waiting for the first answer of the application's health check"));
    }));
    return token;
  }
  const core::Now time = now();
  calls_.emplace(token, CallEntry{std::move(done), call.origin, core::called(call), time.mono});
  const core::CallId outer = std::exchange(asking_, token);
  node_.apply(time, token, std::make_shared<const core::Call>(std::move(call)));
  carry_out();
  asking_ = outer;
  return token;
}

void Engine::hang_up(core::CallId call) {
  if (!calls_.contains(call)) return;
  node_.hang_up(now(), call);
  carry_out();
}

void Engine::explain(core::ActorId id, std::function<void(core::Explained)> done) {
  const core::ExplainId token(next_number_++);
  explaining_[token] = std::move(done);
  if (!started_) return carry_out({token, std::make_shared<core::Explained>(node_.explain_alone(id))});
  node_.explain(now(), token, id);
  carry_out();
}

void Engine::cancel(core::CallId call) {
  if (!calls_.contains(call)) return;
  node_.cancel(now(), call);
  carry_out();
}

core::Status Engine::status() const {
  core::Status status = node_.status();
  status.discovered_hosts = discovered_.addresses.size();
  status.discovery_failures = discovery_failures_;
  if (ports_.security != nullptr) status.peer_security = ports_.security->peer_security();
  if (ports_.app != nullptr) status.waiting_for_connection = ports_.app->waiting_for_connection();
  return status;
}

std::vector<core::MemberStatus> Engine::members() const {
  std::vector<core::MemberStatus> all = node_.members(now().mono);
  for (const auto& [source, problem] : discovered_.problems) {
    core::MemberStatus& shown = all.emplace_back();
    shown.host = source;
    shown.member = false;
    shown.problem = problem;
  }
  return all;
}

std::vector<core::ActorStatus> Engine::actors(std::size_t limit, core::ActorId after) const {
  return node_.actors(now().mono, limit, after);
}

void Engine::drain(const std::string& by) {
  node_.drain(now(), by);
  carry_out();
}

void Engine::uncordon(const std::string& by) {
  node_.uncordon(now(), by);
  carry_out();
}

core::WatcherId Engine::when_drained(std::function<void(bool complete)> done) {
  const core::WatcherId watcher(next_number_++);
  drain_watchers_[watcher] = std::move(done);
  const core::Status status = node_.status();
  const bool complete = status.phase == core::Phase::kDrained;
  if (complete || status.drain_overdue) {
    loop_.post(life_.bind([this, watcher, complete] {
      if (const auto waits = drain_watchers_.extract(watcher)) waits.mapped()(complete);
    }));
  }
  return watcher;
}

core::WatcherId Engine::when_view_changes(std::function<void()> changed) {
  const core::WatcherId watcher(next_number_++);
  view_watchers_[watcher] = std::move(changed);
  return watcher;
}

void Engine::forget(core::WatcherId watcher) {
  drain_watchers_.erase(watcher);
  view_watchers_.erase(watcher);
}

// ---- core::PeerSink -------------------------------------------------------------------------------------------------

void Engine::peer_asked(core::Sender sender, std::string source_ip, core::PeerRequest request, Reply reply) {
  if (!started_) {
    return reply(core::PeerFailure{core::PeerFailure::Kind::kRejected, "this host is starting"});
  }
  const core::ReplyId token(next_number_++);
  asked_[token] = std::move(reply);
  node_.peer_asked(now(), token, sender, source_ip, request);
  carry_out();
}

void Engine::peer_answered(core::QuestionId token, core::PeerAnswer answer) {
  const core::Now time = now();
  if (const auto ping = pings_.find(token); ping != pings_.end()) {
    const bool real = std::holds_alternative<core::PingAnswer>(answer);
    if (real && ports_.measurements != nullptr) ports_.measurements->peer_answered(time.mono - ping->second);
    pings_.erase(ping);
  }
  node_.peer_answered(time, token, answer);
  carry_out();
  if (good_byes_.erase(token) != 0 && good_byes_.empty()) finish_closing();
}

void Engine::forward_answered(core::ForwardId token, core::Answer answer) {
  node_.forward_answered(now(), token, std::move(answer));
  carry_out();
}

void Engine::connection_lost(const std::string& host) {
  node_.connection_lost(now(), host);
  carry_out();
}

core::Sender Engine::self() const { return node_.self(); }

// ---- core::AppSink --------------------------------------------------------------------------------------------------

void Engine::app_up() {
  if (!started_) return begin(true);
  node_.app_up(now());
  carry_out();
}

void Engine::app_unhealthy(const std::string& why) {
  if (!started_) return begin(false, why);
  node_.app_down(now(), why, true);
  carry_out();
}

void Engine::app_down(const std::string& why) {
  if (!started_) return begin(false, why);
  node_.app_down(now(), why, false);
  carry_out();
}

void Engine::app_restarted() {
  if (!started_) return;
  node_.app_restarted(now());
  carry_out();
}

void Engine::turn_ended(core::TurnId turn, core::Answer answer) {
  const core::Now time = now();
  if (const auto found = turns_.find(turn); found != turns_.end()) {
    if (ports_.measurements != nullptr) ports_.measurements->turn_ended(answer.outcome, time.mono - found->second);
    turns_.erase(found);
  }
  node_.turn_ended(time, turn, std::move(answer));
  carry_out();
}

void Engine::deactivated(core::DeactivationId token, core::Deactivated said) {
  node_.deactivated(now(), token, said);
  carry_out();
}

// ---- core::DiscoverySink --------------------------------------------------------------------------------------------

void Engine::discovered(const core::Discovered& found) {
  const bool changed = found.problems != discovered_.problems;
  discovered_ = found;
  if (!started_) {
    discovered_early_ = true;
    return;
  }
  if (changed) post_view_change();
  tell_discovered();
}

void Engine::tell_discovered() {
  node_.discovered(now(), discovered_.addresses, discovered_.complete, discovered_.missing);
  carry_out();
}

void Engine::discovery_failed(const std::string& source, const std::string& why, bool news) {
  ++discovery_failures_;
  if (!news) return;
  log_.warn("discovery_failed", {{"source", source}, {"why", why}});
  happened({.kind = core::EventKind::kDiscoveryFailed, .why = why, .by = source});
}

}  // namespace ringside::runtime
