#include "tests/unit/core/node_fixture.h"

namespace ringside::core {
namespace {

class Turns : public ::testing::Test {
 protected:
  void start(const std::function<void(NodeConfig&)>& adjust = nullptr) {
    cluster.start("a", adjust);
    cluster.converge();
  }
  Outcome outcome(Token token) {
    const Answer* answer = cluster.answer("a", token);
    EXPECT_NE(answer, nullptr);
    return answer == nullptr ? Outcome::kUnknown : answer->outcome;
  }

  Cluster cluster;
};

TEST_F(Turns, AnActorHasOneTurnAtATimeInOrderAndActorsRunInParallel) {
  start();
  for (int i = 0; i < 3; ++i) cluster.call("a", 1, [i](Call& call) { call.request = std::to_string(i); });
  cluster.call("a", 2);
  EXPECT_EQ(cluster["a"].turns.size(), 2U);
  EXPECT_EQ(cluster.node("a").status().turns_waiting, 2U);
  for (int i = 1; i < 3; ++i) {
    cluster.end_turns("a");
    ASSERT_EQ(cluster["a"].turns.size(), 1U);
    EXPECT_EQ(cluster["a"].turns[0].call->request, std::to_string(i));
  }
}

TEST_F(Turns, WhatDoesNotFitIsRefusedAtOnce) {
  start([](NodeConfig& config) {
    config.queue_per_actor = 2;
    config.queue_bytes = 4000;
  });
  for (int i = 0; i < 3; ++i) cluster.call("a", 1);
  const Token fourth = cluster.call("a", 1);
  EXPECT_EQ(outcome(fourth), Outcome::kOverloaded);
  EXPECT_EQ(cluster.answer("a", fourth)->reason, Reason::kActorQueueFull);
  const Token large = cluster.call("a", 2, [](Call& call) { call.request = std::string(5000, 'x'); });
  EXPECT_EQ(outcome(large), Outcome::kOverloaded);
  EXPECT_EQ(cluster.answer("a", large)->reason, Reason::kQueueBytesFull);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(cluster.end_turns("a"), 1);
  EXPECT_EQ(cluster.node("a").status().queued_bytes, 0U);
}

TEST_F(Turns, NotMoreThanTheLimitAreUnderWayAndAllGetTheirTurn) {
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

TEST_F(Turns, ADeadlineThatPassesInTheQueueIsExpiredAndNeverHandedOver) {
  start();
  cluster.call("a", 1);
  const Token late =
      cluster.call("a", 1, [this](Call& call) { call.deadline = cluster.now().mono + Duration(100'000); });
  cluster.pass(200'000);
  EXPECT_EQ(outcome(late), Outcome::kExpired);
  EXPECT_EQ(cluster.end_turns("a"), 1);
  EXPECT_TRUE(cluster["a"].turns.empty());
  const Token past = cluster.call("a", 1, [this](Call& call) { call.deadline = cluster.now().mono; });
  EXPECT_EQ(outcome(past), Outcome::kExpired);
}

TEST_F(Turns, ADeadlineThatPassesInTheTurnIsUnknownAndTheNextTurnWaits) {
  start();
  const Token slow =
      cluster.call("a", 1, [this](Call& call) { call.deadline = cluster.now().mono + Duration(100'000); });
  const Token next = cluster.call("a", 1);
  cluster.pass(200'000);
  EXPECT_EQ(outcome(slow), Outcome::kUnknown);
  EXPECT_EQ(cluster["a"].turns.size(), 1U) << "the turn under way is still the first";
  cluster.end_turns("a");
  EXPECT_EQ(cluster.end_turns("a"), 1);
  EXPECT_EQ(outcome(next), Outcome::kApplied);
}

TEST_F(Turns, AfterTheTurnTimeoutTheActorIsDeactivatedAndComesBackWithAGreaterEpoch) {
  start([](NodeConfig& config) { config.turn_timeout = Duration(1'000'000); });
  cluster.call("a", 1);
  const Epoch first = cluster["a"].turns[0].epoch;
  const Token next = cluster.call("a", 1);
  cluster.pass(1'100'000);
  cluster.end_turns("a", Answer::failed(Outcome::kUnknown, Reason::kTurnTimeout));
  ASSERT_EQ(cluster["a"].turns.size(), 1U);
  EXPECT_GT(cluster["a"].turns[0].epoch, first);
  cluster.end_turns("a");
  EXPECT_EQ(outcome(next), Outcome::kApplied);
  EXPECT_EQ(cluster.node("a").counters().deactivations[static_cast<std::size_t>(Deactivation::kTurnTimeout)], 1U);
}

TEST_F(Turns, IdleActorsAreDeactivatedAndBusyOnesAreNot) {
  start([](NodeConfig& config) { config.idle_timeout = Duration(1'000'000); });
  cluster.call("a", 1);
  cluster.end_turns("a");
  cluster.call("a", 2);
  cluster.pass(1'500'000);
  EXPECT_EQ(cluster.node("a").where(1).rule, "ring");
  EXPECT_EQ(cluster.node("a").where(2).rule, "claim");
}

TEST_F(Turns, ATouchThatRacesWithAnExpiryIsServedByANewActivation) {
  start([](NodeConfig& config) { config.idle_timeout = Duration(1'000'000); });
  cluster.call("a", 1);
  const Epoch first = cluster["a"].turns[0].epoch;
  cluster.end_turns("a");
  cluster.auto_confirm = false;
  cluster.pass(1'200'000);
  const Token token = cluster.call("a", 1);
  EXPECT_TRUE(cluster["a"].turns.empty());
  cluster.confirm_deactivations("a");
  ASSERT_EQ(cluster["a"].turns.size(), 1U);
  EXPECT_GT(cluster["a"].turns[0].epoch, first);
  cluster.end_turns("a");
  EXPECT_EQ(outcome(token), Outcome::kApplied);
}

TEST_F(Turns, WhatTheAppPutsOffIsTriedAgainInItsPlace) {
  start();
  const Token token = cluster.call("a", 1, [](Call& call) { call.request = "first"; });
  cluster.call("a", 1);
  cluster.end_turns("a", Answer::failed(Outcome::kNotDelivered, Reason::kAppBusy));
  EXPECT_TRUE(cluster["a"].turns.empty());
  cluster.pass(200'000);
  ASSERT_EQ(cluster["a"].turns.size(), 1U);
  EXPECT_EQ(cluster["a"].turns[0].call->request, "first");
  cluster.end_turns("a");
  EXPECT_EQ(outcome(token), Outcome::kApplied);
}

TEST_F(Turns, AnUnknownIsRepeatedOnlyWhereTheCallerAllowsIt) {
  start();
  const auto lost = Answer::failed(Outcome::kUnknown, Reason::kAppLost);
  const Token plain = cluster.call("a", 1);
  cluster.end_turns("a", lost);
  EXPECT_EQ(outcome(plain), Outcome::kUnknown);
  const Token idempotent = cluster.call("a", 1, [](Call& call) { call.idempotent = true; });
  cluster.end_turns("a", lost);
  cluster.pass(200'000);
  EXPECT_EQ(cluster.end_turns("a"), 1);
  EXPECT_EQ(outcome(idempotent), Outcome::kApplied);
}

TEST_F(Turns, AnAppThatRestartsGetsNewEpochs) {
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

TEST_F(Turns, ACallerThatGoesAwayLeavesTheQueue) {
  start();
  cluster.call("a", 1);
  const Token gone = cluster.call("a", 1);
  cluster.node("a").cancel(cluster.now(), gone);
  cluster.pass(50'000);
  EXPECT_EQ(outcome(gone), Outcome::kNotDelivered);
  EXPECT_EQ(cluster.node("a").status().turns_waiting, 0U);
  cluster.end_turns("a");
  EXPECT_TRUE(cluster["a"].turns.empty());
}

}  // namespace
}  // namespace ringside::core
