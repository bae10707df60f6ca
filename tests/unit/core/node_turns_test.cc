#include <gmock/gmock.h>

#include "tests/unit/core/node_fixture.h"

namespace ringside::core {
namespace {

class NodeTurns : public ::testing::Test {
 protected:
  void start(const std::function<void(NodeConfig&)>& adjust = nullptr) {
    cluster.start("a", adjust);
    cluster.converge();
  }
  Outcome outcome(CallId token) {
    const Answer* answer = cluster.answer("a", token);
    EXPECT_NE(answer, nullptr);
    return answer == nullptr ? Outcome::kUnknown : answer->outcome;
  }

  Cluster cluster;
};

TEST_F(NodeTurns, AnActorHasOneTurnAtATimeInOrderAndActorsRunInParallel) {
  start();
  for (int i = 0; i < 3; ++i) cluster.call("a", 1, [i](Call& call) { call.request = std::to_string(i); });
  cluster.call("a", 2);
  EXPECT_EQ(cluster["a"].turns.size(), 2U);
  EXPECT_EQ(cluster.node("a").status().turns_waiting, 2U);
  for (int i = 1; i < 3; ++i) {
    cluster.end_turns("a");
    ASSERT_EQ(cluster["a"].turns.size(), 1U);
    EXPECT_EQ(std::get<std::string>(cluster["a"].turns[0].call->request), std::to_string(i));
  }
}

TEST_F(NodeTurns, WhatDoesNotFitIsRefusedAtOnce) {
  start([](NodeConfig& config) {
    config.queue_per_actor = 2;
    config.queue_bytes = 4000;
  });
  for (int i = 0; i < 3; ++i) cluster.call("a", 1);
  const CallId fourth = cluster.call("a", 1);
  EXPECT_EQ(outcome(fourth), Outcome::kOverloaded);
  EXPECT_EQ(cluster.answer("a", fourth)->reason, Reason::kActorQueueFull);
  const CallId large = cluster.call("a", 2, [](Call& call) { call.request = std::string(5000, 'x'); });
  EXPECT_EQ(outcome(large), Outcome::kOverloaded);
  EXPECT_EQ(cluster.answer("a", large)->reason, Reason::kQueueBytesFull);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(cluster.end_turns("a"), 1);
  EXPECT_EQ(cluster.node("a").status().queued_bytes, 0U);
}

TEST_F(NodeTurns, NotMoreThanTheLimitAreUnderWayAndAllGetTheirTurn) {
  start([](NodeConfig& config) { config.max_turns = 2; });
  for (ActorId id = 1; id <= 5; ++id) cluster.call("a", id);
  int ended = 0;
  while (ended < 5) {
    ASSERT_LE(cluster["a"].turns.size(), 2U);
    const int now = cluster.end_turns("a");
    ASSERT_GT(now, 0);
    ended += now;
  }
}

TEST_F(NodeTurns, ADeadlineThatPassesInTheQueueIsExpiredAndNeverHandedOver) {
  start();
  cluster.call("a", 1);
  const CallId late =
      cluster.call("a", 1, [this](Call& call) { call.deadline = cluster.now().mono + Duration(100'000); });
  cluster.pass(200'000);
  EXPECT_EQ(outcome(late), Outcome::kExpired);
  EXPECT_EQ(cluster.end_turns("a"), 1);
  EXPECT_TRUE(cluster["a"].turns.empty());
  const CallId past = cluster.call("a", 1, [this](Call& call) { call.deadline = cluster.now().mono; });
  EXPECT_EQ(outcome(past), Outcome::kExpired);
}

TEST_F(NodeTurns, ADeadlineThatPassesInTheTurnIsUnknownAndTheNextTurnWaits) {
  start();
  const CallId slow =
      cluster.call("a", 1, [this](Call& call) { call.deadline = cluster.now().mono + Duration(100'000); });
  const CallId next = cluster.call("a", 1);
  cluster.pass(200'000);
  EXPECT_EQ(outcome(slow), Outcome::kUnknown);
  EXPECT_EQ(cluster["a"].turns.size(), 1U) << "the turn under way is still the first";
  cluster.end_turns("a");
  EXPECT_EQ(cluster.end_turns("a"), 1);
  EXPECT_EQ(outcome(next), Outcome::kApplied);
}

TEST_F(NodeTurns, AfterTheTurnTimeoutTheActorIsDeactivatedAndComesBackWithAGreaterEpoch) {
  start([](NodeConfig& config) { config.turn_timeout = Duration(1'000'000); });
  cluster.call("a", 1);
  const Epoch first = cluster["a"].turns[0].epoch;
  const CallId next = cluster.call("a", 1);
  cluster.pass(1'100'000);
  cluster.end_turns("a", Answer::failed(Outcome::kUnknown, Reason::kTurnTimeout));
  ASSERT_EQ(cluster["a"].turns.size(), 1U);
  EXPECT_GT(cluster["a"].turns[0].epoch, first);
  cluster.end_turns("a");
  EXPECT_EQ(outcome(next), Outcome::kApplied);
  EXPECT_EQ(cluster.node("a").counters().deactivations[static_cast<std::size_t>(Deactivation::kTurnTimeout)], 1U);
}

TEST_F(NodeTurns, IdleActorsAreDeactivatedAndBusyOnesAreNot) {
  start([](NodeConfig& config) { config.idle_timeout = Duration(1'000'000); });
  cluster.call("a", 1);
  cluster.end_turns("a");
  cluster.call("a", 2);
  cluster.pass(1'500'000);
  EXPECT_EQ(cluster.node("a").where(1).rule, "ring");
  EXPECT_EQ(cluster.node("a").where(2).rule, "claim");
}

TEST_F(NodeTurns, ATouchThatRacesWithAnExpiryIsServedByANewActivation) {
  start([](NodeConfig& config) { config.idle_timeout = Duration(1'000'000); });
  cluster.call("a", 1);
  const Epoch first = cluster["a"].turns[0].epoch;
  cluster.end_turns("a");
  cluster.auto_confirm = false;
  cluster.pass(1'200'000);
  const CallId token = cluster.call("a", 1);
  EXPECT_TRUE(cluster["a"].turns.empty());
  cluster.confirm_deactivations("a");
  ASSERT_EQ(cluster["a"].turns.size(), 1U);
  EXPECT_GT(cluster["a"].turns[0].epoch, first);
  cluster.end_turns("a");
  EXPECT_EQ(outcome(token), Outcome::kApplied);
}

Answer put_off(Duration retry_after = {}) {
  Answer answer = Answer::failed(Outcome::kNotDelivered, Reason::kAppBusy, "the application answered 503");
  answer.retry_after = retry_after;
  return answer;
}

TEST_F(NodeTurns, WhatTheAppPutsOffKeepsNobodyElseFromATurn) {
  start();
  const CallId first = cluster.call("a", 1, [](Call& call) { call.request = "first"; });
  const CallId second = cluster.call("a", 1, [](Call& call) { call.request = "second"; });
  cluster.end_turns("a", put_off());
  ASSERT_EQ(cluster["a"].turns.size(), 1U);
  EXPECT_EQ(std::get<std::string>(cluster["a"].turns[0].call->request), "second");
  cluster.end_turns("a");
  EXPECT_EQ(outcome(second), Outcome::kApplied);
  cluster.pass(200'000);
  ASSERT_EQ(cluster["a"].turns.size(), 1U);
  EXPECT_EQ(std::get<std::string>(cluster["a"].turns[0].call->request), "first");
  cluster.end_turns("a");
  EXPECT_EQ(outcome(first), Outcome::kApplied);
}

TEST_F(NodeTurns, WhatTheAppPutsOffIsNotTriedBeforeItSaidSo) {
  start();
  cluster.call("a", 1);
  cluster.end_turns("a", put_off(Duration(2'000'000)));
  cluster.pass(1'900'000);
  EXPECT_TRUE(cluster["a"].turns.empty());
  cluster.pass(200'000);
  EXPECT_EQ(cluster["a"].turns.size(), 1U);
}

TEST_F(NodeTurns, WhatTheAppPutsOffBeyondTheDeadlineIsAnsweredAtOnce) {
  start();
  const CallId token = cluster.call("a", 1);
  cluster.end_turns("a", put_off(Duration(20'000'000)));
  EXPECT_EQ(outcome(token), Outcome::kNotDelivered);
  EXPECT_EQ(cluster.answer("a", token)->retry_after, Duration(20'000'000));
}

// 1,100 actors, and an app that takes its time to forget each: none is given up, at most --max-actors-in-flight are
// asked at once, and whoever is called before it was asked stays as it is.
TEST_F(NodeTurns, WhatTheAppHasNotForgottenIsHeld) {
  cluster.start("a", [](NodeConfig& config) {
    config.max_turns = 100;
    config.idle_timeout = Duration(1'000'000);
  });
  cluster.converge();
  for (ActorId id = 1; id <= 300; ++id) cluster.call("a", id);
  while (cluster.end_turns("a") > 0) {
  }
  cluster.auto_confirm = false;
  cluster.pass(90'000'000);
  EXPECT_GT(cluster["a"].deactivations.size(), 40U) << "one that is not answered keeps no other from being asked for";
  EXPECT_EQ(cluster.node("a").status().actors, 300U);
  const CallId token = cluster.call("a", 250);
  ASSERT_EQ(cluster["a"].turns.size(), 1U) << "nobody was asked to forget it";
  cluster.end_turns("a");
  EXPECT_EQ(outcome(token), Outcome::kApplied);
  for (int round = 0; round < 300; ++round) cluster.confirm_deactivations("a");
  EXPECT_EQ(cluster.node("a").status().actors, 1U);
}

TEST_F(NodeTurns, TheEndThatACallWaitsForComesFirst) {
  cluster.start("a", [](NodeConfig& config) { config.max_turns = 2; });
  cluster.start("b");
  cluster.converge();
  std::vector<ActorId> held;
  for (ActorId id = 1; held.size() < 20; ++id) {
    if (*cluster.node("a").ring().owner(id) != "a") continue;
    held.push_back(id);
    cluster.call("a", id);
    cluster.end_turns("a");
  }
  cluster.auto_confirm = false;
  cluster.node("a").drain(cluster.now());
  cluster.pass(0);
  cluster.call("a", held.back());
  const CallId waits = cluster.call("a", held.back());
  cluster.end_turns("a");
  ASSERT_EQ(cluster.answer("a", waits), nullptr) << "one turn goes before the end, and no other";
  ASSERT_EQ(cluster["a"].deactivations.size(), 2U);
  cluster.confirm_deactivations("a");
  EXPECT_EQ(cluster["a"].deactivations.front().actor.id, held.back());
}

TEST_F(NodeTurns, AnIdleActorThatTheAppWantsToKeepGoesOnUnderItsEpoch) {
  for (const auto kind : {Deactivated::Kind::kNotNow, Deactivated::Kind::kFailed, Deactivated::Kind::kSilent}) {
    cluster.start("a", [](NodeConfig& config) { config.idle_timeout = Duration(10'000'000); });
    cluster.converge();
    cluster.call("a", 1);
    const Epoch epoch = cluster["a"].turns[0].epoch;
    cluster.end_turns("a");
    cluster.auto_confirm = false;
    cluster.pass(10'200'000);
    ASSERT_EQ(cluster["a"].deactivations.size(), 1U);
    cluster.confirm_deactivations("a", {kind, {}, "it said no"});
    cluster.call("a", 1);
    ASSERT_EQ(cluster["a"].turns.size(), 1U) << "at once";
    EXPECT_EQ(cluster["a"].turns[0].epoch, epoch);
    cluster.end_turns("a");
    cluster.pass(10'200'000);
    EXPECT_EQ(cluster["a"].deactivations.size(), 1U) << "asked again after another idle time";
    cluster.auto_confirm = true;
  }
}

TEST_F(NodeTurns, AnIdleActorThatTheAppFailedToForgetIsAskedAgainSoon) {
  cluster.start("a", [](NodeConfig& config) { config.idle_timeout = Duration(60'000'000); });
  cluster.converge();
  cluster.call("a", 1);
  cluster.end_turns("a");
  cluster.auto_confirm = false;
  cluster.pass(60'200'000);
  cluster.confirm_deactivations("a", {Deactivated::Kind::kFailed, {}, "500"});
  cluster.pass(1'100'000);
  ASSERT_EQ(cluster["a"].deactivations.size(), 1U);
  cluster.confirm_deactivations("a");
  EXPECT_EQ(cluster.node("a").status().actors, 0U);
}

TEST_F(NodeTurns, AnIdleActorIsNotAskedForBeforeTheAppSaidSo) {
  start([](NodeConfig& config) { config.idle_timeout = Duration(1'000'000); });
  cluster.call("a", 1);
  cluster.end_turns("a");
  cluster.auto_confirm = false;
  cluster.pass(1'200'000);
  cluster.confirm_deactivations("a", {Deactivated::Kind::kFailed, Duration(12'000'000), "503"});
  cluster.pass(11'800'000);
  EXPECT_TRUE(cluster["a"].deactivations.empty()) << "its own idle time is shorter, and has passed eleven times";
  cluster.pass(400'000);
  EXPECT_EQ(cluster["a"].deactivations.size(), 1U);
}

TEST_F(NodeTurns, AnActorHasOneScheduleHoweverOftenItIsCalled) {
  start([](NodeConfig& config) { config.idle_timeout = Duration(2'000'000); });
  cluster.auto_confirm = false;
  std::vector<std::int64_t> asked;
  for (int step = 0; step < 400; ++step) {  // of 0.1 s
    if (step % 30 == 0 && step < 180) {
      cluster.call("a", 1);
      cluster.end_turns("a");
    }
    cluster.pass(100'000);
    if (!cluster["a"].deactivations.empty()) asked.push_back(step);
    cluster.confirm_deactivations("a", {Deactivated::Kind::kFailed, Duration(15'000'000), "503"});
  }
  ASSERT_GE(asked.size(), 2U);
  for (std::size_t i = 1; i < asked.size(); ++i) EXPECT_GE(asked[i] - asked[i - 1], 149) << "15 s, as the app said";
}

TEST_F(NodeTurns, AnAppThatDoesOneThingAtATimeIsNotFloodedWithDeactivations) {
  start();
  for (ActorId id = 1; id <= 400; ++id) cluster.call("a", id);
  cluster.end_turns("a");
  cluster.auto_confirm = false;
  cluster.node("a").drain(cluster.now());
  cluster.pass(1'000);
  std::size_t most = 0;
  for (int i = 0; i < 200; ++i) {  // one every 0.1 s
    most = std::max(most, cluster["a"].deactivations.size());
    ASSERT_FALSE(cluster["a"].deactivations.empty());
    const DeactivationId first = cluster["a"].deactivations.front().token;
    cluster["a"].deactivations.erase(cluster["a"].deactivations.begin());
    cluster.node("a").deactivated(cluster.now(), first, {});
    cluster.pass(100'000);
  }
  EXPECT_LE(most, 4U);
  EXPECT_LE(cluster["a"].deactivations.size(), 2U) << "whatever else is asked of it waits for so many";
}

TEST_F(NodeTurns, WhatADrainFailsToEndIsAskedForAslongAsTheAppAnswers) {
  cluster.start("a");
  cluster.start("b");
  cluster.converge();
  const ActorId id = cluster.id_of("a", "a");
  cluster.call("a", id);
  cluster.end_turns("a");
  cluster.auto_confirm = false;
  cluster.node("a").drain(cluster.now());
  for (int second = 0; second < 200; ++second) {
    cluster.pass(1'100'000);
    ASSERT_LE(cluster["a"].deactivations.size(), 1U);
    cluster.confirm_deactivations("a", {Deactivated::Kind::kFailed, {}, "500"});
  }
  EXPECT_EQ(cluster.node("a").status().actors, 1U);
  cluster.auto_confirm = true;
  cluster.pass(1'100'000);
  EXPECT_EQ(cluster.node("a").status().phase, Phase::kDrained);
}

// A host on the ring gets calls, so it waits beside the ring for an app that has yet to forget what it held before.
TEST_F(NodeTurns, AnAppThatIsSlowToForgetKeepsItsHostOffTheRing) {
  cluster.start("a");
  cluster.converge();
  cluster.auto_confirm = false;
  cluster.start("b");
  cluster.converge();
  cluster.pass(15'000'000);
  EXPECT_EQ(cluster.node("a").ring().hosts().size(), 1U);
  EXPECT_EQ(cluster.node("b").status().phase, Phase::kAppDown);
  const CallId token = cluster.call("a", 7);
  cluster.end_turns("a");
  EXPECT_EQ(outcome(token), Outcome::kApplied);
  cluster.confirm_deactivations("b", {Deactivated::Kind::kFailed, {}, "DELETE /actors was answered 500"});
  EXPECT_THAT(cluster.node("b").status().not_ready_because, ::testing::HasSubstr("answered 500"));
  cluster.pass(500'000);
  cluster.confirm_deactivations("b");
  cluster.pass(1'000'000);
  EXPECT_EQ(cluster.node("b").status().phase, Phase::kReady);
  EXPECT_EQ(cluster.node("a").ring().hosts().size(), 2U);
}

TEST_F(NodeTurns, AnUnknownIsRepeatedOnlyWhereTheCallerAllowsIt) {
  start();
  const auto lost = Answer::failed(Outcome::kUnknown, Reason::kAppLost);
  const CallId plain = cluster.call("a", 1);
  cluster.end_turns("a", lost);
  EXPECT_EQ(outcome(plain), Outcome::kUnknown);
  const CallId idempotent = cluster.call("a", 1, [](Call& call) { call.idempotent = true; });
  cluster.end_turns("a", lost);
  cluster.pass(200'000);
  EXPECT_EQ(cluster.end_turns("a"), 1);
  EXPECT_EQ(outcome(idempotent), Outcome::kApplied);
}

TEST_F(NodeTurns, AnAppThatRestartsGetsNewEpochs) {
  start();
  cluster.call("a", 1);
  const Epoch first = cluster["a"].turns[0].epoch;
  cluster.end_turns("a");
  cluster.node("a").app_restarted(cluster.now());
  cluster.pass(50'000);
  EXPECT_EQ(cluster.node("a").status().actors, 0U);
  cluster.call("a", 1);
  EXPECT_GT(cluster["a"].turns[0].epoch, first);
}

TEST_F(NodeTurns, ACallerThatGoesAwayLeavesTheQueue) {
  start();
  cluster.call("a", 1);
  const CallId gone = cluster.call("a", 1);
  cluster.node("a").cancel(cluster.now(), gone);
  cluster.pass(50'000);
  EXPECT_EQ(outcome(gone), Outcome::kNotDelivered);
  EXPECT_EQ(cluster.node("a").status().turns_waiting, 0U);
  cluster.end_turns("a");
  EXPECT_TRUE(cluster["a"].turns.empty());
}

}  // namespace
}  // namespace ringside::core
