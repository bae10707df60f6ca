#include "sidecar/core/life/life.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

using State = Life::State;
using Event = Life::Event;
using Action = Life::Action;

const char* const kStateNames[Life::kStates] = {"to join", "on ring", "unhealthy", "app down", "draining", "drained"};

std::string name_of(State state) { return kStateNames[static_cast<int>(state)]; }

std::string name_of(Action action) {
  static const char* const kNames[] = {
      "", "drain", "go on draining", "leave unhealthy", "leave without app", "come back", "say drained"};
  return kNames[static_cast<int>(action)];
}

// A life that has begun and has come to this state, by the shortest way.
Life life_in(State state) {
  Life life(true);
  life.on(Event::kStart);
  if (state == State::kToJoin) return life;
  if (state != State::kAppDown) life.on(Event::kAppUp);
  life.begin_run();
  if (state == State::kUnhealthy) life.on(Event::kAppUnhealthy);
  if (state == State::kDraining || state == State::kDrained) life.on(Event::kDrain);
  if (state == State::kDrained) life.on(Event::kAllLeft);
  EXPECT_EQ(life.state(), state);
  life.check();
  return life;
}

// "to join: come back", or "!" for what cannot be.
struct Row {
  State from;
  const char* app_up;  // "!": it is up already
  const char* app_unhealthy;
  const char* app_gone;
  const char* drain;
  const char* uncordon;
  const char* all_left;
};

const Row kRows[] = {
    {State::kToJoin, "to join", "to join", "to join", "draining: drain", "to join", "!"},
    {State::kOnRing, "!", "unhealthy: leave unhealthy", "app down: leave without app", "draining: drain", "on ring",
     "!"},
    {State::kUnhealthy, "to join: come back", "unhealthy", "app down: leave without app", "draining: drain",
     "to join: come back", "app down: leave without app"},
    {State::kAppDown, "to join: come back", "app down", "app down", "draining: drain", "app down", "!"},
    {State::kDraining, "!", "draining", "draining", "draining", "to join: come back", "drained: say drained"},
    {State::kDrained, "!", "drained", "drained", "drained", "to join: come back", "!"},
};

class LifeTable : public ::testing::TestWithParam<Row> {};

TEST_P(LifeTable, HasOneStepForEachEvent) {
  const Row& row = GetParam();
  const std::vector<std::pair<Event, std::string>> steps = {
      {Event::kAppUp, row.app_up}, {Event::kAppUnhealthy, row.app_unhealthy}, {Event::kAppGone, row.app_gone},
      {Event::kDrain, row.drain},  {Event::kUncordon, row.uncordon},          {Event::kAllLeft, row.all_left},
      {Event::kStart, "!"},  // it has begun
  };
  ASSERT_EQ(steps.size(), static_cast<std::size_t>(Life::kEvents));
  for (const auto& [event, expected] : steps) {
    SCOPED_TRACE(name_of(row.from) + ", event " + std::to_string(static_cast<int>(event)));
    Life life = life_in(row.from);
    if (expected == "!") {
      EXPECT_DEATH(life.on(event), "this cannot happen");
      continue;
    }
    const Action action = life.on(event);
    EXPECT_EQ(name_of(life.state()) + (action == Action::kNothing ? "" : ": " + name_of(action)), expected);
    life.check();
  }
}

INSTANTIATE_TEST_SUITE_P(OfEachState, LifeTable, ::testing::ValuesIn(kRows));

TEST(Life, TheNextRunGoesOnWhereTheLastOneStood) {
  const std::pair<State, Phase> phases[] = {{State::kOnRing, Phase::kJoining},
                                            {State::kUnhealthy, Phase::kDraining},
                                            {State::kAppDown, Phase::kAppDown},
                                            {State::kDraining, Phase::kDraining},
                                            {State::kDrained, Phase::kDrained}};
  for (const auto& [state, phase] : phases) {
    SCOPED_TRACE(name_of(state));
    Life life = life_in(state);
    EXPECT_TRUE(life.end_run());
    EXPECT_FALSE(life.end_run()) << "it is over already";
    EXPECT_TRUE(life.has_run() && life.awaits_run());
    life.check();
    EXPECT_EQ(life.begin_run(), phase);
    EXPECT_EQ(life.state(), state);
    EXPECT_FALSE(life.awaits_run());
    EXPECT_DEATH(life.begin_run(), "this cannot happen");
  }
}

TEST(Life, WhatComesBackJoinsOnceItsAppIsThereAndHasForgotten) {
  Life life = life_in(State::kDrained);
  EXPECT_FALSE(life.needs_initial_reset());
  life.on(Event::kUncordon);
  EXPECT_TRUE(life.awaits_run() && life.needs_initial_reset());
  EXPECT_EQ(life.begin_run(), Phase::kJoining);
  EXPECT_EQ(life.state(), State::kOnRing);

  Life without = life_in(State::kDrained);
  without.on(Event::kAppGone);
  without.on(Event::kUncordon);
  EXPECT_FALSE(without.needs_initial_reset()) << "there is nobody to be asked";
  EXPECT_EQ(without.begin_run(), Phase::kAppDown);
  EXPECT_EQ(without.state(), State::kAppDown);
}

TEST(Life, AnAppThatIsBackChangesNothingWhereSomebodyWantsTheHostOffTheRing) {
  for (const State state : {State::kDraining, State::kDrained}) {
    Life life = life_in(state);
    life.on(Event::kAppGone);
    EXPECT_FALSE(life.app_up());
    EXPECT_EQ(life.on(Event::kAppUp), Action::kNothing);
    EXPECT_EQ(life.state(), state);
    EXPECT_TRUE(life.app_up());
  }
}

TEST(Life, AFirstRunBeginsWithoutAnAppThatTakesLongToForget) {
  Life life = life_in(State::kToJoin);
  life.on(Event::kAppUp);
  EXPECT_FALSE(life.has_run());
  EXPECT_EQ(life.begin_run_without_app(), Phase::kAppDown);
  EXPECT_TRUE(life.has_run() && life.awaits_run() && life.needs_initial_reset());
  EXPECT_DEATH(life.begin_run_without_app(), "this cannot happen");
  EXPECT_EQ(life.begin_run(), Phase::kJoining);
}

TEST(Life, WhatIsDrainedBeforeItsStartDrainsInItsFirstRun) {
  Life life(true);
  EXPECT_FALSE(life.has_begun() || life.awaits_run());
  EXPECT_EQ(life.on(Event::kDrain), Action::kDrain);
  EXPECT_EQ(life.on(Event::kAllLeft), Action::kSayDrained);
  Life taken_back = life;
  EXPECT_EQ(life.on(Event::kStart), Action::kGoOnDraining);
  EXPECT_EQ(life.begin_run(), Phase::kDraining);

  EXPECT_EQ(taken_back.on(Event::kUncordon), Action::kComeBack);
  EXPECT_FALSE(taken_back.awaits_run()) << "the health of its app is not known yet";
  EXPECT_EQ(taken_back.on(Event::kStart), Action::kNothing);
  EXPECT_TRUE(taken_back.awaits_run());
}

TEST(Life, AHostWithoutAnAppOfItsOwnJoinsWithoutOne) {
  Life life(false);
  life.on(Event::kStart);
  EXPECT_FALSE(life.needs_initial_reset());
  EXPECT_EQ(life.begin_run(), Phase::kJoining);
  life.check();
}

TEST(Life, ADrainIsOverdueUntilItIsDoneOrANewRunBegins) {
  Life life = life_in(State::kDraining);
  life.drain_takes_too_long();
  EXPECT_TRUE(life.is_drain_overdue());
  Life done = life;
  done.on(Event::kAllLeft);
  EXPECT_FALSE(done.is_drain_overdue());
  EXPECT_DEATH(done.drain_takes_too_long(), "this cannot happen");
  life.end_run();
  life.begin_run();
  EXPECT_FALSE(life.is_drain_overdue());
}

TEST(Life, TurnsMayBeginInADrainAsLongAsNobodyElseHoldsTheId) {
  Life life = life_in(State::kDraining);
  EXPECT_TRUE(life.may_serve_while_draining());
  life.end_run();
  EXPECT_FALSE(life.may_serve_while_draining()) << "others may hold it";
  EXPECT_FALSE(life_in(State::kUnhealthy).may_serve_while_draining());
  EXPECT_FALSE(life_in(State::kOnRing).may_serve_while_draining()) << "that is not a drain";
}

TEST(Life, AQuorumComesAndGoesByItself) {
  Life life = life_in(State::kOnRing);
  EXPECT_DEATH(life.find_quorum(), "this cannot happen");
  life.lose_quorum();
  EXPECT_FALSE(life.has_quorum());
  life.on(Event::kDrain);
  EXPECT_FALSE(life.has_quorum());
  EXPECT_DEATH(life.lose_quorum(), "this cannot happen");
  life.find_quorum();
  EXPECT_TRUE(life.has_quorum());
}

}  // namespace
}  // namespace ringside::core
