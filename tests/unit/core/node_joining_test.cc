// What becomes of a host that is taken for dead, or takes others for dead, in the midst of joining.
#include <utility>

#include "tests/unit/core/node_fixture.h"

namespace ringside::core {
namespace {

// Two serve, and a third joins. It cannot finish, as its Joins to "b" get lost until the test is over. (So do those to
// a host that cannot reach it: what is lost here is never answered, not even by a time-out.)
struct LongJoin : testing::Test {
  LongJoin() {
    cluster.start("a");
    cluster.start("b");
    cluster.converge();
    cluster.passes = [this](const std::string& from, const std::string& to, const PeerRequest& request) {
      const bool is_join = std::holds_alternative<JoinRequest>(request);
      const bool lost = from == "c" && is_join && (to == "b" || to == cut.first);
      return healed || (!lost && std::pair(from, to) != cut);
    };
    cluster.start("c");
    cluster.pass(300'000);
  }
  void finish() {
    healed = true;
    cluster.pass(5'000'000);
    for (const std::string host : {"a", "b", "c"}) {
      const Status status = cluster.node(host).status();
      EXPECT_EQ(status.phase, Phase::kReady) << host << ": " << status.not_ready_because;
      EXPECT_EQ(status.members, 3U) << host;
    }
  }
  Generation generation_of(const std::string& host) { return cluster.node(host).self().generation; }
  bool is_member(const std::string& viewer, const std::string& host) {
    for (const MemberStatus& one : cluster.node(viewer).members(cluster.now().mono)) {
      if (one.host == host && one.member) return true;
    }
    return false;
  }

  Cluster cluster;
  std::pair<std::string, std::string> cut;  // what the one sends to the other is lost
  bool healed = false;
};

// Where sixty start at once, many are too busy to answer in time. A new generation of each would be a new start for
// all.
TEST_F(LongJoin, AJoinerThatWasTakenForDeadIsTakenInAgainInTheSameGeneration) {
  const Generation before = generation_of("c");
  ASSERT_TRUE(is_member("a", "c"));
  cut = {"a", "c"};
  cluster.pass(4'000'000);
  ASSERT_FALSE(is_member("a", "c")) << "silent, as far as a can tell";
  finish();
  EXPECT_EQ(generation_of("c"), before);
}

TEST_F(LongJoin, AHostThatAJoinerTookForDeadGoesOnServing) {
  const Generation before = generation_of("a");
  ASSERT_TRUE(is_member("c", "a"));
  cut = {"c", "a"};
  cluster.pass(4'000'000);
  ASSERT_FALSE(is_member("c", "a"));
  finish();
  EXPECT_EQ(generation_of("a"), before);
  EXPECT_EQ(cluster.node("a").counters().rejoins, 0U);
}

// What it decided since rests on that death: whoever was taken for dead has to join anew.
TEST_F(LongJoin, ADeathStandsOnceTheJoinerHasJoined) {
  const Generation before = generation_of("c");
  finish();
  healed = false;
  cut = {"a", "c"};
  const auto others_hear_it = std::exchange(cluster.passes, [](const auto& from, const auto& to, const auto&) {
    return std::pair(from, to) != std::pair<std::string, std::string>("a", "c");
  });
  for (int steps = 0; steps < 1500 && is_member("a", "c"); ++steps) cluster.pass(10'000);
  ASSERT_FALSE(is_member("a", "c"));
  cluster.passes = others_hear_it;
  finish();
  EXPECT_GT(generation_of("c"), before);
}

}  // namespace
}  // namespace ringside::core
