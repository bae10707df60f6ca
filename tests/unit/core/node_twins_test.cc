// Two hosts of one name: nobody can tell them apart, so neither serves beside the other.
#include "tests/unit/core/names_fixture.h"

namespace ringside::core {
namespace {

using Twins = Names;

TEST_F(Twins, TheSameNameTwiceKeepsBothFromServing) {
  start("twin", "10.0.0.1");
  cluster.impostors["10.0.0.2"] = 7;  // another host of that name, of generation 7
  list({"10.0.0.1", "10.0.0.2"});
  cluster.pass(60'000'000);
  expect_held_up("twin", "10.0.0.2: it answers with this host's own name, twin: set another --host");
  cluster.impostors.clear();
  cluster.pass(3'000'000);
  EXPECT_TRUE(ready("twin")) << "the other has gone: " << why("twin");
}

// Nobody lists the other one: this host's own name leads there.
TEST_F(Twins, AnOwnNameThatLeadsToAnotherHostOfThatNameKeepsItFromServing) {
  cluster.impostors["twin"] = 7;
  cluster.listed = {"twin"};
  cluster.start("twin");
  cluster.converge();
  cluster.pass(10'000'000);
  expect_held_up("twin", "twin: it answers with this host's own name, twin: set another --host");
  cluster.impostors.clear();
  cluster.pass(3'000'000);
  EXPECT_TRUE(ready("twin")) << "the other has gone: " << why("twin");
}

TEST_F(Twins, OneThatIsAskedByAnotherOfItsNameStops) {
  cluster.start("twin");
  cluster.converge();
  ASSERT_TRUE(ready("twin"));
  // Its run began after the first one of this host, which begins another when it hears of it.
  const Sender other{"twin", cluster.node("twin").self().generation.next(), "default", 0};
  const auto ask = [&] { cluster.node("twin").peer_asked(cluster.now(), ReplyId(99), other, "", PingRequest{}); };
  for (int second = 0; second < 10; ++second) {
    ask();
    cluster.pass(1'000'000);
  }
  expect_held_up("twin", "another host calls itself twin too: set another --host");
  cluster.pass(4'000'000);
  EXPECT_TRUE(ready("twin")) << "the other has gone: " << why("twin");
  cluster.start("a");
  cluster.converge();
  ASSERT_TRUE(ready("a"));
  ask();
  cluster.pass(1'000'000);
  EXPECT_TRUE(ready("twin")) << "it has a member, which knows it by that name";
}

TEST_F(Twins, AnOwnNameThatLeadsNowhereHoldsNobodyUp) {
  cluster.unresolved = {{"a", "a"}};
  cluster.addresses["10.0.0.1"] = "a";
  cluster.listed = {"10.0.0.1"};
  cluster.start("a");
  cluster.converge();
  EXPECT_TRUE(ready("a")) << why("a");
}

TEST_F(Twins, OneThatServedAloneStopsWhereAnotherHasItsName) {
  start("twin", "10.0.0.1");
  list({"10.0.0.1", "10.0.0.2"});
  ASSERT_TRUE(ready("twin"));
  cluster.impostors["10.0.0.2"] = 7;
  cluster.pass(3'000'000);
  expect_held_up("twin", "own name");
}

TEST_F(Twins, AMemberGoesOnWhereAnotherComesWithItsName) {
  start("a", "a");
  start("twin", "twin");
  list({"a", "twin", "10.0.0.2"});
  ASSERT_TRUE(ready("a") && ready("twin"));
  cluster.impostors["10.0.0.2"] = 7;
  cluster.pass(10'000'000);
  EXPECT_TRUE(ready("a") && ready("twin"));
}

TEST_F(Twins, NobodyFoundsBesideTwoHostsOfOneName) {
  start("a", "a");
  start("twin", "10.0.0.1");
  cluster.addresses["twin"] = "twin";
  cluster.impostors["10.0.0.2"] = 7;
  list({"a", "10.0.0.1", "10.0.0.2"});
  cluster.pass(60'000'000);
  expect_held_up("a", "10.0.0.2 answers as twin, and so does another host: set another --host");
  cluster.impostors.clear();
  cluster.pass(5'000'000);
  EXPECT_TRUE(ready("a") && ready("twin")) << why("a") << why("twin");
}

TEST_F(Twins, ANameThatMovesToAnotherAddressIsAnOrdinaryRestart) {
  start("pod", "10.0.0.1");
  start("a", "a");
  list({"a", "10.0.0.1"});
  ASSERT_TRUE(ready("a") && ready("pod"));
  cluster.crash("pod");
  cluster.addresses.erase("10.0.0.1");
  start("pod", "10.0.0.5");
  list({"a", "10.0.0.5"});
  cluster.pass(5'000'000);
  EXPECT_TRUE(ready("a") && ready("pod")) << why("a") << why("pod");
  EXPECT_EQ(cluster.node("a").ring().hosts().size(), 2U);
}

}  // namespace
}  // namespace ringside::core
