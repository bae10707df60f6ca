#include "sidecar/core/membership/candidate.h"

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

using State = Candidate::State;
using Clock = Candidate::Clock;

Instant at(int ms) { return Instant(Duration(ms * 1000)); }

TEST(Candidate, OnlyAskingAndJoiningAreOpenQuestions) {
  for (const State state : {State::kAsking, State::kJoining, State::kMeeting, State::kAlias, State::kNobodyListens,
                            State::kSilent, State::kForeign, State::kClosed}) {
    Candidate candidate;
    candidate.state = state;
    EXPECT_EQ(candidate.open(), state == State::kAsking || state == State::kJoining);
    EXPECT_EQ(candidate.gone(), state == State::kNobodyListens || state == State::kSilent);
    EXPECT_EQ(candidate.is_this_host(), state == State::kAlias);
    candidate.ask_anew(at(5));
    EXPECT_TRUE(candidate.open());
    EXPECT_EQ(candidate.first_asked, at(5));
    EXPECT_EQ(candidate.next_try, at(5));
  }
}

TEST(Candidate, EveryAnswerVoidsWhatWasSaidBefore) {
  Candidate candidate;
  candidate.unresolved = candidate.own_name = candidate.held_up = true;
  PingAnswer says;
  says.generation = 7;
  says.phase = Phase::kReady;
  candidate.answered(says, at(5));
  EXPECT_FALSE(candidate.unresolved || candidate.own_name || candidate.held_up);
  EXPECT_TRUE(candidate.serves);
  EXPECT_EQ(candidate.generation, Generation(7));
  EXPECT_EQ(candidate.last_answer, at(5));
  says.phase = Phase::kJoining;
  candidate.answered(says, at(6));
  EXPECT_FALSE(candidate.serves);
}

TEST(Candidate, ThatItCannotJoinCountsOnlyAfterItsMembersHaveTakenThisHostIn) {
  Candidate candidate;
  candidate.cannot_join(at(5));
  EXPECT_TRUE(candidate.held_up) << "it is nobody's member";
  candidate.held_by = {"a"};
  candidate.held_since = at(10);
  candidate.cannot_join(at(9));
  EXPECT_FALSE(candidate.held_up);
  candidate.cannot_join(at(10));
  EXPECT_TRUE(candidate.held_up);
}

TEST(Candidate, WhoAnswersIsAskedToTakeThisHostInAtOnceAndItsTimeBeginsAnew) {
  Candidate candidate;
  candidate.ask_anew(at(0));
  candidate.problem = "no such name";
  candidate.blocks = true;
  candidate.ask_to_join(at(5));
  EXPECT_EQ(candidate.state, State::kJoining);
  EXPECT_EQ(candidate.first_asked, at(5));
  EXPECT_EQ(candidate.next_try, at(5));
  EXPECT_EQ(candidate.problem, "");
  EXPECT_FALSE(candidate.blocks);
  candidate.next_try = at(100);
  candidate.ask_to_join(at(6));
  EXPECT_EQ(candidate.first_asked, at(5)) << "it is being asked";
  EXPECT_EQ(candidate.next_try, at(100));
}

TEST(Candidate, WhatAForeignHostRefusedIsKeptInMindWhileItIsAskedAgain) {
  Candidate candidate;
  candidate.judge(Clock::kBehind, true);
  candidate.turn_out_foreign("it is of cluster other", at(5));
  EXPECT_EQ(candidate.next_try, at(1005));
  candidate.ask_to_join(at(6));
  EXPECT_EQ(candidate.problem, "it is of cluster other");
  EXPECT_EQ(candidate.clock, Clock::kBehind) << "until it has taken this host in";
}

TEST(Candidate, TheEndsClearWhatHeldOthersUp) {
  Candidate alias;
  alias.judge(Clock::kAhead, true);
  alias.turn_out_alias("b");
  EXPECT_FALSE(alias.blocks);
  EXPECT_EQ(alias.clock, Clock::kNear);
  EXPECT_FALSE(alias.is_this_host());
  Candidate refused;
  refused.judge(Clock::kAhead, true);
  refused.told = "it is of another cluster";
  refused.has_no_listener();
  EXPECT_FALSE(refused.blocks);
  EXPECT_EQ(refused.told, "") << "the log hears of the next problem";
  Candidate met;
  met.judge(Clock::kBehind, true);
  met.problem = "something";
  met.meet(at(5));
  EXPECT_EQ(met.state, State::kMeeting);
  EXPECT_EQ(met.problem, "");
  EXPECT_FALSE(met.blocks);
  Candidate silent;
  silent.fall_silent();
  EXPECT_EQ(silent.state, State::kSilent);
  EXPECT_EQ(silent.problem, "no answer");
  Candidate not_spoken;
  not_spoken.not_spoken = true;
  not_spoken.problem = "the other end speaks plaintext";
  not_spoken.fall_silent();
  EXPECT_EQ(not_spoken.state, State::kSilent);
  EXPECT_EQ(not_spoken.problem, "the other end speaks plaintext") << "more than that it did not answer";
}

}  // namespace
}  // namespace ringside::core
