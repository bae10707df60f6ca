#include "tests/unit/core/node_fixture.h"

namespace ringside::core {
namespace {

class Routing : public ::testing::Test {
 protected:
  void start(const std::vector<std::string>& names) {
    for (const std::string& name : names) cluster.start(name);
    cluster.converge();
  }
  // One call that is applied on `owner`.
  void touch(const std::string& at, ActorId id, const std::string& owner) {
    const CallId token = cluster.call(at, id);
    ASSERT_EQ(cluster.end_turns(owner), 1);
    ASSERT_NE(cluster.answer(at, token), nullptr);
    EXPECT_EQ(cluster.answer(at, token)->outcome, Outcome::kApplied);
    EXPECT_EQ(cluster.answer(at, token)->holder, owner);
  }

  Cluster cluster;
};

TEST_F(Routing, ACallGoesToTheRingOwnerWhereverItCameIn) {
  start({"a", "b", "c"});
  const ActorId id = cluster.id_of("a", "b");
  for (const char* at : {"a", "b", "c"}) touch(at, id, "b");
  EXPECT_EQ(cluster.node("b").where(id).rule, "claim");
  EXPECT_EQ(cluster.node("a").where(id).holder, "b");
}

TEST_F(Routing, AClaimSticksWhenAJoinerBecomesTheRingOwner) {
  start({"a", "b"});
  std::vector<ActorId> moved;
  for (ActorId id = 1; id <= 60; ++id) {
    cluster.call("a", id);
    cluster.end_turns("a");
    cluster.end_turns("b");
  }
  cluster.start("c");
  cluster.converge();
  int displaced = 0;
  for (ActorId id = 1; id <= 60; ++id) {
    if (*cluster.node("c").ring().owner(id) != "c") continue;
    ++displaced;
    const Placement place = cluster.node("c").where(id);
    EXPECT_EQ(place.rule, "stray");
    touch("c", id, place.holder);
  }
  EXPECT_GT(displaced, 0);
  EXPECT_EQ(cluster.node("c").status().actors, 0U);
}

TEST_F(Routing, OnlyIdsOfAGainedRangeWait) {
  start({"a", "b", "c"});
  const ActorId kept = cluster.id_of("a", "a");
  ActorId gained = 1;
  while (*cluster.node("a").ring().owner(gained) != "c" || *cluster.node("a").ring().without("c")->owner(gained) != "a")
    ++gained;
  cluster.passes = [](const std::string&, const std::string&, const PeerRequest& request) {
    return !std::holds_alternative<InventoryRequest>(request);
  };
  cluster.crash("c");
  cluster.pass(600'000);
  const CallId waits = cluster.call("a", gained);
  touch("a", kept, "a");
  EXPECT_EQ(cluster.answer("a", waits), nullptr);
  EXPECT_EQ(cluster.node("a").status().held, 1U);
  cluster.passes = nullptr;
  cluster.pass(800'000);  // what is not answered is asked again ever later
  EXPECT_EQ(cluster.end_turns("a"), 1);
  EXPECT_EQ(cluster.answer("a", waits)->outcome, Outcome::kApplied);
}

// Sent, it would end "unknown" when the host is taken for dead; held, it goes to the next owner.
TEST_F(Routing, ACallWaitsForAHostThatIsSilent) {
  start({"a", "b", "c"});
  const ActorId of_b = cluster.id_of("a", "b");
  const ActorId of_c = cluster.id_of("a", "c");
  touch("a", of_b, "b");
  cluster.stop("b");
  cluster.pass(1'500'000);
  const CallId held = cluster.call("a", of_b);
  EXPECT_TRUE(cluster["b"].turns.empty());
  touch("a", of_c, "c");
  cluster.pass(1'500'000);
  EXPECT_EQ(cluster.end_turns("a") + cluster.end_turns("c"), 1);
  ASSERT_NE(cluster.answer("a", held), nullptr);
  EXPECT_EQ(cluster.answer("a", held)->outcome, Outcome::kApplied);
}

TEST_F(Routing, ACallForASilentHostGoesThereWhenItIsHeardAgain) {
  start({"a", "b", "c"});
  const ActorId id = cluster.id_of("a", "b");
  cluster.stop("b");
  cluster.pass(1'500'000);
  const CallId held = cluster.call("a", id);
  EXPECT_EQ(cluster.node("a").status().held, 1U);
  cluster.go_on("b");
  cluster.pass(600'000);
  EXPECT_EQ(cluster.end_turns("b"), 1);
  ASSERT_NE(cluster.answer("a", held), nullptr);
  EXPECT_EQ(cluster.answer("a", held)->outcome, Outcome::kApplied);
}

TEST_F(Routing, AHeldCallIsGivenUpAfterTheHoldTimeout) {
  start({"a", "b"});
  cluster.passes = [](const std::string&, const std::string&, const PeerRequest& request) {
    return !std::holds_alternative<InventoryRequest>(request);
  };
  cluster.start("c");
  cluster.converge();
  const ActorId of_joiner = cluster.id_of("a", "c");
  const CallId token = cluster.call("a", of_joiner);
  EXPECT_EQ(cluster.answer("a", token), nullptr);
  cluster.pass(12'000'000);
  ASSERT_NE(cluster.answer("a", token), nullptr);
  EXPECT_NE(cluster.answer("a", token)->outcome, Outcome::kApplied);
}

TEST_F(Routing, ADrainingHostHandsOverAndLosesNoCall) {
  start({"a", "b"});
  const ActorId id = cluster.id_of("a", "b");
  touch("a", id, "b");
  cluster.auto_confirm = false;
  cluster.node("b").drain(cluster.now());
  cluster.pass(100'000);
  const CallId held = cluster.call("b", id);
  EXPECT_EQ(cluster.answer("b", held), nullptr) << "held while the actor is being deactivated";
  cluster.confirm_deactivations("b");
  cluster.pass(300'000);
  EXPECT_EQ(cluster.end_turns("a"), 1);
  ASSERT_NE(cluster.answer("b", held), nullptr);
  EXPECT_EQ(cluster.answer("b", held)->outcome, Outcome::kApplied);
  EXPECT_EQ(cluster["b"].drained, 1);
  EXPECT_EQ(cluster.node("b").status().phase, Phase::kDrained);
  const CallId routed = cluster.call("b", id);
  EXPECT_EQ(cluster.end_turns("a"), 1);
  EXPECT_EQ(cluster.answer("b", routed)->outcome, Outcome::kApplied) << "drained, it still routes";
}

TEST_F(Routing, AnIdempotentRepeatIsAnsweredFromTheWindowEvenAfterAMove) {
  start({"a", "b"});
  const ActorId id = cluster.id_of("a", "b");
  const auto keyed = [](Call& call) { call.idempotency_key = "k1"; };
  cluster.call("a", id, keyed);
  ASSERT_EQ(cluster.end_turns("b"), 1);
  const CallId repeat = cluster.call("a", id, keyed);
  EXPECT_EQ(cluster.end_turns("b"), 0);
  EXPECT_EQ(cluster.answer("a", repeat)->outcome, Outcome::kApplied);
  cluster.node("b").drain(cluster.now());
  cluster.pass(500'000);
  const CallId moved = cluster.call("a", id, keyed);
  EXPECT_EQ(cluster.end_turns("a"), 0) << "the window moved along";
  ASSERT_NE(cluster.answer("a", moved), nullptr);
  EXPECT_EQ(cluster.answer("a", moved)->outcome, Outcome::kApplied);
}

// a drains while c joins, which owns an id then and is told what a has answered for it. c ends before it has begun: b,
// which owns the id without it, must know as much.
TEST_F(Routing, WhatAJoinerWasToldIsKnownToWhoeverOwnsWithoutIt) {
  start({"a", "b"});
  const auto keyed = [](Call& call) { call.idempotency_key = "k1"; };
  for (ActorId id = 1; id <= 64; ++id) cluster.call("a", id, keyed);
  while (cluster.end_turns("a") + cluster.end_turns("b") > 0) continue;
  cluster.passes = [](const std::string& from, const std::string&, const PeerRequest& request) {
    return from != "c" || !std::holds_alternative<InventoryRequest>(request);  // so that it does not get to be ready
  };
  cluster.start("c");
  cluster.converge();
  const auto moved = [&] {
    for (ActorId id = 1; id <= 64; ++id) {
      if (cluster.node("a").where(id).rule == "claim" && *cluster.node("b").ring().owner(id) == "c") return id;
    }
    return ActorId{0};
  }();
  ASSERT_NE(moved, ActorId());
  cluster.node("a").drain(cluster.now());
  cluster.pass(1'000'000);
  ASSERT_EQ(cluster.node("a").status().phase, Phase::kDrained);
  ASSERT_EQ(cluster.node("c").status().phase, Phase::kJoining);
  cluster.crash("c");
  cluster.crash("a");
  cluster.pass(1'000'000);
  const CallId repeat = cluster.call("b", moved, keyed);
  EXPECT_EQ(cluster.end_turns("b"), 0) << "it has been carried out";
  ASSERT_NE(cluster.answer("b", repeat), nullptr);
  EXPECT_TRUE(cluster.answer("b", repeat)->replayed);
}

TEST_F(Routing, ACallForAnotherRunIsSurelyNotDelivered) {
  start({"a"});
  for (const auto& target : {Target{"other", 1, "default", 0}, Target{"a", 1, "default", 0}, Target{"a", 0, "x", 0}}) {
    const CallId token = cluster.call("a", 1, [&](Call& call) {
      call.origin = Origin::kPeer;
      call.hops = 1;
      call.target = target;
    });
    ASSERT_NE(cluster.answer("a", token), nullptr);
    EXPECT_EQ(cluster.answer("a", token)->outcome, Outcome::kNotDelivered);
    EXPECT_EQ(cluster.answer("a", token)->reason, Reason::kWrongTarget);
  }
}

TEST_F(Routing, ANamedActivationIsServedOrNotMineButNeverRoutedOn) {
  start({"a", "b"});
  const ActorId id = cluster.id_of("a", "a");
  const CallId token = cluster.call("a", id, [&](Call& call) {
    call.origin = Origin::kPeer;
    call.hops = 1;
    call.target = Target{"a", cluster.node("a").status().generation, "default", 12345};
  });
  ASSERT_NE(cluster.answer("a", token), nullptr);
  EXPECT_EQ(cluster.answer("a", token)->reason, Reason::kNotMine);
  EXPECT_EQ(cluster.node("a").status().actors, 0U);
}

TEST_F(Routing, HopsAreLimited) {
  start({"a", "b"});
  const CallId token = cluster.call("a", cluster.id_of("a", "b"), [](Call& call) {
    call.origin = Origin::kPeer;
    call.hops = 8;
  });
  ASSERT_NE(cluster.answer("a", token), nullptr);
  EXPECT_EQ(cluster.answer("a", token)->reason, Reason::kHopLimit);
}

TEST_F(Routing, LocalCallsOfOneIdStayInOrderAcrossAMove) {
  start({"a", "b"});
  const ActorId id = cluster.id_of("a", "b");
  std::vector<CallId> tokens;
  for (int i = 0; i < 3; ++i) {
    tokens.push_back(cluster.call("a", id, [i](Call& call) { call.request = std::to_string(i); }));
  }
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(cluster["b"].turns.size(), 1U);
    EXPECT_EQ(std::get<std::string>(cluster["b"].turns[0].call->request), std::to_string(i));
    cluster.end_turns("b");
  }
  for (const CallId token : tokens) EXPECT_EQ(cluster.answer("a", token)->outcome, Outcome::kApplied);
}

TEST_F(Routing, AClaimOfALegacyHostIsRoutedToItAndOursIsNotOverwritten) {
  start({"a"});
  cluster.call("a", 5);
  cluster.end_turns("a");
  Node& a = cluster.node("a");
  // A legacy host introduces itself: it is pinged, negotiated with, and asked for its ids.
  a.peer_asked(cluster.now(), ReplyId(1), {}, "10.0.0.9", NegotiateRequest{{"10.0.0.9"}, "", 0});
  std::vector<AnswerPeer> answers;
  const auto answer_as_legacy = [&] {
    for (Effects effects = a.take_effects(); !effects.empty(); effects = a.take_effects()) {
      for (Effect& effect : effects) {
        if (auto* question = std::get_if<AskPeer>(&effect)) {
          PeerAnswer says = AckAnswer{true, "", {}};
          if (std::holds_alternative<PingRequest>(question->request)) {
            PingAnswer legacy;
            legacy.host = "10.0.0.9";
            says = legacy;
          }
          if (std::holds_alternative<NegotiateRequest>(question->request)) says = NegotiateAnswer{{"10.0.0.9"}, "", 0};
          if (std::holds_alternative<IdsRequest>(question->request)) says = IdsAnswer{{7, 8}};
          a.peer_answered(cluster.now(), question->token, says);
        } else if (auto* says = std::get_if<AnswerPeer>(&effect)) {
          answers.push_back(*says);
        }
      }
    }
  };
  answer_as_legacy();
  ASSERT_EQ(a.status().members, 2U);
  OwnershipRequest claims{"10.0.0.9", 0, {{5, 0}, {9, 0}}};
  answers.clear();
  a.peer_asked(cluster.now(), ReplyId(2), {}, "10.0.0.9", claims);
  answer_as_legacy();
  ASSERT_EQ(answers.size(), 1U);
  const auto& ack = std::get<AckAnswer>(answers[0].answer);
  EXPECT_FALSE(ack.accepted);
  ASSERT_EQ(ack.rejected.size(), 1U);
  EXPECT_EQ(ack.rejected[0].id, ActorId(5));
  EXPECT_EQ(ack.rejected[0].holder, "a");
  EXPECT_NE(ack.message.find("a"), std::string::npos);
  if (*a.ring().owner(9) == "a") {
    EXPECT_EQ(a.where(9).holder, "10.0.0.9");
  }
  // Somebody else who says the same is not heard.
  a.peer_asked(cluster.now(), ReplyId(3), {}, "10.0.0.66", OwnershipRequest{"10.0.0.9", 0, {{11, 0}}});
  answers.clear();
  answer_as_legacy();
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_FALSE(std::get<AckAnswer>(answers[0].answer).accepted);
}

}  // namespace
}  // namespace ringside::core
