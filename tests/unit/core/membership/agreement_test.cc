#include "sidecar/core/membership/agreement.h"

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

constexpr Duration kSecond{1'000'000};
constexpr Instant kStart{3600 * kSecond};

struct Watched {
  Agreement agreement{2 * kSecond};
  Instant now = kStart;
  // What is told after so long.
  std::optional<HostEvent> look(Duration later, bool settled, bool met_is_member = false) {
    now += later;
    return agreement.look({true, settled, met_is_member, {settled ? "" : "b"}}, now);
  }
};

TEST(Agreement, AMomentOfDisagreementIsNotTold) {
  Watched watched;
  EXPECT_FALSE(watched.look(kSecond, false));
  EXPECT_FALSE(watched.look(kSecond, true));
  EXPECT_FALSE(watched.look(5 * kSecond, false)) << "it begins anew";
}

TEST(Agreement, OneThatLastsIsToldOnceAndSoIsItsEnd) {
  Watched watched;
  EXPECT_FALSE(watched.look(kSecond, false));
  const auto begun = watched.look(2 * kSecond, false);
  ASSERT_TRUE(begun);
  EXPECT_EQ(begun->kind, EventKind::kRingDisagrees);
  EXPECT_EQ(begun->host, "b");
  EXPECT_FALSE(watched.look(10 * kSecond, false));
  const auto ended = watched.look(kSecond, true);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->kind, EventKind::kRingAgrees);
  EXPECT_EQ(ended->lasted, 13 * kSecond);
  EXPECT_FALSE(watched.look(kSecond, true));
}

TEST(Agreement, ASplitIsHealedOnceWhoeverWasMetIsAMemberAndAllAgree) {
  Watched watched;
  const auto met = watched.agreement.met_split("z", "this host joins anew", watched.now);
  ASSERT_TRUE(met);
  EXPECT_EQ(met->kind, EventKind::kSplitMet);
  EXPECT_EQ(met->by, "z");
  EXPECT_FALSE(watched.agreement.met_split("z", "this host joins anew", watched.now)) << "it is known";
  EXPECT_FALSE(watched.look(kSecond, true, false));
  EXPECT_FALSE(watched.look(kSecond, false, true));
  const auto healed = watched.look(kSecond, true, true);
  ASSERT_TRUE(healed);
  EXPECT_EQ(healed->kind, EventKind::kSplitHealed);
  EXPECT_EQ(healed->host, "z");
  EXPECT_EQ(healed->lasted, 3 * kSecond);
  EXPECT_TRUE(watched.agreement.met_split("z", "this host joins anew", watched.now)) << "another one";
  watched.now += 3600 * kSecond;
  EXPECT_TRUE(watched.agreement.met_split("z", "this host joins anew", watched.now))
      << "it was not met for so long that it may have ended unseen";
}

}  // namespace
}  // namespace ringside::core
