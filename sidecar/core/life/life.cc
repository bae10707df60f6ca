#include "sidecar/core/life/life.h"

#include <cstddef>

#include "sidecar/base/check.h"

namespace ringside::core {
namespace {

using State = Life::State;
using Event = Life::Event;
using Action = Life::Action;

struct Step {
  State to;
  Action action;
  bool possible = true;
};

constexpr Step to(State state, Action action) { return {state, action}; }
constexpr Step stay(State state) { return {state, Action::kNothing}; }
constexpr Step kImpossible{State::kToJoin, Action::kNothing, false};

constexpr Step next(State state, Event event) {
  switch (event) {
    case Event::kStart:
      if (state == State::kDrained) return to(State::kDraining, Action::kGoOnDraining);
      return state == State::kToJoin ? stay(state) : kImpossible;
    case Event::kAppUp:
      if (state == State::kUnhealthy || state == State::kAppDown) return to(State::kToJoin, Action::kComeBack);
      return stay(state);
    case Event::kAppUnhealthy:
      return state == State::kOnRing ? to(State::kUnhealthy, Action::kLeaveUnhealthy) : stay(state);
    case Event::kAppGone:
      if (state == State::kOnRing || state == State::kUnhealthy) return to(State::kAppDown, Action::kLeaveWithoutApp);
      return stay(state);
    case Event::kDrain:
      if (state == State::kDraining || state == State::kDrained) return stay(state);
      return to(State::kDraining, Action::kDrain);
    case Event::kUncordon:
      if (state == State::kUnhealthy || state == State::kDraining || state == State::kDrained) {
        return to(State::kToJoin, Action::kComeBack);
      }
      return stay(state);
    case Event::kAllLeft:
      if (state == State::kUnhealthy) return to(State::kAppDown, Action::kLeaveWithoutApp);
      return state == State::kDraining ? to(State::kDrained, Action::kSayDrained) : kImpossible;
  }
  return kImpossible;
}

}  // namespace

Action Life::on(Event event) {
  const Step step = next(state_, event);
  RINGSIDE_CHECK(step.possible);
  switch (event) {
    case Event::kStart:
      RINGSIDE_CHECK(run_ == Run::kBeforeStart);
      run_ = Run::kAwaited;
      break;
    case Event::kAppUp:
      RINGSIDE_CHECK(has_begun() && !app_up_);
      app_up_ = true;
      break;
    case Event::kAppUnhealthy:
    case Event::kAppGone:
      RINGSIDE_CHECK(has_begun());
      app_up_ = false;
      break;
    case Event::kAllLeft:
      drain_overdue_ = false;
      break;
    default:
      break;
  }
  state_ = step.to;
  if (step.action == Action::kComeBack && run_ == Run::kUnderWay) run_ = Run::kOver;
  return step.action;
}

bool Life::end_run() {
  if (run_ != Run::kUnderWay) return false;
  run_ = Run::kOver;
  return true;
}

Phase Life::begin_run() {
  RINGSIDE_CHECK(awaits_run());
  run_ = Run::kUnderWay;
  drain_overdue_ = false;
  switch (state_) {
    case State::kUnhealthy:
    case State::kDraining:
      return Phase::kDraining;
    case State::kDrained:
      return Phase::kDrained;
    case State::kAppDown:
      return Phase::kAppDown;
    case State::kToJoin:
    case State::kOnRing:
      break;
  }
  state_ = has_app_ && !app_up_ ? State::kAppDown : State::kOnRing;
  return state_ == State::kOnRing ? Phase::kJoining : Phase::kAppDown;
}

Phase Life::begin_run_without_app() {
  RINGSIDE_CHECK(state_ == State::kToJoin && run_ == Run::kAwaited);
  run_ = Run::kOver;  // as soon as the app has forgotten
  return Phase::kAppDown;
}

void Life::lose_quorum() {
  RINGSIDE_CHECK(quorum_ == Quorum::kThere);
  quorum_ = Quorum::kLost;
}

void Life::find_quorum() {
  RINGSIDE_CHECK(quorum_ == Quorum::kLost);
  quorum_ = Quorum::kThere;
}

void Life::drain_takes_too_long() {
  RINGSIDE_CHECK(state_ == State::kDraining);
  drain_overdue_ = true;
}

bool Life::needs_initial_reset() const {
  return has_app_ && app_up_ && awaits_run() && (state_ == State::kToJoin || state_ == State::kOnRing);
}

bool Life::may_serve_while_draining() const { return state_ == State::kDraining && run_ == Run::kUnderWay && app_up_; }

void Life::check() const {
  if (state_ == State::kToJoin) RINGSIDE_CHECK(run_ != Run::kUnderWay);
  if (state_ == State::kOnRing || state_ == State::kAppDown) RINGSIDE_CHECK(has_run());
  if (state_ == State::kOnRing && has_app_) RINGSIDE_CHECK(app_up_);
  if (state_ == State::kUnhealthy || state_ == State::kAppDown) RINGSIDE_CHECK(has_app_ && !app_up_);
}

}  // namespace ringside::core
