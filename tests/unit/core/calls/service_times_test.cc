#include "sidecar/core/calls/service_times.h"

#include <gtest/gtest.h>

#include "tests/unit/core/node_fixture.h"

namespace ringside::core {
namespace {

Instant at(int ms) { return Instant(Duration(ms * 1000)); }

TEST(ServiceTimes, KnowsNothingBeforeItHasSeenEnough) {
  ServiceTimes times;
  times.took(1, Duration(100'000), at(0));
  times.took(1, Duration(100'000), at(0));
  EXPECT_EQ(times.of_one(1), Duration::zero()) << "nobody waits, no need";
  times.joined(1, at(0));
  times.took(1, Duration(120'000), at(0));
  EXPECT_EQ(times.of_one(1), Duration::zero());
  times.took(1, Duration(100'000), at(0));
  EXPECT_EQ(times.of(1, 10), Duration(1'000'000));
  EXPECT_EQ(times.of_one(2), Duration::zero());
}

TEST(ServiceTimes, OneLongWaitIsNotItsPaceAndAChangeIsFollowed) {
  ServiceTimes times;
  times.joined(1, at(0));
  for (int i = 0; i < 40; ++i) times.took(1, Duration(i % 8 == 3 ? 5'000'000 : 10'000), at(i));
  EXPECT_EQ(times.of_one(1), Duration(10'000));
  for (int i = 0; i < 16; ++i) times.took(1, Duration(200'000), at(i));
  EXPECT_EQ(times.of_one(1), Duration(200'000));
  times.took(1, Duration(3'000), at(0));
  EXPECT_EQ(times.of_one(1), Duration(3'000));
}

TEST(ServiceTimes, ForgetsLinesThatAreOver) {
  ServiceTimes times;
  for (int i = 1; i <= 100'000; ++i) times.joined(ActorId(std::uint64_t(i)), at(i));
  EXPECT_LT(times.size(), 25'000U);
}

class Overload : public ::testing::Test {
 protected:
  CallId call(const std::string& host, ActorId id, std::int64_t patience_us) {
    return cluster.call(host, id, [&](Call& call) { call.deadline = cluster.now().mono + Duration(patience_us); });
  }
  bool refused(const std::string& host, CallId token) {
    const Answer* answer = cluster.answer(host, token);
    return answer != nullptr && answer->outcome == Outcome::kOverloaded && answer->reason == Reason::kActorQueueFull;
  }
  // Turns of 100 ms, one after the other.
  void work(int turns) {
    for (int i = 0; i < turns; ++i) {
      cluster.pass(100'000);
      ASSERT_EQ(cluster.end_turns(owner), 1);
    }
  }
  Cluster cluster;
  std::string owner = "a";
};

TEST_F(Overload, ACallWhoseTurnWouldComeTooLateIsRefusedAtOnce) {
  cluster.start("a");
  cluster.converge();
  for (int i = 0; i < 40; ++i) call("a", 1, 60'000'000);
  work(16);
  EXPECT_EQ(cluster.node("a").status().turns_waiting, 23U);
  EXPECT_TRUE(refused("a", call("a", 1, 1'000'000)));
  const CallId patient = call("a", 1, 10'000'000);
  EXPECT_EQ(cluster.answer("a", patient), nullptr);
  EXPECT_EQ(cluster.answer("a", call("a", 2, 1'000'000)), nullptr) << "another actor has a queue of its own";
  cluster.end_turns("a");
}

// In a queue that is worked off in order, all calls age alike: turns for those whose time is nearly over would be lost,
// and soon no call would succeed at all.
TEST_F(Overload, NoTurnIsWastedOnACallThatCannotEndInTime) {
  cluster.start("a");
  cluster.converge();
  int succeeded = 0, turns = 0;
  std::vector<CallId> all;
  for (int step = 0; step < 200; ++step) {
    // Every 100 ms one turn ends and five calls come, each with a second to spare.
    for (int i = 0; i < 5; ++i) all.push_back(call("a", 1, 1'000'000));
    cluster.pass(100'000);
    turns += cluster.end_turns("a");
  }
  for (const CallId one : all) {
    const Answer* answer = cluster.answer("a", one);
    succeeded += answer != nullptr && answer->outcome == Outcome::kApplied ? 1 : 0;
  }
  EXPECT_EQ(turns, 200);
  EXPECT_GT(succeeded, 180);
}

TEST_F(Overload, WhereTheActorIsElsewhereTheLineIsHere) {
  for (const char* name : {"a", "b"}) cluster.start(name);
  cluster.converge();
  owner = "b";
  const ActorId id = cluster.id_of("a", "b");
  for (int i = 0; i < 40; ++i) call("a", id, 60'000'000);
  work(16);
  EXPECT_TRUE(refused("a", call("a", id, 1'000'000)));
  EXPECT_EQ(cluster.answer("a", call("a", id, 10'000'000)), nullptr);
}

}  // namespace
}  // namespace ringside::core
