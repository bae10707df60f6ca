#include "sidecar/core/membership/member_clocks.h"

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

constexpr std::int64_t kWall = 1'790'000'000'000;
constexpr std::int64_t kMinute = 60'000;

Epoch at_wall(std::int64_t ms) { return Epoch(static_cast<std::uint64_t>(ms) << EpochClock::kCounterBits); }
Now at(std::int64_t ms) { return {Instant(Duration(ms * 1000)), kWall + ms}; }

PingAnswer says(std::int64_t wall_ms) {
  PingAnswer answer;
  answer.clock = {at_wall(wall_ms), at_wall(wall_ms)};
  answer.unix_time = wall_ms / 1000;
  return answer;
}

class MemberClock : public ::testing::Test {
 protected:
  MemberClock() { own.advance(at(0)); }
  EpochClock own;
  MemberClocks clocks{own};
  Members members;
};

TEST_F(MemberClock, IsFollowedUnlessItIsTooFarAhead) {
  Member& near = members["near"];
  EXPECT_TRUE(clocks.read(near, says(kWall + 1000), at(0).mono));
  EXPECT_GE(own.reading(), at_wall(kWall + 1000));
  EXPECT_EQ(near.clock.epoch, at_wall(kWall + 1000));
  Member& ahead = members["ahead"];
  EXPECT_FALSE(clocks.read(ahead, says(kWall + 2 * kMinute), at(0).mono));
  EXPECT_EQ(ahead.clock.epoch, Epoch());
  EXPECT_LT(own.reading(), at_wall(kWall + kMinute));
  Member& silent = members["silent"];
  EXPECT_TRUE(clocks.read(silent, PingAnswer(), at(0).mono)) << "it tells nothing of its clock";
}

TEST_F(MemberClock, ThatMostHostsShowIsNotFromTheFuture) {
  const Epoch future = at_wall(kWall + 5 * kMinute);
  EXPECT_FALSE(clocks.read(members["b"], says(kWall + 5 * kMinute), at(0).mono));
  clocks.judge(members, at(0));
  EXPECT_TRUE(own.too_far_ahead(future)) << "of two nobody can tell whose is wrong";
  EXPECT_FALSE(clocks.read(members["c"], says(kWall + 5 * kMinute), at(0).mono));
  clocks.judge(members, at(0));
  EXPECT_FALSE(own.too_far_ahead(future)) << "two of three show that time: this host's is wrong";
}

TEST_F(MemberClock, WhatAMemberIssuedBeforeItWentStaysBelowWhatComesNext) {
  Member& member = members["b"];
  ASSERT_TRUE(clocks.read(member, says(kWall + 500), at(0).mono));
  member.lease = at(0).mono;
  own.advance(at(2000));
  clocks.pass(member, {}, at(2000).mono);
  EXPECT_GT(own.next(), at_wall(kWall + 2500));
}

// b heard c's clock after it had told its own, and followed it. This host heard c's clock two seconds ago.
TEST_F(MemberClock, WhatAMemberIssuedAfterItHeardAnotherStaysBelowWhatComesNext) {
  Member b;
  ASSERT_TRUE(clocks.read(b, says(kWall), at(0).mono));
  Member& c = members["c"];
  ASSERT_TRUE(clocks.read(c, says(kWall + 200), at(0).mono));
  b.lease = c.lease = at(0).mono;
  own.advance(at(2000));
  clocks.pass(b, members, at(2000).mono);
  EXPECT_GT(own.next(), at_wall(kWall + 2200));
}

TEST_F(MemberClock, AJoinerPassesWhatIsToldOfThoseThatItNeverMet) {
  Member& member = members["b"];
  ASSERT_TRUE(clocks.read(member, says(kWall + 30'000), at(0).mono));
  EXPECT_GE(clocks.furthest(members, at(0).mono).epoch, at_wall(kWall + 30'000));

  EpochClock joiner;
  joiner.advance(at(0));
  MemberClocks heard(joiner);
  heard.hear_furthest({at_wall(kWall + 30'000), at_wall(kWall + 30'000)}, Duration(0));
  heard.hear_furthest({at_wall(kWall + 2 * kMinute), at_wall(kWall + 2 * kMinute)}, Duration(0));
  heard.pass_unmet(Duration(0));
  EXPECT_GT(joiner.next(), at_wall(kWall + 30'000));
  EXPECT_LT(joiner.next(), at_wall(kWall + kMinute)) << "what is from the future is not passed";
}

TEST_F(MemberClock, AnotherRunHasHeardOfNobody) {
  clocks.hear_furthest({at_wall(kWall + 30'000), at_wall(kWall + 30'000)}, Duration(0));
  clocks.begin_run();
  clocks.pass_unmet(Duration(0));
  EXPECT_LT(own.next(), at_wall(kWall + 1000));
}

}  // namespace
}  // namespace ringside::core
