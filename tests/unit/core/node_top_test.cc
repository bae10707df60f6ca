// Which actors have the most to do: recorded while somebody looks.
#include <string>

#include "tests/unit/core/node_fixture.h"

namespace ringside::core {
namespace {

struct TopOfAHost : testing::Test {
  TopOfAHost() {
    cluster.start("a");
    cluster.converge();
  }
  Top look() { return cluster.node("a").top(cluster.now(), 10); }
  void call(ActorId id, std::int64_t turn_us) {
    cluster.call("a", id);
    cluster.pass(turn_us);
    cluster.end_turns("a");
  }

  Cluster cluster;
};

TEST_F(TopOfAHost, NothingIsRecordedBeforeSomebodyLooksNorAMinuteAfter) {
  call(1, 0);
  Top top = look();
  EXPECT_EQ(top.recorded, Duration(0));
  EXPECT_TRUE(top.busiest.actors.empty());
  call(1, 100'000);
  cluster.pass(59'000'000);
  top = look();
  ASSERT_EQ(top.busiest.actors.size(), 1U);
  EXPECT_EQ(top.busiest.total, 1U);
  EXPECT_EQ(top.recorded, Duration(59'100'000));
  cluster.pass(59'900'000);
  EXPECT_EQ(look().busiest.total, 1U) << "each look keeps it going";
  cluster.pass(60'200'000);
  EXPECT_EQ(look().busiest.total, 0U) << "it has ended meanwhile, and begins anew";
}

TEST_F(TopOfAHost, CallsTurnsAndWaitingAreToldWithWhatIsGoingOn) {
  look();
  for (int i = 0; i < 5; ++i) call(1, 0);
  call(2, 300'000);
  call(2, 100'000);
  // A turn that goes on, with two behind it.
  for (int i = 0; i < 3; ++i) cluster.call("a", 3);
  cluster.pass(1'000'000);
  Top top = look();
  ASSERT_EQ(top.busiest.actors.size(), 3U);
  EXPECT_EQ(top.busiest.actors[0].now.id, ActorId(1));
  EXPECT_EQ(top.busiest.actors[0].sum, 5U);
  EXPECT_EQ(top.busiest.total, 10U);
  ASSERT_GE(top.slowest.actors.size(), 2U);
  EXPECT_EQ(top.slowest.actors[0].now.id, ActorId(3)) << "also while it goes on";
  EXPECT_EQ(top.slowest.actors[0].sum, 1'000'000U);
  EXPECT_EQ(top.slowest.actors[0].times, 0U);
  EXPECT_TRUE(top.slowest.actors[0].now.busy);
  EXPECT_EQ(top.slowest.actors[0].now.waiting, 2U);
  EXPECT_EQ(top.slowest.actors[1].sum, 400'000U);
  EXPECT_EQ(top.slowest.actors[1].times, 2U);
  EXPECT_EQ(top.slowest.actors[1].largest, 300'000U);
  EXPECT_TRUE(top.most_waited.actors.empty());

  cluster.pass(1'000'000);
  cluster.end_turns("a");  // the second begins
  cluster.pass(500'000);
  top = look();
  EXPECT_EQ(top.slowest.actors[0].sum, 2'500'000U) << "no moment counts twice";
  EXPECT_EQ(top.slowest.actors[0].times, 1U);
  ASSERT_EQ(top.most_waited.actors.size(), 1U);
  EXPECT_EQ(top.most_waited.actors[0].sum, 2'000'000U);
  EXPECT_EQ(top.most_waited.actors[0].times, 1U);
  // The third gives up.
  cluster.pass(9'000'000);
  top = look();
  EXPECT_EQ(top.most_waited.actors[0].times, 2U);
  EXPECT_EQ(top.most_waited.actors[0].largest, 10'000'000U);
}

TEST_F(TopOfAHost, AnActorThatIsNotActiveAnyMoreIsToldAsThat) {
  look();
  call(1, 0);
  auto wish = [](Call& call) { call.kind = Call::Kind::kDeactivate; };
  cluster.call("a", 1, wish);
  const Top top = look();
  ASSERT_EQ(top.busiest.actors.size(), 1U);
  EXPECT_FALSE(top.busiest.actors[0].active);
  EXPECT_EQ(top.busiest.actors[0].now.id, ActorId(1));
}

}  // namespace
}  // namespace ringside::core
