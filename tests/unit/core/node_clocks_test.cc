// Hosts whose wall clocks are more than a minute apart are no cluster. Of two, nobody can tell whose is wrong; of more,
// the few are.
#include "tests/unit/core/node_fixture.h"

namespace ringside::core {
namespace {

constexpr std::int64_t kTwoMinutes = 120'000;

class Clocks : public ::testing::Test {
 protected:
  void start(const std::vector<std::string>& names) {
    for (const std::string& name : names) cluster.start(name);
    cluster.converge();
    cluster.pass(30'000'000);
  }
  bool ready(const std::string& name) { return cluster.node(name).status().phase == Phase::kReady; }
  std::string why(const std::string& name) { return cluster.node(name).status().not_ready_because; }

  Cluster cluster;
};

TEST_F(Clocks, OneThatIsBehindMostDoesNotServeBesideThem) {
  cluster.wall_ahead_ms["slow"] = -kTwoMinutes;
  start({"a", "b", "slow"});
  EXPECT_TRUE(ready("a")) << why("a");
  EXPECT_TRUE(ready("b")) << why("b");
  EXPECT_FALSE(ready("slow"));
  EXPECT_NE(why("slow").find("2 hosts are more than a minute ahead"), std::string::npos) << why("slow");
}

TEST_F(Clocks, OneThatIsAheadOfMostDoesNotServeBesideThem) {
  cluster.wall_ahead_ms["fast"] = kTwoMinutes;
  start({"a", "b", "fast"});
  EXPECT_TRUE(ready("a") && ready("b")) << why("a") << why("b");
  EXPECT_FALSE(ready("fast"));
  EXPECT_NE(why("fast").find("the clock of fast"), std::string::npos) << why("fast");
}

TEST_F(Clocks, OneThatServedAloneStopsWhenMostTurnOutToBeAhead) {
  cluster.wall_ahead_ms["slow"] = -kTwoMinutes;
  start({"slow"});
  EXPECT_TRUE(ready("slow"));
  start({"a"});
  EXPECT_TRUE(ready("slow"));
  EXPECT_FALSE(ready("a")) << "of two, nobody knows whose clock is wrong: the one that serves goes on";
  start({"b"});
  EXPECT_FALSE(ready("slow"));
  EXPECT_TRUE(ready("a") && ready("b")) << why("a") << why("b");
}

TEST_F(Clocks, ANewHostJoinsBesideOneThatIsBehind) {
  cluster.wall_ahead_ms["slow"] = -kTwoMinutes;
  start({"a", "b", "slow"});
  start({"c"});
  EXPECT_TRUE(ready("c")) << why("c");
  EXPECT_EQ(cluster.node("a").ring().hosts(), (std::vector<std::string>{"a", "b", "c"}));
}

TEST_F(Clocks, OneWhoseClockIsPutRightJoins) {
  cluster.wall_ahead_ms["slow"] = -kTwoMinutes;
  start({"a", "b", "slow"});
  cluster.wall_ahead_ms.clear();
  cluster.pass(15'000'000);
  EXPECT_TRUE(ready("slow")) << why("slow");
  EXPECT_EQ(cluster.node("a").ring().hosts().size(), 3U);
}

// A running cluster is not held up by a few who say that it is next year.
TEST_F(Clocks, AFewThatAreAheadChangeNothing) {
  start({"a", "b", "c"});
  for (const char* name : {"x", "y"}) cluster.wall_ahead_ms[name] = 365LL * 86'400'000;
  start({"x", "y"});
  for (const char* name : {"a", "b", "c"}) EXPECT_TRUE(ready(name)) << why(name);
  EXPECT_FALSE(ready("x") || ready("y"));
}

// The clock of one jumps while it runs, and the others are started anew: they are the right ones.
TEST_F(Clocks, OneThatJumpsWhileItRunsHoldsUpNobody) {
  for (const std::int64_t jump : {-3'600'000LL, 3'600'000LL, -86'400'000LL}) {
    Cluster fresh;
    const auto ready_there = [&](const std::string& name) { return fresh.node(name).status().phase == Phase::kReady; };
    for (const char* name : {"a", "b", "c"}) fresh.start(name);
    fresh.converge();
    fresh.pass(20'000'000);
    fresh.wall_ahead_ms["c"] = jump;
    fresh.pass(5'000'000);
    for (const char* name : {"a", "b"}) fresh.crash(name);
    fresh.pass(1'000'000);
    for (const char* name : {"a", "b"}) fresh.start(name);
    fresh.converge();
    fresh.pass(10'000'000);
    for (const char* name : {"a", "b", "c"}) {
      EXPECT_TRUE(ready_there(name)) << name << " after " << jump << ": "
                                     << fresh.node(name).status().not_ready_because;
    }
    fresh.crash("a");
    fresh.pass(1'000'000);
    fresh.start("a");
    fresh.converge();
    fresh.pass(10'000'000);
    EXPECT_TRUE(ready_there("a")) << "one by one as well: " << fresh.node("a").status().not_ready_because;
    fresh.crash("c");
    fresh.pass(1'000'000);
    fresh.start("c");
    fresh.converge();
    fresh.pass(10'000'000);
    EXPECT_TRUE(ready_there("a") && ready_there("b")) << jump;
    EXPECT_FALSE(ready_there("c")) << "it starts with a clock that is wrong";
    for (const char* name : {"a", "b"}) fresh.crash(name);
    fresh.pass(3'000'000);
    for (const char* name : {"a", "b"}) fresh.start(name);
    fresh.converge();
    fresh.pass(14'000'000);
    EXPECT_TRUE(ready_there("a") && ready_there("b"))
        << jump << " " << fresh.node("a").status().not_ready_because << fresh.node("b").status().not_ready_because;
  }
}

// It serves, and cannot be told: the right ones do not wait for ever.
TEST_F(Clocks, AFewThatAreBehindAndGoOnServingHoldUpNobodyForLong) {
  cluster.wall_ahead_ms["slow"] = -kTwoMinutes;
  start({"slow"});
  ASSERT_TRUE(ready("slow"));
  cluster.passes = [](const std::string& from, const std::string& to, const PeerRequest&) {
    return from != "slow" || to == "slow";
  };
  for (const char* name : {"a", "b"}) cluster.start(name);
  cluster.converge();
  cluster.pass(5'000'000);
  EXPECT_FALSE(ready("a") || ready("b")) << "it may still stop";
  cluster.pass(15'000'000);
  EXPECT_TRUE(ready("a") && ready("b")) << why("a") << why("b");
}

// Members that have been asleep together, as virtual machines on a laptop: all their clocks jump.
TEST_F(Clocks, OneThatStartsAfterAllClocksHaveJumpedJoins) {
  start({"a", "b", "c"});
  for (const char* name : {"a", "b", "c", "d"}) cluster.wall_ahead_ms[name] = 8 * 3'600'000;
  start({"d"});
  EXPECT_TRUE(ready("d")) << why("d");
  EXPECT_EQ(cluster.node("a").ring().hosts().size(), 4U);
}

}  // namespace
}  // namespace ringside::core
