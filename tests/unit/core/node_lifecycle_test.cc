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
  const Token token = cluster.call("a", id);
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

}  // namespace
}  // namespace ringside::core
