// Node: what it does in the life of this host, which life/life.h decides. Start, the application coming and going,
// drain, quorum.
#include <algorithm>
#include <utility>

#include "sidecar/core/node.h"

namespace ringside::core {
namespace {

constexpr Duration kSlowReset{250'000};

}  // namespace

void Node::start(Now now, bool app_up, const std::string& why) {
  last_event_ = now.mono;
  begin(now);
  if (life_.on(Life::Event::kStart) == Life::Action::kGoOnDraining) set_phase(Phase::kDraining);
  if (app_up) life_.on(Life::Event::kAppUp);
  life_.app_fails_because(why);
  if (!app_up && config_.has_app) context_.log(Level::kWarn, "app_down", {{"why", why}});
  settle();
}

// This host is to be on the ring again, which takes a new run. Who hears of the next generation takes all activations
// of this one for ended, so it begins only when they have; what this host would own meanwhile, others do.
void Node::come_back() {
  timers_.cancel(drain_due_);
  if (!life_.has_run()) set_phase(Phase::kJoining);  // nobody has seen that it was drained before its start
  end_all(Deactivation::kFenced);
}

// Under a new generation. Whatever the app still holds from before ends first.
void Node::begin_run(Phase phase) {
  const Generation random = context_.random.below(Generation{1} << kGenerationRandomBits);
  const Generation at = static_cast<Generation>(context_.now.wall_ms) << kGenerationRandomBits | random;
  const Generation generation = std::max({membership_.self().generation + 1, membership_.least_generation(), at});
  inventory_.clear();
  strays_.clear();
  contested_.clear();
  topology_changed_ = true;
  change_membership([&](Membership& membership) { membership.start(generation, phase); });
  tick_soon();
}

void Node::check_run() {
  // Handing over what an ended activation has answered may have to wait until the rings agree.
  const bool all_ended = actors_.size() == hand_over_.size();
  if (life_.awaits_run()) {
    if (!all_ended) return;
    if (life_.needs_initial_reset() && !initial_reset_.done()) return ask_for_initial_reset();
    begin_run(life_.begin_run());
  }
  if (membership_.phase() != Phase::kJoining || !membership_.joined() || membership_.confirming()) return;
  if (!inventory_.settled() || !all_ended || !life_.has_quorum()) return;
  set_phase(Phase::kReady);
  topology_changed_ = true;
  context_.log(Level::kInfo, "ready", {{"members", std::to_string(membership_.members().size() + 1)}});
}

// Off the ring until the app has forgotten what an earlier sidecar's activations left in it, or says that it has
// nothing to forget: whoever is on the ring gets calls.
void Node::ask_for_initial_reset() {
  if (initial_reset_.under_way() || initial_reset_due_ != NodeTimers::kNone) return;
  const DeactivationId token = context_.next<DeactivationId>();
  initial_reset_.asked(token);
  context_.effects.push_back(DeactivateAll{token});
  // Most answer at once. For the others this host is a member without its app meanwhile, which keeps nobody waiting.
  if (!life_.has_run()) initial_reset_due_ = timers_.add(context_.now.mono + kSlowReset, due::InitialReset{});
}

// The question stands for an app that is gone, or for a run that is not to come.
void Node::forget_initial_reset() {
  initial_reset_.begin_anew();
  timers_.cancel(initial_reset_due_);
}

void Node::initial_reset_due() {
  initial_reset_due_ = NodeTimers::kNone;
  if (!life_.has_run()) begin_run(life_.begin_run_without_app());
}

void Node::initial_reset_answered(const Deactivated& said) {
  timers_.cancel(initial_reset_due_);
  const InitialReset::Next next = initial_reset_.answered(said);
  if (next.to_be_logged) context_.log(Level::kWarn, "clean_slate_failed", {{"detail", said.detail}});
  if (initial_reset_.done()) return;
  if (!life_.has_run()) begin_run(life_.begin_run_without_app());  // it may take long: this host routes calls meanwhile
  initial_reset_due_ = timers_.add(context_.now.mono + next.pause, due::InitialReset{});
}

// ---- the application ------------------------------------------------------------------------------------------------

void Node::app_up(Now now) {
  begin(now);
  if (!life_.app_up()) {
    context_.log(Level::kInfo, "app_up");
    if (life_.on(Life::Event::kAppUp) == Life::Action::kComeBack) come_back();
  }
  settle();
}

// Where it lives, nothing more begins there, and what it holds ends as in a drain, so that no id lives twice.
void Node::app_down(Now now, const std::string& why, bool alive) {
  begin(now);
  const bool was_up = life_.app_up();
  life_.app_fails_because(why);
  const Life::Action action = life_.on(alive ? Life::Event::kAppSick : Life::Event::kAppGone);
  if (was_up) {
    forget_initial_reset();
    context_.log(Level::kError, "app_down", {{"why", why}});
    tick_soon();
  }
  if (alive) {
    if (action == Life::Action::kLeaveSick) set_phase(Phase::kDraining);
    end_all(Deactivation::kAppLoss);
  } else {
    if (action == Life::Action::kLeaveWithoutApp) leave_without_app();
    lose_all();
  }
  topology_changed_ = true;
  settle();
}

void Node::leave_without_app() {
  set_phase(Phase::kAppDown);
  change_membership([](Membership& membership) { membership.say_goodbye(true); });
  topology_changed_ = true;
}

void Node::app_restarted(Now now) {
  begin(now);
  context_.log(Level::kWarn, "app_restarted", {{"actors", std::to_string(actors_.size())}});
  forget_initial_reset();
  lose_all();
  settle();
}

// ---- drain ----------------------------------------------------------------------------------------------------------

void Node::drain(Now now) {
  begin(now);
  if (life_.on(Life::Event::kDrain) == Life::Action::kDrain) {
    timers_.cancel(drain_due_);
    context_.log(Level::kInfo, "draining", {{"actors", std::to_string(actors_.size())}});
    set_phase(Phase::kDraining);
    forget_initial_reset();
    drain_due_ = timers_.add(now.mono + config_.drain_timeout, due::Drain{});
    end_all(Deactivation::kDrain);
    tick_soon();
  }
  settle();
}

void Node::check_drained() {
  if (!life_.is_leaving() || !actors_.empty() || !membership_.leave_seen_by_all()) return;
  if (life_.on(Life::Event::kAllLeft) == Life::Action::kLeaveWithoutApp) {
    leave_without_app();
  } else {
    say_drained();
  }
}

void Node::say_drained() {
  set_phase(Phase::kDrained);
  timers_.cancel(drain_due_);
  topology_changed_ = true;
  context_.log(Level::kInfo, "drained");
  change_membership([](Membership& membership) { membership.say_goodbye(true); });
  context_.effects.push_back(DrainDone{});
}

// --drain-timeout: whoever waits for the drain waits no longer. It goes on, for what is left.
void Node::drain_due() {
  constexpr std::size_t kLongEnough = 512;
  drain_due_ = NodeTimers::kNone;
  life_.drain_takes_too_long();
  std::string left;
  actors_.each([&](const Actor& actor) {
    if (left.size() < kLongEnough) left += (left.empty() ? "" : " ") + name_of(actor);
  });
  context_.log(Level::kError, "drain_overdue", {{"actors", std::to_string(actors_.size())}, {"left", std::move(left)}});
  context_.effects.push_back(DrainDone{});
}

void Node::uncordon(Now now) {
  begin(now);
  if (life_.on(Life::Event::kUncordon) == Life::Action::kComeBack) {
    context_.log(Level::kInfo, "uncordoned");
    come_back();
  }
  settle();
}

// What --drain-timeout has left here is given up: turns may still end, but nobody will hear of it, and what waits
// behind them surely did not begin.
void Node::close(Now now) {
  begin(now);
  std::map<CallId, Outcome> left;
  for (const CallId token : calls_.in_stage(CallStage::kTurn)) left[token] = Outcome::kUnknown;
  for (const CallStage stage : {CallStage::kQueued, CallStage::kAside}) {
    for (const CallId token : calls_.in_stage(stage)) left[token] = Outcome::kNotDelivered;
  }
  for (const auto& [token, outcome] : left) give_up(token, outcome, Reason::kShuttingDown);
  change_membership([](Membership& membership) { membership.close(); });
  settle();
}

// ---- quorum mode ----------------------------------------------------------------------------------------------------

// The minority of a partition stops by itself, before the majority's longer verdict lets it take over.
void Node::check_quorum() {
  if (config_.quorum == 0) return;
  const bool serving = membership_.phase() == Phase::kReady;
  if (life_.has_quorum() && serving && !membership_.has_quorum()) {
    life_.lose_quorum();
    topology_changed_ = true;
    context_.log(Level::kError, "quorum_lost", {{"members", std::to_string(membership_.members().size() + 1)}});
    end_all(Deactivation::kFenced);
    context_.effects.push_back(ViewChanged{});
  } else if (!life_.has_quorum() && membership_.has_quorum()) {
    life_.find_quorum();
    context_.log(Level::kInfo, "quorum_back");
    // Another part of the cluster that was met first has led to a new run already.
    if (membership_.phase() != Phase::kJoining) must_rejoin("the quorum is back");
  }
}

}  // namespace ringside::core
