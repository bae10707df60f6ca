// A legacy host that is known by a DNS name: its address proves nothing, so it is asked back.
#include "tests/unit/core/legacy_fixture.h"

namespace ringside::core {
namespace {

class Hearsay : public BesideLegacyHost {
 protected:
  Hearsay() : BesideLegacyHost("legacy.example") {}

  AckAnswer told(PeerRequest request) { return say(std::move(request), "10.0.0.66"); }
  AckAnswer claim(std::vector<Claim> claims) { return told(OwnershipRequest{legacy, 0, std::move(claims)}); }
};

TEST_F(Hearsay, AClaimCountsWhenTheHostHoldsTheActor) {
  ASSERT_EQ(a.status().members, 2U);
  const ActorId id = mine();
  EXPECT_FALSE(claim({{id, 0}}).accepted);
  EXPECT_NE(a.where(id).holder, legacy);
  held = {id};
  EXPECT_TRUE(claim({{id, 0}}).accepted);
  EXPECT_EQ(a.where(id).holder, legacy);
  // One that it holds and one that has ended since: the first counts.
  const ActorId other = mine(id.next()), ended = mine(other.next());
  held = {id, other};
  EXPECT_TRUE(claim({{other, 0}, {ended, 0}}).accepted);
  EXPECT_EQ(a.where(other).holder, legacy);
  EXPECT_EQ(a.where(ended).holder, "a");
}

TEST_F(Hearsay, AnExpiryCountsWhenTheHostHoldsItNoMore) {
  const ActorId id = mine();
  held = {id};
  ASSERT_TRUE(claim({{id, 0}}).accepted);
  EXPECT_FALSE(told(LegacyExpiryRequest{legacy, {id}}).accepted);
  EXPECT_EQ(a.where(id).holder, legacy);
  held = {};
  EXPECT_TRUE(told(LegacyExpiryRequest{legacy, {id}}).accepted);
  EXPECT_EQ(a.where(id).holder, "a");
}

TEST_F(Hearsay, NothingIsBelievedWithoutItsWord) {
  const ActorId id = mine();
  held = {id};
  silent = true;
  EXPECT_FALSE(claim({{id, 0}}).accepted);
  EXPECT_EQ(a.where(id).holder, "a");
}

TEST_F(Hearsay, QuestionsAreBounded) {
  for (std::uint64_t number = 1000; number < 1400; ++number) {
    a.peer_asked(cluster.now(), ReplyId(number), {}, "10.0.0.66", OwnershipRequest{legacy, 0, {{mine(), 0}}});
  }
  play();
  EXPECT_EQ(asked_for<IdsRequest>().size(), 2U) << "one for the first, one for all that came while it was under way";
  for (std::uint64_t number = 1000; number < 1400; ++number) EXPECT_FALSE(answers.at(ReplyId(number)).accepted);
}

TEST_F(Hearsay, AClaimThatItDidNotHearIsToldAgain) {
  silent = true;
  call(mine());
  pass(300'000);
  const std::size_t unheard = asked_for<OwnershipRequest>().size();
  EXPECT_GT(unheard, 1U);
  silent = false;
  pass(1'000'000);
  EXPECT_EQ(asked_for<OwnershipRequest>().size(), unheard + 1) << "until it was heard";
}

}  // namespace
}  // namespace ringside::core
