#include "sidecar/core/epoch_clock.h"

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

constexpr std::int64_t kWall = 1'790'000'000'000;

TEST(EpochClock, GrowsEvenWhereTheWallClockDoesNot) {
  EpochClock clock;
  Epoch last = 0;
  for (const std::int64_t wall : {kWall, kWall, kWall - 5000, kWall + 1}) {
    const Epoch epoch = clock.next(wall);
    EXPECT_GT(epoch, last);
    last = epoch;
  }
  EXPECT_LT(last, EpochClock::kLimit);
}

TEST(EpochClock, FollowsOthersButNotAMinuteAhead) {
  EpochClock fast, slow;
  const Epoch ahead = fast.next(kWall + 59'000);
  EXPECT_TRUE(slow.observe(ahead, kWall));
  EXPECT_GT(slow.next(kWall), ahead);
  const Epoch a_year_ahead = EpochClock().next(kWall + 365LL * 86'400'000);
  EXPECT_FALSE(slow.observe(a_year_ahead, kWall));
  EXPECT_LT(slow.next(kWall), a_year_ahead);
  EXPECT_FALSE(slow.observe(~Epoch{0}, kWall));
}

}  // namespace
}  // namespace ringside::core
