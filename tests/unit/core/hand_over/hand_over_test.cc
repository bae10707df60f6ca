// The parts of core/hand_over, each by itself.
#include "sidecar/core/hand_over/hand_over.h"

#include <gtest/gtest.h>

#include "sidecar/core/hand_over/unannounced_ends.h"

namespace ringside::core {
namespace {

constexpr Duration kSecond{1'000'000};

class HandOverTest : public ::testing::Test {
 protected:
  HandOver::Due due() {
    now += kSecond;
    return hand_over.due(now, [this](ActorId) { return successors; });
  }
  void answered(const std::string& host, ReplyStatus status) {
    hand_over.answered(host, {kClaim}, status, now, [this, host](ActorId) {
      for (const HandOver::Successor& one : successors) {
        if (one.host == host) return one.ring_owner;
      }
      return false;
    });
  }
  static bool tells(const HandOver::Due& due, const std::string& host) { return due.tell.contains(host); }

  static constexpr Claim kClaim{7, 42};
  Instant now{Duration{3'600'000'000}};
  HandOver hand_over;
  std::vector<HandOver::Successor> successors{{"owner", true, true}, {"older", false, true}};
};

TEST_F(HandOverTest, EverySuccessorIsToldUntilItHasIt) {
  hand_over.add(kClaim, now);
  HandOver::Due first = due();
  EXPECT_TRUE(tells(first, "owner") && tells(first, "older"));
  EXPECT_EQ(first.tell["owner"], std::vector<Claim>{kClaim});
  answered("owner", ReplyStatus::kOk);
  const HandOver::Due second = due();
  EXPECT_FALSE(tells(second, "owner"));
  EXPECT_TRUE(tells(second, "older"));
  EXPECT_TRUE(second.over.empty());
  answered("older", ReplyStatus::kOk);
  EXPECT_EQ(due().over, std::vector<Claim>{kClaim});
  EXPECT_EQ(hand_over.size(), 0U);
}

TEST_F(HandOverTest, WhoRefusesNeedNotKnowUnlessTheRingNamesIt) {
  hand_over.add(kClaim, now);
  due();
  answered("owner", ReplyStatus::kStale);
  answered("older", ReplyStatus::kStale);
  const HandOver::Due second = due();
  EXPECT_TRUE(tells(second, "owner")) << "it has yet to see that it is the owner";
  EXPECT_FALSE(tells(second, "older"));
}

TEST_F(HandOverTest, WhoDoesNotKnowThatItIsOneIsAwaitedAndNotTold) {
  successors = {{"owner", true, false}};
  hand_over.add(kClaim, now);
  const HandOver::Due first = due();
  EXPECT_TRUE(first.tell.empty());
  EXPECT_TRUE(first.over.empty());
  successors[0].may_be_told = true;
  EXPECT_TRUE(tells(due(), "owner"));
}

TEST_F(HandOverTest, WithoutASuccessorItIsOver) {
  successors.clear();
  hand_over.add(kClaim, now);
  EXPECT_EQ(due().over, std::vector<Claim>{kClaim});
}

TEST_F(HandOverTest, AnAnswerForAnotherActivationCountsForNothing) {
  hand_over.add({7, 41}, now);
  due();
  answered("owner", ReplyStatus::kOk);
  EXPECT_TRUE(tells(due(), "owner"));
}

TEST_F(HandOverTest, ManyAreToldTogether) {
  const auto say = [this] { return hand_over.due(now, [this](ActorId) { return successors; }); };
  now += kSecond;
  hand_over.add({1, 1}, now);
  EXPECT_EQ(say().tell["owner"].size(), 1U) << "the first at once";
  int messages = 0;
  for (ActorId id = 2; id <= 400; ++id) {
    now += Duration(1'000);
    hand_over.add({id, 1}, now);
    HandOver::Due one = say();
    EXPECT_TRUE(one.next == kNever || one.next > now);
    messages += one.tell.empty() ? 0 : 1;
  }
  EXPECT_LE(messages, 20);
}

TEST(UnannouncedEnds, AreSaidOnceAndAgainWhereNobodyHasAnswered) {
  Instant now{Duration{3'600'000'000}};
  UnannouncedEnds ends;
  EXPECT_TRUE(ends.due(now).claims.empty());
  ends.add({7, 42});
  ends.add({8, 43});
  EXPECT_EQ(ends.due(now).claims, (std::vector<Claim>{{7, 42}, {8, 43}}));
  ends.sent(now);
  EXPECT_EQ(ends.size(), 0U);
  ends.add_again({{7, 42}}, now);
  EXPECT_TRUE(ends.due(now).claims.empty()) << "not at once";
  now += kSecond;
  EXPECT_EQ(ends.due(now).claims, (std::vector<Claim>{{7, 42}}));
}

TEST(UnannouncedEnds, OfASeriesTheNextMessageWaits) {
  const Instant now{Duration{3'600'000'000}};
  UnannouncedEnds ends;
  ends.sent(now);
  ends.add({7, 42});
  const UnannouncedEnds::Due due = ends.due(now);
  EXPECT_TRUE(due.claims.empty());
  EXPECT_GT(due.next, now);
  EXPECT_EQ(ends.due(due.next).claims.size(), 1U);
}

TEST(UnannouncedEnds, BeyondABoundNothingIsSaidAgain) {
  const Instant now{Duration{3'600'000'000}};
  UnannouncedEnds ends;
  for (ActorId id = 1; id.value() <= UnannouncedEnds::kMost + 1; ++id) ends.add({id, 1});
  ends.add_again({{7, 42}}, now);
  EXPECT_EQ(ends.size(), UnannouncedEnds::kMost + 1);
}

}  // namespace
}  // namespace ringside::core
