#include "tests/unit/core/node_fixture.h"

namespace ringside::core {
namespace {

constexpr std::int64_t kDrainTimeout = 25'000'000;  // the default

class Lifecycle : public ::testing::Test {
 protected:
  void start(const std::vector<std::string>& names) {
    for (const std::string& name : names) cluster.start(name);
    cluster.converge();
  }
  // A call whose turn does not end by itself.
  void begin_turn(const std::string& owner) {
    cluster.call(owner, cluster.id_of(owner, owner), [](Call& call) { call.deadline += std::chrono::minutes(4); });
    ASSERT_EQ(cluster[owner].turns.size(), 1U);
  }
  // So many actors whose owner is b.
  std::vector<ActorId> activate_at_b(std::size_t how_many) {
    std::vector<ActorId> ids;
    for (ActorId id = 1; ids.size() < how_many; ++id) {
      id = cluster.id_of("a", "b", id);
      ids.push_back(id);
      cluster.call("b", id);
    }
    cluster.end_turns("b");
    return ids;
  }
  void drain(const std::string& name) { cluster.node(name).drain(cluster.now()); }
  void uncordon(const std::string& name) { cluster.node(name).uncordon(cluster.now()); }
  Status status(const std::string& name) { return cluster.node(name).status(); }

  Cluster cluster;
};

TEST_F(Lifecycle, ADrainedHostComesBackWhenItIsUncordoned) {
  start({"a", "b"});
  cluster.node("b").drain(cluster.now());
  cluster.pass(500'000);
  ASSERT_EQ(cluster.node("b").status().phase, Phase::kDrained);
  cluster.node("b").uncordon(cluster.now());
  cluster.pass(1'000'000);
  EXPECT_EQ(cluster.node("b").status().phase, Phase::kReady);
  EXPECT_EQ(cluster.node("a").ring().hosts().size(), 2U);
}

// Whoever hears of a new generation takes all that the one before held for ended.
TEST_F(Lifecycle, TheNextRunBeginsWhenTheActivationsOfTheLastHaveEnded) {
  start({"a", "b"});
  const ActorId id = cluster.id_of("a", "b");
  cluster.call("b", id);
  cluster.end_turns("b");
  cluster.auto_confirm = false;
  const Generation before = cluster.node("b").status().generation;
  cluster.node("b").drain(cluster.now());
  cluster.pass(500'000);
  cluster.node("b").uncordon(cluster.now());
  cluster.pass(1'000'000);
  EXPECT_EQ(cluster.node("b").status().generation, before);
  EXPECT_NE(cluster.node("b").status().phase, Phase::kReady);
  const CallId token = cluster.call("a", id);
  EXPECT_EQ(cluster.answer("a", token), nullptr) << "it waits for the activation that is ending";
  cluster.auto_confirm = true;
  cluster.confirm_deactivations("b");
  cluster.pass(1'000'000);
  EXPECT_GT(cluster.node("b").status().generation, before);
  EXPECT_EQ(cluster.node("b").status().phase, Phase::kReady);
}

// --turn-timeout is longer than --drain-timeout by default: a turn may well be left when that has passed.
TEST_F(Lifecycle, ADrainThatTakesTooLongSaysSoAndGoesOn) {
  start({"a", "b"});
  begin_turn("b");
  drain("b");
  cluster.pass(kDrainTimeout - 100'000);
  EXPECT_FALSE(status("b").drain_overdue);
  EXPECT_EQ(cluster["b"].drained, 0);
  cluster.pass(200'000);
  EXPECT_TRUE(status("b").drain_overdue);
  EXPECT_EQ(cluster["b"].drained, 1) << "nobody waits any longer";
  EXPECT_EQ(status("b").phase, Phase::kDraining);
  cluster.end_turns("b");
  cluster.pass(500'000);
  EXPECT_FALSE(status("b").drain_overdue);
  EXPECT_EQ(status("b").phase, Phase::kDrained);
}

TEST_F(Lifecycle, EachDrainHasItsOwnTime) {
  start({"a", "b"});
  drain("b");
  cluster.pass(1'000'000);
  uncordon("b");
  cluster.pass(1'000'000);
  ASSERT_EQ(status("b").phase, Phase::kReady);
  begin_turn("b");
  cluster.pass(kDrainTimeout - 3'000'000);
  drain("b");
  cluster.pass(2'000'000);
  EXPECT_FALSE(status("b").drain_overdue) << "the time of the first drain has passed, not that of this one";
  cluster.pass(kDrainTimeout);
  EXPECT_TRUE(status("b").drain_overdue);
}

TEST_F(Lifecycle, ADrainMayBeTakenBackBeforeItIsDone) {
  start({"a", "b"});
  begin_turn("b");
  drain("b");
  cluster.pass(200'000);
  EXPECT_EQ(cluster.node("a").ring().hosts().size(), 1U);
  uncordon("b");
  cluster.pass(200'000);
  EXPECT_NE(status("b").phase, Phase::kReady) << "the turn of the last run is still under way";
  cluster.end_turns("b");
  cluster.pass(1'000'000);
  EXPECT_EQ(status("b").phase, Phase::kReady);
  EXPECT_EQ(cluster.node("a").ring().hosts().size(), 2U);
  cluster.pass(kDrainTimeout);
  EXPECT_FALSE(status("b").drain_overdue);
  EXPECT_EQ(cluster["b"].drained, 0);
}

TEST_F(Lifecycle, DrainingTwiceIsDrainingOnce) {
  start({"a", "b"});
  begin_turn("b");
  drain("b");
  cluster.pass(kDrainTimeout / 2);
  drain("b");
  cluster.pass(kDrainTimeout / 2 + 100'000);
  EXPECT_TRUE(status("b").drain_overdue) << "the second word does not begin the time anew";
  cluster.end_turns("b");
  cluster.pass(500'000);
  ASSERT_EQ(status("b").phase, Phase::kDrained);
  drain("b");
  cluster.pass(500'000);
  EXPECT_EQ(status("b").phase, Phase::kDrained);
}

TEST_F(Lifecycle, WhyTheAppIsDownIsWhatItSaidLast) {
  start({"a"});
  const auto why = [this] { return cluster.node("a").status().not_ready_because; };
  cluster.node("a").app_down(cluster.now(), "its health check answers 503", true);
  EXPECT_NE(why().find("503"), std::string::npos) << why();
  cluster.node("a").app_down(cluster.now(), "its health check answers 401", true);
  EXPECT_NE(why().find("401"), std::string::npos) << why();
}

// Its turns are under way on a living connection, and what it holds has to end before it may live elsewhere.
TEST_F(Lifecycle, WhatAnUnhealthyAppHoldsEndsAsInADrain) {
  start({"a", "b"});
  const ActorId id = cluster.id_of("a", "b");
  const CallId under_way = cluster.call("b", id);
  ASSERT_EQ(cluster["b"].turns.size(), 1U);
  cluster.auto_confirm = false;
  cluster.node("b").app_down(cluster.now(), "503", true);
  const CallId next = cluster.call("b", id);
  cluster.pass(500'000);
  EXPECT_EQ(cluster.node("a").ring().hosts().size(), 1U) << "off the ring at once";
  EXPECT_EQ(cluster.answer("b", under_way), nullptr);
  EXPECT_TRUE(cluster["a"].turns.empty()) << "it lives there";
  cluster.end_turns("b");
  ASSERT_NE(cluster.answer("b", under_way), nullptr);
  EXPECT_EQ(cluster.answer("b", under_way)->outcome, Outcome::kApplied);
  EXPECT_TRUE(cluster["a"].turns.empty()) << "until the app has confirmed its end";
  cluster.confirm_deactivations("b");
  cluster.pass(500'000);
  EXPECT_EQ(cluster.end_turns("a"), 1);
  EXPECT_EQ(cluster.answer("b", next)->outcome, Outcome::kApplied);
  EXPECT_EQ(status("b").phase, Phase::kAppDown);
  EXPECT_EQ(cluster["b"].drained, 0) << "nobody drained it";
  cluster.auto_confirm = true;
  cluster.node("b").app_up(cluster.now());
  cluster.pass(1'000'000);
  EXPECT_EQ(status("b").phase, Phase::kReady);
}

TEST_F(Lifecycle, AnUnhealthyAppThatGetsWellComesBackWhenAllHasEnded) {
  start({"a", "b"});
  const Generation before = status("b").generation;
  begin_turn("b");
  cluster.node("b").app_down(cluster.now(), "503", true);
  cluster.pass(200'000);
  EXPECT_NE(status("b").not_ready_because.find("503"), std::string::npos);
  cluster.node("b").app_up(cluster.now());
  cluster.pass(500'000);
  EXPECT_EQ(status("b").generation, before) << "its last run has not ended";
  cluster.end_turns("b");
  cluster.pass(1'000'000);
  EXPECT_GT(status("b").generation, before);
  EXPECT_EQ(status("b").phase, Phase::kReady);
}

TEST_F(Lifecycle, AnUnhealthyAppThatDiesHoldsNothingAnyMore) {
  start({"a", "b"});
  const ActorId id = cluster.id_of("a", "b");
  cluster.call("b", id);
  cluster.node("b").app_down(cluster.now(), "503", true);
  const CallId waits = cluster.call("a", id);
  cluster.pass(200'000);
  EXPECT_TRUE(cluster["a"].turns.empty());
  cluster.node("b").app_down(cluster.now(), "gone", false);
  cluster.end_turns("b", Answer::failed(Outcome::kUnknown, Reason::kAppLost));  // as every adapter then says
  cluster.pass(300'000);
  EXPECT_EQ(status("b").phase, Phase::kAppDown);
  EXPECT_EQ(cluster.end_turns("a"), 1);
  EXPECT_EQ(cluster.answer("a", waits)->outcome, Outcome::kApplied);
}

TEST_F(Lifecycle, ADrainOfAHostWithAnUnhealthyAppIsADrain) {
  start({"a", "b"});
  begin_turn("b");
  cluster.node("b").app_down(cluster.now(), "503", true);
  cluster.pass(200'000);
  drain("b");
  cluster.end_turns("b");
  cluster.pass(500'000);
  EXPECT_EQ(status("b").phase, Phase::kDrained);
  EXPECT_EQ(cluster["b"].drained, 1);
}

// Its queued calls would begin under the old epoch if the turns were told first.
TEST_F(Lifecycle, NothingBeginsInAnAppThatIsGone) {
  start({"a", "b"});
  const ActorId id = cluster.id_of("a", "b");
  const CallId under_way = cluster.call("b", id);
  const CallId queued = cluster.call("b", id);
  const StartTurn turn = cluster["b"].turns.at(0);
  cluster["b"].turns.clear();
  cluster.node("b").app_restarted(cluster.now());
  cluster.node("b").turn_ended(cluster.now(), turn.token, Answer::failed(Outcome::kUnknown, Reason::kAppLost));
  cluster.pass(100'000);
  EXPECT_EQ(cluster.answer("b", under_way)->outcome, Outcome::kUnknown);
  ASSERT_EQ(cluster["b"].turns.size(), 1U);
  EXPECT_GT(cluster["b"].turns[0].epoch, turn.epoch);
  cluster.end_turns("b");
  EXPECT_EQ(cluster.answer("b", queued)->outcome, Outcome::kApplied);
}

TEST_F(Lifecycle, ADrainBeforeTheFirstAnswerOfTheAppIsKept) {
  cluster.start("a");
  cluster.converge();
  NodeConfig config;
  config.host = "b";
  Node late(config, 1);
  late.drain(cluster.now());
  EXPECT_EQ(late.status().phase, Phase::kDrained);
  late.start(cluster.now(), true);
  late.discovered(cluster.now(), {}, true);
  EXPECT_EQ(late.status().phase, Phase::kDrained);
}

TEST_F(Lifecycle, ADrainBeforeTheFirstAnswerOfTheAppCanBeTakenBack) {
  NodeConfig config;
  config.host = "b";
  Node late(config, 1);
  late.drain(cluster.now());
  late.uncordon(cluster.now());
  EXPECT_EQ(late.status().phase, Phase::kJoining);
  EXPECT_EQ(late.status().generation, Generation()) << "no run begins before the health of the app is known";
  late.start(cluster.now(), false);
  EXPECT_EQ(late.status().phase, Phase::kAppDown);
}

TEST_F(Lifecycle, WhatIsLeftWhenTheProcessEndsHearsOfIt) {
  start({"a", "b"});
  const ActorId id = cluster.id_of("a", "b");
  const CallId under_way = cluster.call("b", id, [](Call& call) { call.deadline += std::chrono::minutes(4); });
  const CallId queued = cluster.call("b", id, [](Call& call) { call.deadline += std::chrono::minutes(4); });
  drain("b");
  cluster.pass(kDrainTimeout + 100'000);
  ASSERT_TRUE(status("b").drain_overdue);
  cluster.node("b").close(cluster.now());
  cluster.pass(100'000);
  ASSERT_NE(cluster.answer("b", under_way), nullptr);
  EXPECT_EQ(cluster.answer("b", under_way)->outcome, Outcome::kUnknown);
  EXPECT_EQ(cluster.answer("b", under_way)->reason, Reason::kShuttingDown);
  EXPECT_EQ(cluster.answer("b", queued)->outcome, Outcome::kNotDelivered);
}

// A run that is over owns nothing: what its range is called for goes to those who own it meanwhile.
TEST_F(Lifecycle, UntilItIsBackAnUncordonedHostRoutesLikeADrainedOne) {
  start({"a", "b"});
  const ActorId busy = cluster.id_of("a", "b"), other = cluster.id_of("a", "b", busy.next());
  cluster.call("b", busy, [](Call& call) { call.deadline += std::chrono::minutes(4); });
  drain("b");
  cluster.pass(300'000);
  uncordon("b");
  const CallId token = cluster.call("b", other);
  EXPECT_EQ(cluster.end_turns("a"), 1);
  ASSERT_NE(cluster.answer("b", token), nullptr);
  EXPECT_EQ(cluster.answer("b", token)->outcome, Outcome::kApplied);
}

// The app has many to forget, and forgets them one after another: nobody who calls one of the last waits for all.
TEST_F(Lifecycle, ATurnGoesBeforeADeletionThatHasNotBeenAskedFor) {
  cluster.start("a");
  cluster.start("b");
  cluster.converge();
  const std::vector<ActorId> ids = activate_at_b(5);
  cluster.auto_confirm = false;
  cluster.node("b").drain(cluster.now());
  cluster.pass(1'000);
  ASSERT_EQ(cluster["b"].deactivations.size(), 2U) << "so many at once";
  const CallId call = cluster.call("a", ids.back());
  ASSERT_EQ(cluster["b"].turns.size(), 1U);
  cluster.end_turns("b");
  EXPECT_EQ(cluster.answer("a", call)->outcome, Outcome::kApplied);
  for (int i = 0; i < 5; ++i) {
    cluster.confirm_deactivations("b");
    cluster.pass(100'000);
  }
  EXPECT_EQ(status("b").phase, Phase::kDrained);
}

// What ended for the drain ends for more than that now: others may hold the id, or the app is unhealthy.
TEST_F(Lifecycle, NoTurnGoesBeforeAnEndOnceTheDrainIsMoreThanADrain) {
  const std::map<std::string, std::function<void()>> causes = {
      {"declared dead",
       [this] {
         cluster.passes = [](const std::string& from, const std::string&, const PeerRequest&) { return from == "b"; };
         cluster.pass(8'000'000);
         ASSERT_EQ(cluster.node("b").counters().rejoins, 1U);
       }},
      {"uncordoned", [this] { cluster.node("b").uncordon(cluster.now()); }},
      {"unhealthy", [this] { cluster.node("b").app_down(cluster.now(), "503", true); }},
  };
  for (const auto& [name, happens] : causes) {
    cluster = Cluster();
    cluster.start("a");
    cluster.start("b");
    cluster.converge();
    const std::vector<ActorId> ids = activate_at_b(40);
    cluster.auto_confirm = false;
    cluster.node("b").drain(cluster.now());
    happens();
    cluster.call("b", ids.back());
    EXPECT_TRUE(cluster["b"].turns.empty()) << name;
  }
}

// Where the app says that it wants to be asked later, this host routes calls until then.
TEST_F(Lifecycle, AHostWhoseAppPutsTheInitialResetOffRoutesCalls) {
  cluster.start("a");
  cluster.converge();
  cluster.auto_confirm = false;
  cluster.start("b");
  ASSERT_EQ(cluster["b"].clean_slates.size(), 1U);
  cluster.confirm_deactivations("b", {Deactivated::Kind::kFailed, Duration(20'000'000), "503"});
  cluster.converge();
  const CallId call = cluster.call("b", 1);
  cluster.end_turns("a");
  ASSERT_NE(cluster.answer("b", call), nullptr);
  EXPECT_EQ(cluster.answer("b", call)->outcome, Outcome::kApplied);
  EXPECT_NE(status("b").phase, Phase::kReady);
}

// An app that is restarted is back soon: calls wait for it as they would at any other host.
TEST_F(Lifecycle, WithoutAnyOwnerACallWaitsForTheAppToComeBack) {
  cluster.start("a");
  cluster.converge();
  cluster.node("a").app_down(cluster.now(), "refused", false);
  const CallId call = cluster.call("a", 1);
  const CallId impatient = cluster.call("a", 2);
  cluster.pass(500'000);
  EXPECT_EQ(cluster.answer("a", call), nullptr);
  cluster.node("a").app_up(cluster.now());
  cluster.pass(500'000);
  cluster.end_turns("a");
  ASSERT_NE(cluster.answer("a", call), nullptr);
  EXPECT_EQ(cluster.answer("a", call)->outcome, Outcome::kApplied);
  ASSERT_NE(cluster.answer("a", impatient), nullptr);
  cluster.node("a").app_down(cluster.now(), "refused", false);
  const CallId in_vain = cluster.call("a", 1);
  cluster.pass(2'100'000);
  ASSERT_NE(cluster.answer("a", in_vain), nullptr);
  EXPECT_EQ(cluster.answer("a", in_vain)->reason, Reason::kAppDown);
}

TEST_F(Lifecycle, WhereNoHostHasAnApplicationEachIsNamedWithWhatItIs) {
  cluster.start("gateway", [](NodeConfig& config) { config.has_app = false; });
  cluster.start("b");
  cluster.start("c");
  cluster.converge();
  cluster.node("b").drain(cluster.now());
  cluster.crash("c");
  cluster.pass(5'000'000);
  const CallId call = cluster.call("gateway", 1);
  cluster.pass(3'000'000);
  const Answer* answer = cluster.answer("gateway", call);
  ASSERT_NE(answer, nullptr);
  EXPECT_EQ(answer->reason, Reason::kNoOwner);
  EXPECT_TRUE(answer->detail.starts_with("no host has an application on the ring: this host only routes; "))
      << answer->detail;
  EXPECT_NE(answer->detail.find("b is drained"), std::string::npos) << answer->detail;
  EXPECT_NE(answer->detail.find("c refused connections "), std::string::npos) << answer->detail;
}

}  // namespace
}  // namespace ringside::core
