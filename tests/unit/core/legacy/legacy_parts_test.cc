// The parts of core/legacy, each by itself.
#include <gtest/gtest.h>

#include "sidecar/core/legacy/ownership_grants.h"
#include "sidecar/core/legacy/unverified_claims.h"

namespace ringside::core {
namespace {

using Next = UnverifiedClaims::Next;

TEST(UnverifiedClaims, OneQuestionAnswersAllThatWasSaidBeforeIt) {
  UnverifiedClaims claims;
  EXPECT_EQ(claims.add("a", {ReplyId(1), false, {{7, 0}}}), Next::kAsk);
  EXPECT_EQ(claims.add("a", {ReplyId(2), true, {{8, 0}}}), Next::kWait);
  EXPECT_EQ(claims.add("b", {ReplyId(3), false, {{9, 0}}}), Next::kAsk);
  const auto first = claims.answered("a").said;
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].token, ReplyId(1));
  EXPECT_TRUE(claims.ask_again("a")) << "for the second, which came after the question";
  EXPECT_EQ(claims.answered("a").said.at(0).token, ReplyId(2));
  EXPECT_FALSE(claims.ask_again("a"));
  EXPECT_EQ(claims.hosts(), 1U);
}

TEST(UnverifiedClaims, OfClaimsCountsWhatIsHeldAndOfExpiriesWhatIsNot) {
  const std::vector<Claim> both{{7, 0}, {8, 0}};
  EXPECT_EQ((UnverifiedClaims::Said{ReplyId(1), false, both}.borne_out_by({7})), (std::vector<Claim>{{7, 0}}));
  EXPECT_EQ((UnverifiedClaims::Said{ReplyId(1), true, both}.borne_out_by({7})), (std::vector<Claim>{{8, 0}}));
}

TEST(UnverifiedClaims, SoManyWaitAndNoMore) {
  UnverifiedClaims claims;
  claims.add("a", {ReplyId(1), false, {}});
  for (std::size_t i = 0; i < UnverifiedClaims::kMost; ++i)
    EXPECT_EQ(claims.add("a", {ReplyId(2 + i), false, {}}), Next::kWait);
  EXPECT_EQ(claims.add("a", {ReplyId(999), false, {}}), Next::kRefuse);
  EXPECT_EQ(claims.add("b", {ReplyId(1000), false, {}}), Next::kAsk) << "another host's word is another matter";
}

TEST(UnverifiedClaims, OfALongListOnlyWhatWasAskedAboutIsKept) {
  UnverifiedClaims claims;
  claims.add("a", {ReplyId(1), false, {{7, 0}, {8, 0}}});
  claims.add("a", {ReplyId(2), false, {{9, 0}}});
  claims.holds("a", {1, 2, 7});
  claims.holds("a", {8, 9});
  EXPECT_EQ(claims.answered("a").held, (std::unordered_set<ActorId>{7, 8}));
  ASSERT_TRUE(claims.ask_again("a"));
  claims.holds("a", {9});
  EXPECT_EQ(claims.answered("a").held, (std::unordered_set<ActorId>{9})) << "of the second question";
}

TEST(UnverifiedClaims, SoManyIdsWaitAndNoMore) {
  UnverifiedClaims claims;
  const std::vector<Claim> many(UnverifiedClaims::kMostIds, Claim{7, 0});
  EXPECT_EQ(claims.add("a", {ReplyId(1), false, many}), Next::kAsk);
  EXPECT_EQ(claims.add("a", {ReplyId(2), false, {{8, 0}}}), Next::kRefuse);
  claims.answered("a");
  EXPECT_FALSE(claims.ask_again("a"));
  EXPECT_EQ(claims.add("a", {ReplyId(3), false, {{8, 0}}}), Next::kAsk) << "there is room again";
}

TEST(OwnershipGrants, AskedForGrantedAndUsed) {
  OwnershipGrants grants;
  grants.ask({7, 42});
  EXPECT_TRUE(grants.asked_for(7));
  EXPECT_TRUE(grants.asked_for(Claim{7, 42}));
  EXPECT_FALSE(grants.asked_for(Claim{7, 41})) << "another activation";
  EXPECT_FALSE(grants.granted(7));
  EXPECT_FALSE(grants.grant({7, 41}));
  EXPECT_TRUE(grants.grant({7, 42}));
  EXPECT_TRUE(grants.granted(7));
  EXPECT_EQ(grants.use(7), Epoch{42});
  EXPECT_EQ(grants.use(7), std::nullopt);
}

TEST(OwnershipGrants, WhatIsRefusedOrNotUsedIsForgotten) {
  OwnershipGrants grants;
  grants.ask({7, 42});
  grants.ask({8, 43});
  EXPECT_FALSE(grants.refuse({7, 1}));
  EXPECT_TRUE(grants.refuse({7, 42}));
  grants.drop_unused();
  EXPECT_TRUE(grants.asked_for(8)) << "its answer is still to come";
  grants.grant({8, 43});
  grants.drop_unused();
  EXPECT_EQ(grants.size(), 0U);
}

}  // namespace
}  // namespace ringside::core
