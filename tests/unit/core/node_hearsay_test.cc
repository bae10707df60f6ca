// A legacy host that is known by a DNS name: its address proves nothing, so it is asked back.
#include <gtest/gtest.h>

#include "tests/unit/core/node_fixture.h"

namespace ringside::core {
namespace {

constexpr const char* kLegacy = "legacy.example";

class Hearsay : public ::testing::Test {
 protected:
  Hearsay() : a((cluster.start("a"), cluster.converge(), cluster.node("a"))) {
    a.peer_asked(cluster.now(), 1, {}, "10.0.0.9", NegotiateRequest{{kLegacy}, "", 0});
    play();
    answers.clear();
  }

  // The legacy host answers whatever it is asked: it holds `held`, or says nothing where it is silent.
  void play() {
    for (Effects effects = a.take_effects(); !effects.empty(); effects = a.take_effects()) {
      for (Effect& effect : effects) {
        auto* said = std::get_if<AnswerPeer>(&effect);
        if (said != nullptr && std::holds_alternative<AckAnswer>(said->answer)) {
          answers[said->token] = std::get<AckAnswer>(said->answer);
        }
        auto* question = std::get_if<AskPeer>(&effect);
        if (question == nullptr || question->host != kLegacy) continue;
        PeerAnswer says = AckAnswer{true, "", {}};
        if (std::holds_alternative<PingRequest>(question->request)) {
          PingAnswer ping;
          ping.host = kLegacy;
          says = ping;
        } else if (std::holds_alternative<NegotiateRequest>(question->request)) {
          says = NegotiateAnswer{{kLegacy}, "", 0};
        } else if (std::holds_alternative<IdsRequest>(question->request)) {
          ++lists;
          if (silent) {
            says = PeerFailure{PeerFailure::Kind::kLost, "timed out"};
          } else {
            says = IdsAnswer{held};
          }
        } else if (const auto* claims = std::get_if<OwnershipRequest>(&question->request)) {
          for (const Claim& claim : claims->claims) announced.push_back(claim.id);
          if (silent) says = PeerFailure{PeerFailure::Kind::kLost, "timed out"};
        }
        a.peer_answered(cluster.now(), question->token, says);
      }
    }
  }

  AckAnswer say(PeerRequest request) {
    const Token token = ++last_;
    a.peer_asked(cluster.now(), token, {}, "10.0.0.66", std::move(request));
    play();
    EXPECT_EQ(answers.count(token), 1U) << "not answered";
    return answers[token];
  }
  AckAnswer claim(std::vector<Claim> claims) { return say(OwnershipRequest{kLegacy, 0, std::move(claims)}); }

  // An id that the ring gives to us.
  ActorId mine(ActorId from = 1) { return cluster.id_of("a", "a", from); }

  Cluster cluster;
  Node& a;
  std::map<Token, AckAnswer> answers;
  std::vector<ActorId> held;
  bool silent = false;
  std::vector<ActorId> announced;
  int lists = 0;
  Token last_ = 100;
};

TEST_F(Hearsay, AClaimCountsWhenTheHostHoldsTheActor) {
  ASSERT_EQ(a.status().members, 2U);
  const ActorId id = mine();
  EXPECT_FALSE(claim({{id, 0}}).accepted);
  EXPECT_NE(a.where(id).owner, kLegacy);
  held = {id};
  EXPECT_TRUE(claim({{id, 0}}).accepted);
  EXPECT_EQ(a.where(id).owner, kLegacy);
  // One that it holds and one that has ended since: the first counts.
  const ActorId other = mine(id + 1), ended = mine(other + 1);
  held = {id, other};
  EXPECT_TRUE(claim({{other, 0}, {ended, 0}}).accepted);
  EXPECT_EQ(a.where(other).owner, kLegacy);
  EXPECT_EQ(a.where(ended).owner, "a");
}

TEST_F(Hearsay, AnExpiryCountsWhenTheHostHoldsItNoMore) {
  const ActorId id = mine();
  held = {id};
  ASSERT_TRUE(claim({{id, 0}}).accepted);
  EXPECT_FALSE(say(ExpiryRequest{kLegacy, {id}}).accepted);
  EXPECT_EQ(a.where(id).owner, kLegacy);
  held = {};
  EXPECT_TRUE(say(ExpiryRequest{kLegacy, {id}}).accepted);
  EXPECT_EQ(a.where(id).owner, "a");
}

TEST_F(Hearsay, NothingIsBelievedWithoutItsWord) {
  const ActorId id = mine();
  held = {id};
  silent = true;
  EXPECT_FALSE(claim({{id, 0}}).accepted);
  EXPECT_EQ(a.where(id).owner, "a");
}

TEST_F(Hearsay, QuestionsAreBounded) {
  const int before = lists;
  for (Token token = 1000; token < 1400; ++token) {
    a.peer_asked(cluster.now(), token, {}, "10.0.0.66", OwnershipRequest{kLegacy, 0, {{mine(), 0}}});
  }
  play();
  EXPECT_EQ(lists - before, 2) << "one for the first, one for all that came while it was under way";
  for (Token token = 1000; token < 1400; ++token) EXPECT_FALSE(answers.at(token).accepted);
}

TEST_F(Hearsay, AClaimThatItDidNotHearIsToldAgain) {
  auto call = std::make_shared<Call>();
  call->id = mine();
  call->deadline = cluster.now().mono + Duration(5'000'000);
  a.apply(cluster.now(), 500, call);
  Now now = cluster.now();
  for (const bool deaf : {true, false, false}) {
    silent = deaf;
    now.mono += Duration(200'000);
    a.wake(now);
    play();
  }
  EXPECT_EQ(announced, (std::vector<ActorId>{call->id, call->id})) << "until it was heard";
}

}  // namespace
}  // namespace ringside::core
