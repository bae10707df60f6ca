#include "sidecar/core/legacy/bounces.h"

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

constexpr Instant kStart{Duration(5'000'000)};

TEST(LegacyBounces, AFewOfAnIdAreUnderWayAtATime) {
  LegacyBounces bounces;
  EXPECT_TRUE(bounces.begin(7, kStart));
  EXPECT_TRUE(bounces.first(7));
  for (int i = 1; i < LegacyBounces::kMostOfAnId; ++i) EXPECT_TRUE(bounces.begin(7, kStart));
  EXPECT_FALSE(bounces.first(7));
  EXPECT_FALSE(bounces.begin(7, kStart));
  EXPECT_TRUE(bounces.begin(8, kStart)) << "each id has its own bound";
  bounces.end(7);
  EXPECT_TRUE(bounces.begin(7, kStart));
}

// A word that is remembered for too long would turn a legacy host's own error into "surely not delivered".
TEST(LegacyBounces, ADisagreementIsRememberedForASecond) {
  LegacyBounces bounces;
  EXPECT_FALSE(bounces.disputed(7, kStart));
  for (int i = 0; i <= LegacyBounces::kMostOfAnId; ++i) bounces.begin(7, kStart);
  EXPECT_TRUE(bounces.disputed(7, kStart));
  EXPECT_TRUE(bounces.disputed(7, kStart + LegacyBounces::kRemembered));
  EXPECT_FALSE(bounces.disputed(7, kStart + LegacyBounces::kRemembered + Duration(1)));
  EXPECT_FALSE(bounces.disputed(8, kStart));
}

TEST(LegacyBounces, AnEndWithoutABeginningChangesNothing) {
  LegacyBounces bounces;
  bounces.end(7);
  EXPECT_TRUE(bounces.begin(7, kStart));
  EXPECT_TRUE(bounces.first(7));
}

}  // namespace
}  // namespace ringside::core
