// --peer-apply own: hosts whose peers keep another ring.
#include "tests/unit/core/node_fixture.h"

namespace ringside::core {
namespace {

class Adoption : public ::testing::Test {
 protected:
  Adoption() {
    for (const char* name : {"a", "b", "c"}) {
      cluster.start(name, [](NodeConfig& config) { config.peer_apply_own = true; });
    }
    cluster.converge();
  }

  // From a peer that speaks the given protocol only, and takes this host for the owner.
  CallId call(const std::string& at, ActorId id) {
    return cluster.call(at, id, [](Call& call) { call.origin = Origin::kPeer; });
  }
  void expect_applied(const std::string& at, CallId token) {
    ASSERT_NE(cluster.answer(at, token), nullptr);
    EXPECT_EQ(cluster.answer(at, token)->outcome, Outcome::kApplied);
  }

  Cluster cluster;
};

TEST_F(Adoption, WhatNobodyHoldsIsTakenAndItsRingOwnerKnows) {
  const ActorId id = cluster.id_of("a", "b");
  const CallId token = call("a", id);
  ASSERT_EQ(cluster.end_turns("a"), 1);
  expect_applied("a", token);
  EXPECT_EQ(cluster.node("b").where(id).holder, "a");
  EXPECT_EQ(cluster.node("b").where(id).rule, "stray");
  for (const char* at : {"b", "c"}) {
    const CallId local = cluster.call(at, id);
    ASSERT_EQ(cluster.end_turns("a"), 1) << at;
    expect_applied(at, local);
  }
}

TEST_F(Adoption, WhatAnotherHoldsStaysThere) {
  const ActorId of_b = cluster.id_of("a", "b");
  cluster.call("c", of_b);
  ASSERT_EQ(cluster.end_turns("b"), 1);
  const CallId token = call("a", of_b);
  ASSERT_EQ(cluster.end_turns("b"), 1);
  EXPECT_TRUE(cluster["a"].turns.empty());
  expect_applied("a", token);

  const ActorId adopted = cluster.id_of("a", "b", of_b.next());
  call("a", adopted);
  ASSERT_EQ(cluster.end_turns("a"), 1);
  const CallId second = call("c", adopted);
  ASSERT_EQ(cluster.end_turns("a"), 1) << "the first claim wins";
  EXPECT_TRUE(cluster["c"].turns.empty());
  expect_applied("c", second);
}

TEST_F(Adoption, TheEpochGrowsWhereTheActorComesBack) {
  const ActorId id = cluster.id_of("a", "b");
  call("a", id);
  const Epoch first = cluster["a"].turns.at(0).epoch;
  cluster.end_turns("a");
  cluster.node("a").drain(cluster.now());
  cluster.pass(500'000);
  cluster.call("b", id);
  ASSERT_EQ(cluster["b"].turns.size(), 1U);
  EXPECT_GT(cluster["b"].turns[0].epoch, first);
}

TEST_F(Adoption, WithoutTheRingOwnersWordNothingIsTaken) {
  const ActorId id = cluster.id_of("a", "b");
  cluster.passes = [](const std::string&, const std::string&, const PeerRequest& request) {
    return !std::holds_alternative<OwnershipRequest>(request);
  };
  const CallId token = call("a", id);
  cluster.pass(2'500'000);
  EXPECT_TRUE(cluster["a"].turns.empty());
  ASSERT_NE(cluster.answer("a", token), nullptr);
  EXPECT_EQ(cluster.answer("a", token)->outcome, Outcome::kNotDelivered);
}

// Otherwise its ring owner would take it for ended, and claim it itself.
TEST_F(Adoption, ACallThatOvertakesTheGrantWaitsForIt) {
  const ActorId id = cluster.id_of("a", "b");
  Epoch asked = 0;
  cluster.passes = [&](const std::string&, const std::string&, const PeerRequest& request) {
    const auto* claims = std::get_if<OwnershipRequest>(&request);
    if (claims != nullptr) asked = claims->claims.front().epoch;
    return claims == nullptr;
  };
  call("a", id);
  ASSERT_NE(asked, Epoch());
  const auto sent_on = [&](Epoch epoch) {
    return cluster.call("a", id, [&](Call& call) {
      call.origin = Origin::kPeer;
      call.hops = 1;
      call.target = Target{"a", cluster.node("a").status().generation, "default", epoch};
    });
  };
  EXPECT_EQ(cluster.answer("a", sent_on(asked)), nullptr);
  const CallId of_another = sent_on(asked.next());
  ASSERT_NE(cluster.answer("a", of_another), nullptr);
  EXPECT_EQ(cluster.answer("a", of_another)->reason, Reason::kNotMine);
}

TEST_F(Adoption, WhatEndedWithTheAppIsAtItsRingOwnerAgain) {
  const ActorId id = cluster.id_of("a", "b");
  const CallId token = call("a", id);
  ASSERT_EQ(cluster["a"].turns.size(), 1U);
  cluster.end_turns("a");
  expect_applied("a", token);
  cluster.node("a").app_restarted(cluster.now());
  cluster.pass(300'000);
  const CallId local = cluster.call("b", id);
  cluster.pass(300'000);
  EXPECT_EQ(cluster.end_turns("b"), 1);
  expect_applied("b", local);
}

}  // namespace
}  // namespace ringside::core
