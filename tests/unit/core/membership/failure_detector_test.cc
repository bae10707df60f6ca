#include "sidecar/core/membership/failure_detector.h"

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

constexpr Duration kDeadAfter{2'000'000};
Instant at(int ms) { return Instant(Duration(ms * 1000)); }

Member heard_at(int ms) {
  Member member;
  member.last_answer = member.lease = at(ms);
  member.heard_by_others = at(-1'000'000);
  return member;
}

TEST(FailureDetector, SilenceIsSuspicionAtHalfTheTimeAndDeathAfterIt) {
  struct Case {
    int silence_ms;
    bool due, dead;
  };
  const FailureDetector detector(kDeadAfter, 0);
  for (const auto& [silence_ms, due, dead] : {Case{0, false, false}, Case{1000, false, false}, Case{1001, true, false},
                                              Case{2000, true, false}, Case{2001, true, true}}) {
    const Member member = heard_at(0);
    EXPECT_EQ(detector.is_due_for_witnesses(member, at(silence_ms)), due) << silence_ms;
    EXPECT_EQ(detector.is_dead(member, at(silence_ms)), dead) << silence_ms;
  }
}

TEST(FailureDetector, WitnessesAreAskedAgainAfterAQuarter) {
  const FailureDetector detector(kDeadAfter, 0);
  Member member = heard_at(0);
  EXPECT_TRUE(detector.suspect(member, at(1001)));
  EXPECT_TRUE(member.suspected);
  EXPECT_FALSE(detector.is_due_for_witnesses(member, at(1500)));
  EXPECT_TRUE(detector.is_due_for_witnesses(member, at(1501)));
  EXPECT_FALSE(detector.suspect(member, at(1501))) << "it was suspected before";
}

TEST(FailureDetector, AWitnessPutsDeathOffButNotForEver) {
  const FailureDetector detector(kDeadAfter, 0);
  Member member = heard_at(0);
  detector.heard_elsewhere(member, at(1500));
  detector.heard_elsewhere(member, at(900));  // an older word takes nothing back
  EXPECT_FALSE(detector.is_dead(member, at(3499)));
  EXPECT_TRUE(detector.is_dead(member, at(3500))) << "the witness is silent as well by now";
  detector.heard_elsewhere(member, at(5900));
  EXPECT_FALSE(detector.is_dead(member, at(5999)));
  EXPECT_TRUE(detector.is_dead(member, at(6000))) << "out of this host's reach for three times as long";
}

TEST(FailureDetector, TheSecondRefusalInARowIsDeath) {
  const FailureDetector detector(kDeadAfter, 0);
  Member member = heard_at(0);
  EXPECT_FALSE(detector.connection_refused(member));
  EXPECT_FALSE(detector.answered(member, at(10), at(20)));
  EXPECT_FALSE(detector.connection_refused(member)) << "it has answered in between";
  EXPECT_TRUE(detector.connection_refused(member));
}

TEST(FailureDetector, AnAnswerEndsSuspicionAndTellsWhenItsLeaseBegan) {
  const FailureDetector detector(kDeadAfter, 0);
  Member member = heard_at(0);
  (void)detector.suspect(member, at(1500));
  EXPECT_TRUE(detector.answered(member, at(1400), at(1600)));
  EXPECT_FALSE(member.suspected);
  EXPECT_EQ(member.last_answer, at(1600));
  EXPECT_EQ(member.lease, at(1400)) << "what it said holds since it was asked, at the earliest";
  EXPECT_EQ(member.rtt, Duration(200'000));
  EXPECT_FALSE(detector.answered(member, at(1300), at(1700)));
  EXPECT_EQ(member.lease, at(1400)) << "an older question changes nothing";
}

TEST(FailureDetector, WhatCouldNotBeHeardIsNoSilence) {
  const FailureDetector detector(kDeadAfter, 0);
  Member member = heard_at(0);
  (void)detector.suspect(member, at(1500));
  detector.excuse(member, at(9000));
  EXPECT_FALSE(member.suspected);
  EXPECT_EQ(member.next_ping, at(9000)) << "it is asked at once";
  EXPECT_FALSE(detector.is_dead(member, at(9000)));
  detector.excuse_for(member, Duration(300'000), at(9200));
  EXPECT_EQ(member.last_answer, at(9200)) << "never later than now";
}

TEST(FailureDetector, AMajorityIsSlowerThanAMinorityIsToNotice) {
  const FailureDetector detector(kDeadAfter, 3);
  EXPECT_EQ(detector.declares_dead_after(), Duration(2'500'000));
  Members members;
  members["b"] = heard_at(0);
  members["c"] = heard_at(0);
  EXPECT_TRUE(detector.has_quorum(members, at(1500)));
  EXPECT_FALSE(detector.has_quorum(members, at(1501)));
  members["b"].lease = at(1000);
  EXPECT_FALSE(detector.has_quorum(members, at(1501))) << "two of three that are needed";
  members["c"].lease = at(1000);
  EXPECT_TRUE(detector.has_quorum(members, at(1501)));
  for (auto& [host, member] : members) member.lease = at(0);
  for (auto& [host, member] : members) detector.excuse(member, at(1501));
  EXPECT_FALSE(detector.has_quorum(members, at(1501))) << "that this host was late is not that it has heard them";
}

// It is pinged every few seconds: that it was not heard in between says nothing.
TEST(FailureDetector, OneThatIsNotWatchedIsSilentFromThePingOnThatItHasNotAnswered) {
  const FailureDetector detector(kDeadAfter, 0);
  Member member = heard_at(0);
  detector.watch(member, false, at(0));
  EXPECT_EQ(detector.silence(member, at(60'000)), Duration(0));
  detector.asked(member, at(60'000));
  detector.asked(member, at(60'500));
  EXPECT_FALSE(detector.is_due_for_witnesses(member, at(61'000)));
  EXPECT_TRUE(detector.is_due_for_witnesses(member, at(61'001)));
  EXPECT_TRUE(detector.is_dead(member, at(62'001)));
  detector.answered(member, at(60'500), at(62'001));
  EXPECT_EQ(detector.silence(member, at(90'000)), Duration(0));
}

TEST(FailureDetector, WhoeverIsToldThatItIsSilentElsewhereWaitsHalfAsLong) {
  const FailureDetector detector(kDeadAfter, 0);
  Member member = heard_at(0);
  detector.watch(member, false, at(0));
  detector.missed_elsewhere(member, at(60'000));
  EXPECT_EQ(detector.silence(member, at(60'000)), Duration(0)) << "it has not been asked";
  detector.asked(member, at(60'000));
  detector.missed_elsewhere(member, at(60'000));
  EXPECT_TRUE(detector.is_due_for_witnesses(member, at(60'001)));
  EXPECT_FALSE(detector.is_dead(member, at(61'000)));
  EXPECT_TRUE(detector.is_dead(member, at(61'001)));
  Member watched = heard_at(60'000);
  detector.asked(watched, at(60'000));
  detector.missed_elsewhere(watched, at(60'500));
  EXPECT_EQ(detector.silence(watched, at(60'500)), Duration(500'000)) << "this host knows better";
}

TEST(FailureDetector, OneThatIsWatchedFromNowOnWasNotSilentBefore) {
  const FailureDetector detector(kDeadAfter, 0);
  Member member = heard_at(0);
  detector.watch(member, false, at(0));
  detector.watch(member, true, at(60'000));
  EXPECT_EQ(detector.silence(member, at(60'500)), Duration(500'000));
  EXPECT_EQ(member.next_ping, at(60'000));
  Member silent = heard_at(0);
  detector.watch(silent, false, at(0));
  detector.asked(silent, at(58'000));
  detector.watch(silent, true, at(60'000));
  EXPECT_EQ(detector.silence(silent, at(60'000)), Duration(2'000'000)) << "it was asked, and said nothing";
}

}  // namespace
}  // namespace ringside::core
