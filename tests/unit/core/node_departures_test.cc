// Hosts that have gone: how that is known, how they are found again, and what becomes of calls meanwhile.
#include "tests/unit/core/names_fixture.h"

namespace ringside::core {
namespace {

struct Departures : Names {
  // "a" is started again, and carries out what the gateway has kept waiting.
  void expect_applied_once_a_is_back(CallId call, std::int64_t within_us) {
    cluster.start("a");
    cluster.node("a").discovered(cluster.now(), {"a"}, true);
    cluster.pass(within_us);
    EXPECT_EQ(cluster.end_turns("a"), 1);
    ASSERT_NE(cluster.answer("gateway", call), nullptr);
    EXPECT_EQ(cluster.answer("gateway", call)->outcome, Outcome::kApplied);
  }
};

TEST_F(Departures, HowAHostEndedIsKnown) {
  start("a", "a");
  start("b", "b");
  start("c", "c");
  list({"a", "b", "c"});
  cluster.crash("b");
  cluster.pass(2'000'000);
  EXPECT_EQ(cluster.node("a").fate_of("b").find("b refused connections 1."), 0U) << cluster.node("a").fate_of("b");
  cluster.stop("c");
  cluster.pass(2'000'000);
  EXPECT_EQ(cluster.node("a").fate_of("c").find("c has been silent for "), 0U) << cluster.node("a").fate_of("c");
  cluster.pass(2'000'000);
  EXPECT_EQ(cluster.node("a").fate_of("c").find("c has been silent for "), 0U) << cluster.node("a").fate_of("c");
  EXPECT_EQ(cluster.node("a").fate_of("nobody"), "");
}

// Gateways own nothing; the hosts that they know of are restarted one after the other, or all at once.
TEST_F(Departures, AHostThatEndedInOrderIsFoundAgainWithoutDiscovery) {
  cluster.start("gateway", [](NodeConfig& config) { config.has_app = false; });
  cluster.start("a");
  cluster.listed = {"a"};
  cluster.converge();
  cluster.discovery_answers = false;
  ASSERT_TRUE(ready("a") && ready("gateway"));
  cluster.node("a").drain(cluster.now());
  cluster.pass(500'000);
  cluster.node("a").close(cluster.now());
  cluster.pass(100'000);
  ASSERT_TRUE(cluster.node("gateway").ring().empty());
  const CallId waits = cluster.call("gateway", 1);
  EXPECT_EQ(cluster.answer("gateway", waits), nullptr) << "waits for --hold-timeout";
  cluster.crash("a");
  cluster.pass(300'000);
  expect_applied_once_a_is_back(waits, 1'200'000);
}

// The gateway has not heard yet that a ends: a has nobody to send the call to, but the gateway may soon.
TEST_F(Departures, ACallThatMeetsAHostAtItsEndGoesOnWaitingWhereItCameFrom) {
  cluster.start("gateway", [](NodeConfig& config) { config.has_app = false; });
  cluster.start("a");
  cluster.listed = {"a"};
  cluster.converge();
  cluster.passes = [](const std::string& from, const std::string& to, const PeerRequest&) {
    return from != "gateway" || to != "a";
  };
  cluster.node("a").drain(cluster.now());
  const CallId token = cluster.call("gateway", 1);
  cluster.pass(100'000);
  cluster.node("a").close(cluster.now());
  cluster.pass(100'000);
  EXPECT_EQ(cluster.answer("gateway", token), nullptr);
  EXPECT_EQ(cluster.node("gateway").counters().forwards, 1U) << "what is sent there again is lost when it exits";
  cluster.crash("a");
  cluster.passes = nullptr;
  expect_applied_once_a_is_back(token, 1'500'000);
}

TEST_F(Departures, ACallWithoutAnOwnerWaitsAsLongAsForAChange) {
  cluster.start("gateway", [](NodeConfig& config) { config.has_app = false; });
  cluster.converge();
  const CallId waits = cluster.call("gateway", 1);
  cluster.pass(1'900'000);
  EXPECT_EQ(cluster.answer("gateway", waits), nullptr);
  cluster.pass(200'000);
  ASSERT_NE(cluster.answer("gateway", waits), nullptr);
  EXPECT_EQ(cluster.answer("gateway", waits)->reason, Reason::kNoOwner);
  const CallId last = cluster.call("gateway", 1);
  cluster.node("gateway").close(cluster.now());
  cluster.pass(100'000);
  EXPECT_NE(cluster.answer("gateway", last), nullptr) << "nobody comes any more";
}

}  // namespace
}  // namespace ringside::core
