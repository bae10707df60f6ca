// What this host and a legacy one, known by its address, tell one another of actors.
#include "tests/unit/core/legacy_fixture.h"

namespace ringside::core {
namespace {

constexpr const char* kIts = "10.0.0.9";

class Peers : public BesideLegacyHost {
 protected:
  explicit Peers(const std::function<void(NodeConfig&)>& adjust = nullptr) : BesideLegacyHost(kIts, adjust) {}

  AckAnswer claim(std::vector<Claim> claims, const std::string& from = kIts) {
    return say(OwnershipRequest{legacy, 0, std::move(claims)}, from);
  }
};

class PeersOwn : public Peers {
 protected:
  PeersOwn() : Peers([](NodeConfig& config) { config.peer_apply_own = true; }) {}
};

class PeersRefuse : public Peers {
 protected:
  PeersRefuse() : Peers([](NodeConfig& config) { config.accept_legacy = false; }) {}
};

class PeersWithAWeight : public Peers {
 protected:
  PeersWithAWeight() : Peers([](NodeConfig& config) { config.weight = 500; }) {}
};

// Behind an address translation, or with several addresses.
TEST_F(Peers, AClaimFromAnotherAddressCountsWhenTheHostItselfBearsItOut) {
  const ActorId id = mine();
  EXPECT_FALSE(claim({{id, 0}}, "10.0.0.66").accepted);
  EXPECT_EQ(a.where(id).holder, "a");
  held = {id};
  EXPECT_TRUE(claim({{id, 0}}, "10.0.0.66").accepted);
  EXPECT_EQ(a.where(id).holder, legacy);
  EXPECT_FALSE(say(LegacyExpiryRequest{legacy, {id}}, "10.0.0.66").accepted);
  held = {};
  EXPECT_TRUE(say(LegacyExpiryRequest{legacy, {id}}, "10.0.0.66").accepted);
  EXPECT_EQ(a.where(id).holder, "a");
}

TEST_F(Peers, NobodyClaimsInThisHostsName) {
  const AckAnswer ack = say(OwnershipRequest{"a", 0, {{mine(), 0}}}, kIts);
  EXPECT_FALSE(ack.accepted);
  EXPECT_NE(ack.message.find("this host"), std::string::npos);
}

TEST_F(PeersRefuse, ClaimsOfLegacyHostsAreRefusedWhereTheyAre) {
  EXPECT_EQ(a.status().members, 1U);
  EXPECT_FALSE(claim({{mine(), 0}}).accepted);
}

// It would compute another ring.
TEST_F(PeersWithAWeight, ALegacyHostIsNoMemberAndHearsWhy) {
  pass(3'000'000);
  EXPECT_EQ(a.status().members, 1U);
  a.peer_asked(now, ReplyId(7), {}, kIts, NegotiateRequest{{kIts}, "", 0});
  bool is_told = false;
  for (const Effect& effect : a.take_effects()) {
    const auto* answer = std::get_if<AnswerPeer>(&effect);
    if (answer == nullptr || answer->token != ReplyId(7)) continue;
    const auto* failure = std::get_if<PeerFailure>(&answer->answer);
    ASSERT_NE(failure, nullptr);
    EXPECT_EQ(failure->kind, PeerFailure::Kind::kMismatch);
    EXPECT_NE(failure->detail.find("weights count only where every host knows of them"), std::string::npos);
    is_told = true;
  }
  EXPECT_TRUE(is_told);
}

TEST_F(Peers, TheFirstOfTwoClaimsWinsWhereTheRingNamesAThird) {
  add("10.0.0.8");
  add("10.0.0.7");
  const ActorId id = its();
  EXPECT_TRUE(say(OwnershipRequest{"10.0.0.8", 0, {{id, 0}}}, "10.0.0.8").accepted);
  const AckAnswer second = say(OwnershipRequest{"10.0.0.7", 0, {{id, 0}}}, "10.0.0.7");
  EXPECT_FALSE(second.accepted);
  ASSERT_EQ(second.rejected.size(), 1U);
  EXPECT_EQ(second.rejected[0].holder, "10.0.0.8");
  EXPECT_TRUE(say(OwnershipRequest{legacy, 0, {{id, 0}}}, legacy).accepted) << "the one that the ring names";
  EXPECT_TRUE(say(LegacyExpiryRequest{"10.0.0.8", {id}}, "10.0.0.8").accepted);
  EXPECT_TRUE(say(OwnershipRequest{"10.0.0.7", 0, {{id, 0}}}, "10.0.0.7").accepted);
}

TEST_F(Peers, ARefusalEndsOnlyWhatWasAnnounced) {
  const ActorId id = mine(), other = mine(id.next());
  call(other);
  pass(200'000);
  ASSERT_EQ(asked_for<OwnershipRequest>().size(), 1U);
  acknowledges = {false, "", {{other, legacy, 0}}};
  call(id);
  pass(200'000);
  ASSERT_EQ(asked_for<OwnershipRequest>().size(), 2U) << "this one says nothing of the other actor";
  for (const StartTurn& turn : turns) a.turn_ended(now, turn.token, Cluster::applied());
  play();
  EXPECT_EQ(a.status().actors, 2U);
}

// An owner that this host has never heard of: the one who named it knows better where the actor is.
TEST_F(Peers, ARefusalThatNamesAStrangerIsARefusal) {
  const ActorId id = mine();
  acknowledges = {false, "", {{id, "10.0.0.77", 0}}};
  call(id);
  pass(200'000);
  a.turn_ended(now, turns[0].token, Cluster::applied());
  play();
  EXPECT_EQ(a.status().actors, 0U);
  EXPECT_EQ(a.where(id).holder, legacy);
}

TEST_F(Peers, AnActivationIsAnnouncedAtOnce) {
  call(mine());
  EXPECT_EQ(asked_for<OwnershipRequest>().size(), 1U);
}

// It may have yielded to another host, and nobody hears of that.
TEST_F(Peers, AHolderThatSendsCallsOnIsAskedWhetherItIsOne) {
  const ActorId id = mine();
  for (const bool holds : {true, false}) {
    EXPECT_TRUE(claim({{id, 0}}).accepted);
    held = holds ? std::vector<ActorId>{id} : std::vector<ActorId>{};
    call(id);
    ASSERT_EQ(forwards.size(), 1U);
    a.forward_answered(now, forwards[0].token, Answer::failed(Outcome::kUnknown, Reason::kPeerError));
    forwards.clear();
    pass(200'000);
    EXPECT_EQ(a.where(id).holder, holds ? legacy : "a");
  }
}

// It takes every name that it hears for an owner of actors, and every pinging host for a living one.
TEST_F(Peers, ALegacyHostHearsOnlyOfHostsThatOwnActors) {
  const auto last_names = [this] {
    const auto said = asked_for<NegotiateRequest>();
    return said.empty() ? std::vector<std::string>{"nothing was said"} : said.back().hosts;
  };
  pass(6'000'000);
  EXPECT_EQ(last_names(), (std::vector<std::string>{legacy, "a"}));
  asked.clear();
  a.app_down(now, "crashed", false);
  play();
  EXPECT_EQ(asked_for<ClosingRequest>().size(), 1U) << "for it, this host is gone";
  pass(6'000'000);
  EXPECT_EQ(last_names(), std::vector<std::string>{legacy});
  asked.clear();
  a.app_up(now);
  pass(1'000'000);
  EXPECT_EQ(last_names(), (std::vector<std::string>{legacy, "a"})) << "told at once that it is back";
  asked.clear();
  a.drain(now);
  pass(6'000'000);
  EXPECT_EQ(asked_for<ClosingRequest>().size(), 1U);
  EXPECT_EQ(last_names(), std::vector<std::string>{legacy});
}

TEST_F(Peers, AHostThatLivesComesBackAfterAClosingInItsName) {
  EXPECT_TRUE(say(ClosingRequest{legacy}, kIts).accepted);
  EXPECT_EQ(a.status().members, 1U);
  pass(2'000'000);
  EXPECT_EQ(a.status().members, 1U) << "one that is about to end may still answer";
  pass(10'000'000);
  EXPECT_EQ(a.status().members, 2U);
}

// --peer-apply own: the others keep another ring.
TEST_F(PeersOwn, ACallOfAPeerIsTakenHereUnlessALivingMemberHoldsTheActor) {
  const ActorId free = its(), taken = its(free.next());
  EXPECT_TRUE(claim({{taken, 0}}).accepted);
  call(free, Origin::kPeer);
  EXPECT_EQ(a.where(free).rule, "claim");
  call(taken, Origin::kPeer);
  EXPECT_NE(a.where(taken).rule, "claim");
  ASSERT_EQ(forwards.size(), 1U);
  EXPECT_EQ(forwards[0].host, legacy);
}

// The legacy host may be where the call has come from, by way of another Ringside host: it passes no hop count on.
TEST_F(PeersOwn, ACallThatFollowedAHintIsNotGivenToALegacyHost) {
  const CallId token = call(its(), Origin::kPeer, 1);
  EXPECT_TRUE(forwards.empty());
  ASSERT_TRUE(finished.contains(token));
  EXPECT_EQ(finished[token].reason, Reason::kNotMine);
}

TEST_F(PeersOwn, AHolderThatSendsTheCallsBackIsNoneAnyMore) {
  const ActorId id = its();
  EXPECT_TRUE(claim({{id, 0}}).accepted);
  CallId last;
  for (int i = 0; i <= LegacyBounces::kMostOfAnId; ++i) last = call(id, Origin::kPeer);
  ASSERT_TRUE(finished.contains(last));
  EXPECT_EQ(finished[last].reason, Reason::kRingDisagreement);
  call(id, Origin::kPeer);
  EXPECT_EQ(a.where(id).rule, "claim");
}

}  // namespace
}  // namespace ringside::core
