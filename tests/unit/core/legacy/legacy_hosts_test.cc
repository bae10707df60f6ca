#include "sidecar/core/legacy/legacy_hosts.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/core/claims_fake.h"
#include "tests/unit/core/cluster_fake.h"

namespace ringside::core {
namespace {

class LegacyHostsTest : public ::testing::Test {
 protected:
  LegacyHostsTest() {
    context.now.mono = Instant(Duration{3'600'000'000});
    cluster.add("old", 0);
    cluster.add("next", 5);
    cluster.owners[7] = "next";
  }
  AskPeer asked() {
    std::vector<AskPeer> questions = questions_in(context.effects);
    EXPECT_EQ(questions.size(), 1U);
    return questions.empty() ? AskPeer() : questions[0];
  }

  NodeConfig config;
  Context context{1};
  ClusterFake cluster;
  ClaimsFake claims;
  LegacyHosts legacy{config, context, cluster, claims};
};

TEST_F(LegacyHostsTest, NewsAreTakenOnceAndForLegacyMembersAlone) {
  for (const char* host : {"old", "next", "gone"}) legacy.ask_ids(host);
  legacy.doubt("old", 7);
  const auto news = legacy.take_news();
  ASSERT_EQ(news.size(), 1U);
  EXPECT_EQ(news.begin()->first, "old");
  EXPECT_TRUE(news.begin()->second.ask_ids && news.begin()->second.doubted.contains(7));
  EXPECT_TRUE(legacy.take_news().empty());
  EXPECT_EQ(legacy.unfinished(), 0U);
}

TEST_F(LegacyHostsTest, OneThatComesIsToldItsClaimsInSlicesAndAskedForItsOwn) {
  config.most_in_slice = 2;
  for (std::uint64_t id = 1; id <= 5; ++id) claims.claims[ActorId(id)] = 40;
  for (const std::uint64_t id : {1ULL, 2ULL, 5ULL}) cluster.owners[ActorId(id)] = "old";
  legacy.introduce("old");
  claims.claims.erase(2);  // it has ended meanwhile
  std::vector<ActorId> told;
  for (int slice = 0; slice < 3; ++slice) {
    for (const auto& [host, news] : legacy.take_news()) {
      EXPECT_EQ(host, "old");
      EXPECT_EQ(news.ask_ids, slice == 0);
      for (const Claim& claim : news.claims) told.push_back(claim.id);
    }
  }
  EXPECT_EQ(told, (std::vector<ActorId>{1, 5}));
  EXPECT_EQ(legacy.unfinished(), 0U);
}

TEST_F(LegacyHostsTest, FewCallsOfAnIdBounceAtOnce) {
  using Bounce = LegacyHosts::Bounce;
  EXPECT_EQ(legacy.begin_bounce(7), Bounce::kFirst);
  for (int i = 1; i < LegacyBounces::kMostOfAnId; ++i) EXPECT_EQ(legacy.begin_bounce(7), Bounce::kAnother);
  EXPECT_FALSE(legacy.has_refused(7));
  EXPECT_EQ(legacy.begin_bounce(7), Bounce::kTooMany);
  EXPECT_TRUE(legacy.has_refused(7));
  EXPECT_EQ(legacy.begin_bounce(8), Bounce::kFirst);
  legacy.end_bounce(7);
  EXPECT_EQ(legacy.begin_bounce(7), Bounce::kAnother);
}

TEST_F(LegacyHostsTest, WhatTheRingOwnerSaysOfAGrant) {
  struct Row {
    const char* what;
    PeerAnswer answer;
    bool granted;
    bool reroute;
    const char* holder;
  };
  const Row rows[] = {
      {"granted", AckAnswer{true, "", {}}, true, true, ""},
      {"held by another", AckAnswer{false, "", {{7, "third", 9}}}, false, true, "third"},
      {"not now", AckAnswer{false, "not for this host to grant just now", {}}, false, false, ""},
      {"lost", PeerFailure{PeerFailure::Kind::kLost, ""}, false, false, ""},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    legacy.ask_for({7, 42});
    EXPECT_TRUE(legacy.grants().asked_for(7));
    const AskPeer question = asked();
    EXPECT_EQ(question.host, "next");
    EXPECT_TRUE(std::get<OwnershipRequest>(question.request).asks);
    const auto heard = legacy.answered(question.token, row.answer);
    ASSERT_TRUE(heard);
    const auto& granted = std::get<LegacyHosts::Granted>(*heard);
    EXPECT_EQ(granted.reroute, row.reroute);
    EXPECT_EQ(granted.elsewhere.has_value(), *row.holder != '\0');
    EXPECT_EQ(granted.holder, row.holder);
    EXPECT_EQ(legacy.grants().granted(7), row.granted);
    EXPECT_EQ(legacy.use_grant(7).has_value(), row.granted);
    EXPECT_EQ(legacy.unfinished(), 0U);
  }
}

TEST_F(LegacyHostsTest, OnlyWhatTheHostItselfBearsOutCounts) {
  struct Row {
    const char* what;
    bool expiry;
    PeerAnswer answer;
    std::vector<Claim> counts;
  };
  const Row rows[] = {
      {"a claim that it holds", false, IdsAnswer{{7, 9}}, {{7, 0}}},
      {"claims of which it holds none", false, IdsAnswer{{9}}, {}},
      {"an expiry of what it still holds", true, IdsAnswer{{7, 8}}, {}},
      {"an expiry that is true", true, IdsAnswer{{7}}, {{8, 0}}},
      {"no answer", false, PeerFailure{PeerFailure::Kind::kLost, ""}, {}},
      {"no answer, to an expiry", true, PeerFailure{PeerFailure::Kind::kLost, ""}, {}},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    legacy.ask_back("old", {ReplyId(1), row.expiry, {{7, 0}, {8, 0}}});
    const auto heard = legacy.answered(asked().token, row.answer);
    ASSERT_TRUE(heard);
    const auto& verified = std::get<LegacyHosts::Verified>(*heard);
    EXPECT_EQ(verified.host, (HostRun{"old", 0}));
    ASSERT_EQ(verified.said.size(), 1U);
    EXPECT_EQ(verified.said[0].claims, row.counts);
    EXPECT_EQ(verified.said[0].refusal.message.empty(), !row.counts.empty());
    legacy.ask_back_further("old");
    legacy.check();
    EXPECT_EQ(legacy.unfinished(), 0U);
  }
}

TEST_F(LegacyHostsTest, WhatWasSaidMeanwhileIsAskedBackAfterwards) {
  legacy.ask_back("old", {ReplyId(1), false, {{7, 0}}});
  const AskPeer first = asked();
  legacy.ask_back("old", {ReplyId(2), false, {{8, 0}}});
  EXPECT_TRUE(context.effects.empty()) << "one question at a time";
  const auto heard = legacy.answered(first.token, IdsAnswer{{7, 8}});
  EXPECT_EQ(std::get<LegacyHosts::Verified>(heard.value()).said.size(), 1U);
  legacy.ask_back_further("old");
  EXPECT_EQ(asked().host, "old");
  EXPECT_FALSE(legacy.answered(QuestionId(999), IdsAnswer{})) << "a question of another part";
}

}  // namespace
}  // namespace ringside::core
