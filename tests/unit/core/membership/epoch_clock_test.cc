#include "sidecar/core/membership/epoch_clock.h"

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

constexpr std::int64_t kWall = 1'790'000'000'000;
constexpr std::int64_t kYearMs = 365LL * 86'400'000;

Now at(std::int64_t mono_ms, std::int64_t wall_ms) { return {Instant(Duration(mono_ms * 1000)), wall_ms}; }
EpochClock clock_at(std::int64_t wall_ms) {
  EpochClock clock;
  clock.advance(at(0, wall_ms));
  return clock;
}

TEST(EpochClock, GrowsEvenWhereTheWallClockDoesNot) {
  EpochClock clock;
  Epoch last = 0;
  std::int64_t mono = 0;
  for (const std::int64_t wall : {kWall, kWall, kWall - 5000, kWall + 1}) {
    clock.advance(at(++mono, wall));
    const Epoch epoch = clock.next();
    EXPECT_GT(epoch, last);
    last = epoch;
  }
  EXPECT_LT(last, EpochClock::kLimit);
}

TEST(EpochClock, FollowsOthersButNotAMinuteAhead) {
  EpochClock slow = clock_at(kWall);
  const Epoch ahead = clock_at(kWall + 59'000).next();
  EXPECT_TRUE(slow.observe(ahead));
  EXPECT_GT(slow.next(), ahead);
  const Epoch a_year_ahead = clock_at(kWall + kYearMs).next();
  EXPECT_FALSE(slow.observe(a_year_ahead));
  EXPECT_LT(slow.next(), a_year_ahead);
  EXPECT_FALSE(slow.observe(Epoch(UINT64_MAX)));
}

// Otherwise whoever takes over from a host whose clock has just jumped would issue smaller epochs than it did.
TEST(EpochClock, AJumpAheadIsFollowedSlowly) {
  EpochClock clock = clock_at(kWall);
  EpochClock successor = clock_at(kWall);
  const EpochClock::Bound bound = successor.bound(clock.reading_in_full(), Duration(0));
  clock.advance(at(1000, kWall + 31'000));
  EXPECT_EQ(clock.wall_ms(), kWall + 1007);
  successor.advance(at(1000, kWall + 1000));
  successor.pass(successor.furthest(bound, Duration(1'000'000)));
  EXPECT_GT(successor.next(), clock.next());
}

TEST(EpochClock, WhatAnotherMayHaveIssuedIsPassedThoughTheOwnClockWasSetBack) {
  EpochClock other = clock_at(kWall);
  EpochClock successor = clock_at(kWall);
  const EpochClock::Bound bound = successor.bound(other.reading_in_full(), Duration(0));
  other.advance(at(1000, kWall + 1000));
  successor.advance(at(1000, kWall - 60'000));
  successor.pass(successor.furthest(bound, Duration(1'000'000)));
  EXPECT_GT(successor.next(), other.next());
}

// Otherwise each host that goes would carry the clocks of all others on by its whole silence, up to where nobody who
// comes new follows them.
TEST(EpochClock, OneThatIsAheadOfItsTimeIsNotThoughtToGoOn) {
  EpochClock other = clock_at(kWall);
  other.observe(clock_at(kWall + 30'000).next());
  EpochClock successor = clock_at(kWall);
  const EpochClock::Bound bound = successor.bound(other.reading_in_full(), Duration(400'000));
  Epoch last = 0;
  for (int activation = 0; activation < 500'000; ++activation) last = other.next();
  successor.advance(at(2500, kWall + 2500));
  successor.pass(successor.furthest(bound, Duration(2'500'000)));
  EXPECT_GT(successor.next(), last);
  EXPECT_LT(successor.next(), clock_at(kWall + 30'500).next());
}

// Otherwise it would refuse those whose clocks have stayed right.
TEST(EpochClock, AJumpBackIsFollowedSlowlyAndEpochsStillGrow) {
  EpochClock clock = clock_at(kWall);
  const Epoch before = clock.next();
  clock.advance(at(1000, kWall - 3'600'000));
  EXPECT_EQ(clock.wall_ms(), kWall + 992);
  EXPECT_GT(clock.next(), before);
  EXPECT_FALSE(clock.too_far_ahead(clock_at(kWall + 2'000).next()));
}

TEST(EpochClock, AnotherRightClockWidensWhatIsNotFromTheFuture) {
  EpochClock behind = clock_at(kWall - 3'600'000);
  const Epoch right = clock_at(kWall).next();
  EXPECT_TRUE(behind.too_far_ahead(right));
  behind.judge_by(kWall);
  EXPECT_FALSE(behind.too_far_ahead(right));
  EXPECT_TRUE(behind.too_far_ahead(clock_at(kWall + kYearMs).next()));
}

TEST(EpochClock, AnotherThatGoesOnAsClocksDoIsFollowedHoweverFarAhead) {
  EpochClock other = clock_at(kWall);
  EpochClock behind = clock_at(kWall - 3'600'000);
  const EpochClock::Bound bound = behind.bound(other.reading_in_full(), Duration(0));
  other.advance(at(5000, kWall + 5000));
  behind.advance(at(5000, kWall - 3'595'000));
  EXPECT_TRUE(behind.follow(other.next(), bound, Duration(5'000'000)));
  EXPECT_GT(behind.next(), other.reading());
  EXPECT_FALSE(behind.follow(clock_at(kWall + kYearMs).next(), bound, Duration(5'000'000)));
}

}  // namespace
}  // namespace ringside::core
