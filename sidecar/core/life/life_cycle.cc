#include "sidecar/core/life/life_cycle.h"

#include <algorithm>
#include <utility>

#include "sidecar/base/check.h"

namespace ringside::core {
namespace {

using namespace life_step;

constexpr Duration kSlowReset{250'000};
constexpr Duration kBetweenProgress{5'000'000};

LifeSteps without_app() { return {SetPhase{Phase::kAppDown}, SayGoodbye{}, Reroute{}}; }

std::string counted(std::uint64_t number, const char* noun) {
  return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

void append(LifeSteps& steps, LifeSteps more) {
  for (LifeStep& step : more) steps.push_back(std::move(step));
}

}  // namespace

LifeCycle::LifeCycle(const NodeConfig& config, Context& context, Timers& timers)
    : config_(config), context_(context), timers_(timers), life_(config.has_app) {}

// ---- the application ------------------------------------------------------------------------------------------------

LifeSteps LifeCycle::start(bool app_up, const std::string& why) {
  LifeSteps steps;
  if (life_.on(Life::Event::kStart) == Life::Action::kGoOnDraining) steps.emplace_back(SetPhase{Phase::kDraining});
  if (app_up) life_.on(Life::Event::kAppUp);
  if (config_.has_app) tell_app(app_up ? App::kUp : App::kDown, why);
  life_.app_fails_because(why);
  if (!app_up && config_.has_app) steps.emplace_back(Emit{LogLine{Level::kWarn, "app_down", {{"why", why}}}});
  return steps;
}

LifeSteps LifeCycle::app_up() {
  if (life_.app_up()) return {};
  tell_app(App::kUp, "");
  context_.log(Level::kInfo, "app_up");
  return life_.on(Life::Event::kAppUp) == Life::Action::kComeBack ? come_back() : LifeSteps();
}

// This host is to be on the ring again, which takes a new run. Who hears of the next generation takes all activations
// of this one for ended, so it begins only when they have; what this host would own meanwhile, others do.
LifeSteps LifeCycle::come_back() {
  LifeSteps steps;
  timers_.cancel(drain_due_);
  if (!life_.has_run()) steps.emplace_back(SetPhase{Phase::kJoining});  // nobody has seen that it was drained before
  steps.emplace_back(EndAll{Deactivation::kFenced});
  return steps;
}

// Where it lives, nothing more begins there, and what it holds ends as in a drain, so that no id lives twice.
LifeSteps LifeCycle::app_down(const std::string& why, bool alive) {
  LifeSteps steps;
  const bool was_up = life_.app_up();
  life_.app_fails_because(why);
  tell_app(alive ? App::kSick : App::kDown, why);
  const Life::Action action = life_.on(alive ? Life::Event::kAppUnhealthy : Life::Event::kAppGone);
  if (was_up) {
    forget_initial_reset();
    context_.log(Level::kError, "app_down", {{"why", why}});
    steps.emplace_back(TickSoon{});
  }
  if (alive) {
    if (action == Life::Action::kLeaveUnhealthy) steps.emplace_back(SetPhase{Phase::kDraining});
    steps.emplace_back(EndAll{Deactivation::kAppLoss});
  } else {
    if (action == Life::Action::kLeaveWithoutApp) append(steps, without_app());
    steps.emplace_back(LoseAll{});
  }
  steps.emplace_back(Reroute{});
  return steps;
}

LifeSteps LifeCycle::app_restarted(std::size_t actors) {
  context_.happened(
      {.kind = EventKind::kAppRestarted,
       .why = "another process answers in its place; activations that have ended with it: " + std::to_string(actors),
       .by = "the application",
       .lasted = context_.now.mono - std::exchange(app_since_, context_.now.mono),
       .facts = {{"actors", std::uint64_t{actors}}}},
      Level::kWarn, "app_restarted", {{"actors", std::to_string(actors)}});
  forget_initial_reset();
  return {LoseAll{}};
}

void LifeCycle::tell_app(App app, const std::string& why) {
  if (app_ == app) return;
  const App before = std::exchange(app_, app);
  HostEvent event{.why = why, .by = "the application's health check"};
  switch (app) {
    case App::kUp:
      event.kind = EventKind::kAppUp;
      event.why = "it is healthy";
      break;
    case App::kSick:
      event.kind = EventKind::kAppSick;
      break;
    default:
      event.kind = EventKind::kAppDown;
      break;
  }
  const Duration passed = context_.now.mono - std::exchange(app_since_, context_.now.mono);
  if (before != App::kUnknown) event.lasted = passed;
  context_.happened(std::move(event));
}

// ---- what it has to forget first ------------------------------------------------------------------------------------

void LifeCycle::ask_for_initial_reset() {
  if (initial_reset_.under_way() || initial_reset_due_ != kNoTimer) return;
  const DeactivationId token = context_.next<DeactivationId>();
  initial_reset_.asked(token);
  context_.effects.push_back(DeactivateAll{token});
  // Most answer at once. For the others this host is a member without its app meanwhile, which keeps nobody waiting.
  if (!life_.has_run()) initial_reset_due_ = timers_.add(context_.now.mono + kSlowReset, due::InitialReset{});
}

// The question stands for an app that is gone, or for a run that is not to come.
void LifeCycle::forget_initial_reset() {
  initial_reset_.begin_anew();
  timers_.cancel(initial_reset_due_);
}

LifeSteps LifeCycle::initial_reset_due() {
  initial_reset_due_ = kNoTimer;
  if (life_.has_run()) return {};
  return {BeginRun{life_.begin_run_without_app()}};
}

std::optional<LifeSteps> LifeCycle::deactivated(DeactivationId token, const Deactivated& said) {
  if (!initial_reset_.asks(token)) return std::nullopt;
  LifeSteps steps;
  timers_.cancel(initial_reset_due_);
  const InitialReset::Next next = initial_reset_.answered(said);
  if (next.to_be_logged) context_.log(Level::kWarn, "clean_slate_failed", {{"detail", said.detail}});
  if (initial_reset_.done()) return steps;
  // It may take long: this host routes calls meanwhile.
  if (!life_.has_run()) steps.emplace_back(BeginRun{life_.begin_run_without_app()});
  initial_reset_due_ = timers_.add(context_.now.mono + next.pause, due::InitialReset{});
  return steps;
}

// ---- drain ----------------------------------------------------------------------------------------------------------

LifeSteps LifeCycle::drain(std::size_t actors, const std::string& by) {
  if (life_.on(Life::Event::kDrain) != Life::Action::kDrain) return {};
  timers_.cancel(drain_due_);
  drained_by_ = by;
  drained_from_ = actors;
  draining_since_ = progress_told_ = context_.now.mono;
  context_.happened(
      {.kind = EventKind::kDrainBegun,
       .why = "this host is to leave the ring, and hands over what is active here: " + counted(actors, "actor"),
       .by = by,
       .facts = {{"actors", std::uint64_t{actors}}}},
      Level::kInfo, "draining", {{"actors", std::to_string(actors)}});
  forget_initial_reset();
  drain_due_ = timers_.add(context_.now.mono + config_.drain_timeout, due::Drain{});
  return {SetPhase{Phase::kDraining}, EndAll{Deactivation::kDrain}, TickSoon{}};
}

LifeSteps LifeCycle::uncordon(const std::string& by) {
  if (life_.on(Life::Event::kUncordon) != Life::Action::kComeBack) return {};
  context_.happened({.kind = EventKind::kUncordoned, .why = "this host is to be on the ring again", .by = by},
                    Level::kInfo, "uncordoned");
  return come_back();
}

void LifeCycle::tick(std::size_t actors) {
  if (life_.state() != Life::State::kDraining || context_.now.mono - progress_told_ < kBetweenProgress) return;
  progress_told_ = context_.now.mono;
  context_.happened({.kind = EventKind::kDrainProgress,
                     .why = actors == 0 ? "no actor is left: the members have yet to see this host leave the ring"
                                        : "of " + counted(std::max(actors, drained_from_), "actor") +
                                              " so many have yet to go: " + std::to_string(actors),
                     .by = drained_by_,
                     .lasted = context_.now.mono - draining_since_,
                     .facts = {{"actors", std::uint64_t{actors}}}});
}

LifeSteps LifeCycle::all_left() {
  if (life_.on(Life::Event::kAllLeft) == Life::Action::kLeaveWithoutApp) return without_app();
  timers_.cancel(drain_due_);
  context_.happened({.kind = EventKind::kDrainEnded,
                     .why = "no actor is active here any more, and every member has seen this host leave the ring",
                     .by = drained_by_,
                     .lasted = context_.now.mono - draining_since_,
                     .facts = {{"actors", std::uint64_t{drained_from_}}}});
  return {SetPhase{Phase::kDrained}, Reroute{}, Emit{LogLine{Level::kInfo, "drained", {}}}, SayGoodbye{},
          Emit{DrainDone{}}};
}

void LifeCycle::drain_due(std::size_t actors, std::string left) {
  drain_due_ = kNoTimer;
  life_.drain_takes_too_long();
  context_.happened({.kind = EventKind::kDrainOverdue,
                     .actor = left,
                     .why = "--drain-timeout has passed, and not everything has gone: " + counted(actors, "actor"),
                     .by = drained_by_,
                     .lasted = context_.now.mono - draining_since_,
                     .facts = {{"actors", std::uint64_t{actors}}}},
                    Level::kError, "drain_overdue", {{"actors", std::to_string(actors)}, {"left", left}});
  context_.effects.push_back(DrainDone{});
}

// ---- runs and quorum ------------------------------------------------------------------------------------------------

std::optional<Phase> LifeCycle::next_run() {
  if (context_.now.mono < rests_until_) return std::nullopt;
  if (life_.needs_initial_reset() && !initial_reset_.done()) {
    ask_for_initial_reset();
    return std::nullopt;
  }
  return life_.begin_run();
}

LifeSteps LifeCycle::must_rejoin(const std::string& why, Phase phase, const std::string& buried_by) {
  if (!life_.end_run()) return {};
  context_.happened({.kind = EventKind::kRejoin, .host = buried_by, .why = why, .by = buried_by}, Level::kWarn,
                    "rejoin", {{"why", why}});
  if (!buried_by.empty()) rest_after_burial(buried_by);
  ++context_.counters.rejoins;
  LifeSteps steps;
  if (phase == Phase::kReady) steps.emplace_back(SetPhase{Phase::kJoining});
  steps.emplace_back(EndAll{Deactivation::kFenced});
  return steps;
}

void LifeCycle::rest_after_burial(const std::string& by) {
  ++context_.counters.burials;
  const Burials::Rest rest = burials_.said_by(by, context_.now.mono, config_.dead_after);
  if (rest.rest == Duration(0)) return;
  rests_until_ = context_.now.mono + rest.rest;
  rests_because_ = by + " has said " + std::to_string(rest.times) +
                   " times that this host was taken for dead: it joins anew after a rest of " + in_seconds(rest.rest);
  context_.happened({.kind = EventKind::kRest, .host = by, .why = rests_because_, .by = by}, Level::kError,
                    "buried_again",
                    {{"by", by}, {"times", std::to_string(rest.times)}, {"rest", in_seconds(rest.rest)}});
}

LifeSteps LifeCycle::see_quorum(bool quorum, Phase phase, std::size_t members) {
  if (life_.has_quorum() && phase == Phase::kReady && !quorum) {
    life_.lose_quorum();
    quorum_lost_at_ = context_.now.mono;
    context_.happened(
        {.kind = EventKind::kQuorumLost,
         .why = "this host hears fewer hosts than --quorum: it serves nothing, so that another part of the "
                "cluster may",
         .facts = {{"members", std::uint64_t{members}}}},
        Level::kError, "quorum_lost", {{"members", std::to_string(members)}});
    return {Reroute{}, EndAll{Deactivation::kFenced}, Emit{ViewChanged{}}};
  }
  if (life_.has_quorum() || !quorum) return {};
  life_.find_quorum();
  context_.happened({.kind = EventKind::kQuorumBack,
                     .why = "this host hears enough hosts again",
                     .lasted = context_.now.mono - quorum_lost_at_,
                     .facts = {{"members", std::uint64_t{members}}}},
                    Level::kInfo, "quorum_back");
  // Another part of the cluster that was met first has led to a new run already.
  return phase == Phase::kJoining ? LifeSteps() : must_rejoin("the quorum is back", phase);
}

// ---- what may be done -----------------------------------------------------------------------------------------------

std::string LifeCycle::not_ready_because(Phase phase) const {
  if (!life_.has_begun()) return "waiting for the first answer of the application's health check";
  if (!life_.has_quorum()) return "fewer members than --quorum";
  if (life_.awaits_run() && context_.now.mono < rests_until_) return rests_because_;
  if (life_.needs_initial_reset() && !initial_reset_.done()) {
    const std::string text = "the application is still forgetting what it held before";
    return initial_reset_.detail().empty() ? text : text + ": " + initial_reset_.detail();
  }
  if (phase == Phase::kAppDown || life_.state() == Life::State::kUnhealthy) {
    return "the application is not healthy: " + life_.app_down_because();
  }
  return phase == Phase::kReady || phase == Phase::kJoining ? "" : to_string(phase);
}

std::string LifeCycle::why_in(Phase phase) const {
  switch (phase) {
    case Phase::kJoining:
      return "this host is to be on the ring: it finds the members, and asks what they hold";
    case Phase::kReady:
      return "it has joined, and knows what the members hold";
    case Phase::kDraining:
      if (life_.state() == Life::State::kUnhealthy)
        return "the application is not healthy: " + life_.app_down_because();
      return "it is to leave the ring";
    case Phase::kDrained:
      return "it holds nothing, and every member has seen it leave the ring";
    case Phase::kAppDown:
      return config_.has_app ? "the application is not there: " + life_.app_down_because() : "it has no application";
    case Phase::kUnspecified:
      break;
  }
  return "";
}

std::string LifeCycle::on_whose_word(Phase phase) const {
  const bool drains = life_.state() == Life::State::kDraining || life_.state() == Life::State::kDrained;
  return drains && !on_ring(phase) ? drained_by_ : "";
}

void LifeCycle::check() const {
  life_.check();
  RINGSIDE_CHECK(drain_due_ == kNoTimer || life_.state() == Life::State::kDraining);
  RINGSIDE_CHECK(!initial_reset_.under_way() || initial_reset_due_ == kNoTimer || !life_.has_run());
}

}  // namespace ringside::core
