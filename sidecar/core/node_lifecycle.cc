// Node: the life of this host. Start, the application coming and going, drain, quorum.
#include <algorithm>
#include <utility>

#include "sidecar/core/node.h"

namespace ringside::core {

void Node::start(Now now, bool app_up, const std::string& why) {
  started_ = true;
  last_event_ = now.mono;
  begin(now);
  app_up_ = app_up;
  app_down_because_ = why;
  const bool drained = membership_.phase() == Phase::kDrained;  // before it had begun
  begin_run(drained ? Phase::kDraining : Phase::kJoining);
  if (!app_up && config_.has_app) context_.log(Level::kWarn, "app_down", {{"why", why}});
  settle();
}

// This host is to be on the ring again, which takes a new run. Who hears of the next generation takes all activations
// of this one for ended, so it begins only when they have; what this host would own meanwhile, others do.
void Node::come_back() {
  timers_.cancel(drain_due_);
  app_sick_ = false;
  comes_back_ = run_over_ = true;
  end_all(Deactivation::kFenced);
}

// Under a new generation. Whatever the app still holds from before ends first.
void Node::begin_run(Phase phase) {
  if (phase == Phase::kJoining && config_.has_app && !app_up_) phase = Phase::kAppDown;
  const Generation random = context_.random.below(Generation{1} << kGenerationRandomBits);
  const Generation at = static_cast<Generation>(context_.now.wall_ms) << kGenerationRandomBits | random;
  const Generation generation = std::max({membership_.self().generation + 1, membership_.least_generation(), at});
  inventory_.clear();
  strays_.clear();
  contested_.clear();
  topology_changed_ = true;
  drain_overdue_ = false;
  if (config_.has_app && app_up_ && phase == Phase::kJoining && actors_.empty()) {
    clean_slate_ = context_.token();
    context_.effects.push_back(DeactivateActors{clean_slate_, {}, true});
  }
  membership_.start(generation, phase);
  tick_soon();
}

void Node::check_run() {
  // Handing over what an ended activation has answered may have to wait until the rings agree.
  const bool all_ended = actors_.size() == handing_over_.size();
  if (run_over_ && !all_ended) return;
  if (std::exchange(run_over_, false)) {
    begin_run(std::exchange(comes_back_, false) ? Phase::kJoining : membership_.phase());
  }
  if (membership_.phase() != Phase::kJoining || !membership_.joined() || membership_.confirming()) return;
  if (!inventory_.settled() || clean_slate_ != 0 || !all_ended || no_quorum_) return;
  membership_.set_phase(Phase::kReady);
  topology_changed_ = true;
  context_.log(Level::kInfo, "ready", {{"members", std::to_string(membership_.members().size() + 1)}});
}

// ---- the application ------------------------------------------------------------------------------------------------

void Node::app_up(Now now) {
  begin(now);
  if (!app_up_) {
    app_up_ = true;
    context_.log(Level::kInfo, "app_up");
    if (app_sick_ || membership_.phase() == Phase::kAppDown) come_back();
  }
  settle();
}

// Where it lives, nothing more begins there, and what it holds ends as in a drain, so that no id lives twice.
void Node::app_down(Now now, const std::string& why, bool alive) {
  begin(now);
  const Phase phase = membership_.phase();
  const bool on_ring = phase == Phase::kJoining || phase == Phase::kReady;
  if (app_up_) {
    app_up_ = false;
    app_down_because_ = why;
    clean_slate_ = 0;
    context_.log(Level::kError, "app_down", {{"why", why}});
    tick_soon();
  }
  if (alive) {
    app_sick_ = app_sick_ || on_ring;
    if (on_ring) membership_.set_phase(Phase::kDraining);
    end_all(Deactivation::kAppLoss);
  } else {
    if (on_ring || app_sick_) leave_without_app();
    lose_all();
  }
  topology_changed_ = true;
  settle();
}

void Node::leave_without_app() {
  app_sick_ = false;
  membership_.set_phase(Phase::kAppDown);
  membership_.say_goodbye(true);
  topology_changed_ = true;
}

void Node::app_restarted(Now now) {
  begin(now);
  context_.log(Level::kWarn, "app_restarted", {{"actors", std::to_string(actors_.size())}});
  clean_slate_ = 0;
  lose_all();
  settle();
}

// ---- drain ----------------------------------------------------------------------------------------------------------

void Node::drain(Now now) {
  begin(now);
  const Phase phase = membership_.phase();
  if ((phase != Phase::kDraining && phase != Phase::kDrained) || app_sick_ || comes_back_) {
    app_sick_ = comes_back_ = false;
    timers_.cancel(drain_due_);
    context_.log(Level::kInfo, "draining", {{"actors", std::to_string(actors_.size())}});
    membership_.set_phase(Phase::kDraining);
    clean_slate_ = 0;
    drain_due_ = timers_.add(now.mono + config_.drain_timeout, {NodeDue::kDrain, 0});
    end_all(Deactivation::kDrain);
    tick_soon();
  }
  settle();
}

void Node::check_drained() {
  if (membership_.phase() != Phase::kDraining || !actors_.empty() || !membership_.leave_seen_by_all()) return;
  if (app_sick_) return leave_without_app();
  membership_.set_phase(Phase::kDrained);
  timers_.cancel(drain_due_);
  drain_overdue_ = false;
  topology_changed_ = true;
  context_.log(Level::kInfo, "drained");
  membership_.say_goodbye(true);
  context_.effects.push_back(DrainDone{});
}

// --drain-timeout: whoever waits for the drain waits no longer. It goes on, for what is left.
void Node::drain_due() {
  constexpr std::size_t kLongEnough = 512;
  drain_due_ = NodeTimers::kNone;
  drain_overdue_ = true;
  std::string left;
  actors_.each([&](const Actor& actor) {
    if (left.size() < kLongEnough) left += (left.empty() ? "" : " ") + std::to_string(actor.id);
  });
  context_.log(Level::kError, "drain_overdue", {{"actors", std::to_string(actors_.size())}, {"left", std::move(left)}});
  context_.effects.push_back(DrainDone{});
}

void Node::uncordon(Now now) {
  begin(now);
  const Phase phase = membership_.phase();
  if (phase == Phase::kDraining || phase == Phase::kDrained) {
    context_.log(Level::kInfo, "uncordoned");
    come_back();
  }
  settle();
}

// What --drain-timeout has left here is given up: turns may still end, but nobody will hear of it, and what waits
// behind them surely did not begin.
void Node::close(Now now) {
  begin(now);
  std::map<Token, Outcome> left;
  for (const auto& [token, pending] : calls_) {
    if (pending.stage == CallStage::kTurn) left[token] = Outcome::kUnknown;
    if (pending.stage == CallStage::kQueued) left[token] = Outcome::kNotDelivered;
  }
  for (const auto& [token, outcome] : left) give_up(token, outcome, Reason::kShuttingDown);
  membership_.close();
  settle();
}

// ---- quorum mode ----------------------------------------------------------------------------------------------------

// The minority of a partition stops by itself, before the majority's longer verdict lets it take over.
void Node::check_quorum() {
  if (config_.quorum == 0) return;
  const bool serving = membership_.phase() == Phase::kReady;
  if (!no_quorum_ && serving && !membership_.has_quorum()) {
    no_quorum_ = true;
    topology_changed_ = true;
    context_.log(Level::kError, "quorum_lost", {{"members", std::to_string(membership_.members().size() + 1)}});
    end_all(Deactivation::kFenced);
    context_.effects.push_back(ViewChanged{});
  } else if (no_quorum_ && membership_.has_quorum()) {
    no_quorum_ = false;
    context_.log(Level::kInfo, "quorum_back");
    // Another part of the cluster that was met first has led to a new run already.
    if (membership_.phase() != Phase::kJoining) must_rejoin("the quorum is back");
  }
}

}  // namespace ringside::core
