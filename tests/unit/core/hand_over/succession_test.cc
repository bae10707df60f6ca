#include "sidecar/core/hand_over/succession.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/core/cluster_fake.h"

namespace ringside::core {
namespace {

constexpr Duration kSecond{1'000'000};
constexpr Claim kClaim{7, 42};

class SuccessionTest : public ::testing::Test {
 protected:
  SuccessionTest() {
    context.now.mono = Instant(Duration{3'600'000'000});
    cluster.add("next", 5);
    cluster.owners[7] = "next";
    cluster.next_owners[7] = {"next"};
  }
  Succession::HandedOver tell() {
    context.now.mono += kSecond;
    return succession.tell_successors([](const Claim& claim) {
      return Ended{claim.id, claim.epoch, {{"key", Outcome::kApplied, "answer", 0, kNoPlace}}};
    });
  }
  std::vector<AskPeer> asked() { return questions_in(context.effects); }

  NodeConfig config;
  Context context{1};
  Timers timers;
  ClusterFake cluster;
  Succession succession{config, context, timers, cluster};
};

TEST_F(SuccessionTest, WhoSucceedsIsToldTheAnswersUntilItHasThem) {
  struct Row {
    const char* what;
    PeerAnswer answer;
    bool over;
  };
  const Row rows[] = {
      {"taken", EndedAnswer{ReplyStatus::kOk}, true},
      {"refused by the ring owner", EndedAnswer{ReplyStatus::kStale}, false},
      {"lost", PeerFailure{PeerFailure::Kind::kLost, ""}, false},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    succession.hand_over(kClaim);
    EXPECT_TRUE(tell().claims.empty());
    const std::vector<AskPeer> questions = asked();
    ASSERT_EQ(questions.size(), 1U);
    EXPECT_EQ(questions[0].host, "next");
    EXPECT_EQ(std::get<EndedRequest>(questions[0].request).ended[0].remembered.size(), 1U);
    EXPECT_TRUE(succession.answered(questions[0].token, row.answer));
    EXPECT_FALSE(succession.answered(questions[0].token, row.answer)) << "it is answered once";
    EXPECT_EQ(tell().claims == std::vector<Claim>{kClaim}, row.over);
    EXPECT_EQ(succession.contains(7), !row.over);
    succession.lose_all();
    asked();
  }
}

TEST_F(SuccessionTest, AnswersOfAnIdWithoutAnotherOwnerAreKeptHere) {
  cluster.others.clear();
  cluster.next_owners.clear();
  succession.hand_over(kClaim);
  const Succession::HandedOver over = tell();
  EXPECT_EQ(over.claims, std::vector<Claim>{kClaim});
  ASSERT_EQ(over.kept.size(), 1U);
  EXPECT_EQ(over.kept[0].remembered.size(), 1U);
}

TEST_F(SuccessionTest, AnswersThatOnlyJoinersKnowAreKeptHereToo) {
  for (const bool all_are_joiners : {false, true}) {
    cluster.all_are_joiners = all_are_joiners;
    succession.hand_over(kClaim);
    tell();
    for (const AskPeer& question : asked()) succession.answered(question.token, EndedAnswer{ReplyStatus::kOk});
    const Succession::HandedOver over = tell();
    EXPECT_EQ(over.claims, std::vector<Claim>{kClaim});
    EXPECT_EQ(over.kept.size(), all_are_joiners ? 1U : 0U);
  }
}

TEST_F(SuccessionTest, AHostThatLeavesTellsWhoeverHasSeenThat) {
  cluster.its_phase = Phase::kDraining;
  succession.hand_over(kClaim);
  tell();
  EXPECT_TRUE(asked().empty());
  cluster.saw_leave.insert("next");
  tell();
  EXPECT_EQ(asked().size(), 1U);
}

TEST_F(SuccessionTest, AnEndIsToldToTheRingOwnerAndToLegacyHosts) {
  struct Row {
    const char* owner;
    bool legacy;
    std::vector<std::string> told;
  };
  const Row rows[] = {
      {"next", false, {"next"}}, {"next", true, {"next", "old"}}, {"here", false, {}},
      {"here", true, {"old"}},   {"old", true, {"old"}},          {"gone", false, {}},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.owner);
    cluster.owners[7] = row.owner;
    cluster.others.erase("old");
    if (row.legacy) cluster.add("old", 0);
    succession.announce(kClaim);
    context.now.mono += kSecond;
    succession.tell_ends();
    std::vector<std::string> told;
    for (const AskPeer& question : asked()) {
      told.push_back(question.host);
      succession.answered(question.token, EndedAnswer{ReplyStatus::kOk});
    }
    EXPECT_EQ(told, row.told);
    EXPECT_EQ(succession.unfinished(), 0U);
  }
}

TEST_F(SuccessionTest, AnEndThatGotLostIsToldAgain) {
  succession.announce(kClaim);
  succession.tell_ends();
  const std::vector<AskPeer> first = asked();
  ASSERT_EQ(first.size(), 1U);
  succession.answered(first[0].token, PeerFailure{PeerFailure::Kind::kLost, ""});
  succession.tell_ends();
  EXPECT_TRUE(asked().empty()) << "not at once";
  context.now.mono += kSecond;
  succession.tell_ends();
  EXPECT_EQ(asked().size(), 1U);
}

TEST_F(SuccessionTest, WhatIsNotDueYetIsLookedAtAgain) {
  succession.announce(kClaim);
  succession.tell_ends();
  succession.announce({8, 43});
  cluster.owners[8] = "next";
  succession.tell_ends();
  EXPECT_EQ(asked().size(), 1U) << "the second waits, so that more may go with it";
  EXPECT_TRUE(succession.awaits_timer());
  EXPECT_EQ(timers.size(), 1U);
  context.now.mono += kSecond;
  succession.due();
  succession.tell_ends();
  EXPECT_EQ(asked().size(), 1U);
}

}  // namespace
}  // namespace ringside::core
