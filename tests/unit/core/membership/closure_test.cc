#include "sidecar/core/membership/closure.h"

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

using State = Candidate::State;
using Clock = Candidate::Clock;

Instant at(int ms) { return Instant(Duration(ms * 1000)); }

class Closures : public ::testing::Test {
 protected:
  Closures() {
    config.host = "a";
    config.dead_after = Duration(2'000'000);
    config.join_timeout = Duration(10'000'000);
  }
  // One that has just been asked, or has just answered in that state.
  Candidate& candidate(const std::string& name, State state) {
    Candidate& one = candidates[name];
    one.state = state;
    one.first_asked = one.last_answer = at(now_ms);
    return one;
  }
  Member& member(const std::string& host, Phase phase, Generation knows_run = kRun) {
    Member& one = members[host];
    one.run = {host, 7};
    one.phase = phase;
    one.joined_as = knows_run;
    return one;
  }
  Closure closure() const {
    return Closure({config, candidates, members, kRun, joined, has_twin, has_quorum, discovery_counts, lists_self,
                    missing, config.dead_after, at(now_ms)});
  }

  static constexpr Generation kRun = 5;
  MembershipConfig config;
  CandidateMap candidates;
  Members members;
  bool joined = false;
  bool has_twin = false;
  bool has_quorum = true;
  bool discovery_counts = true;
  bool lists_self = true;
  std::string missing;
  int now_ms = 100'000;
};

TEST_F(Closures, AreCompleteWhenNoQuestionIsOpen) {
  struct Case {
    State state;
    bool complete;
  };
  for (const auto& [state, complete] :
       {Case{State::kAsking, false}, Case{State::kJoining, false}, Case{State::kMeeting, true},
        Case{State::kNobodyListens, true}, Case{State::kSilent, true}, Case{State::kForeign, true},
        Case{State::kClosed, true}, Case{State::kAlias, true}}) {
    candidates.clear();
    candidate("b", state);
    EXPECT_EQ(closure().complete(), complete) << static_cast<int>(state);
    EXPECT_EQ(closure().waiting_for().empty(), complete) << closure().waiting_for();
  }
}

TEST_F(Closures, WhatIsKnownOfWhoDoesNotSpeakToThisHostIsTold) {
  Candidate& one = candidate("b", State::kAsking);
  one.listed = one.not_spoken = true;
  one.problem = "the other end speaks plaintext";
  EXPECT_FALSE(closure().complete()) << "it is not an absent host";
  EXPECT_EQ(closure().waiting_for(), "no answer yet from b (the other end speaks plaintext)");
}

TEST_F(Closures, AStrangersWordKeepsAJoinerWaitingForAMoment) {
  Candidate& one = candidate("b", State::kAsking);
  one.of_stranger = true;
  one.last_answer = at(now_ms - 1);
  one.awaited_until = at(now_ms + 1);
  EXPECT_FALSE(closure().complete());
  one.awaited_until = at(now_ms);
  EXPECT_TRUE(closure().complete());
  one.last_answer = at(now_ms);
  one.state = State::kJoining;
  EXPECT_FALSE(closure().complete());
}

TEST_F(Closures, ThisHostsOwnNameIsAQuestionApart) {
  candidate("a", State::kAsking);
  EXPECT_TRUE(closure().complete());
  EXPECT_TRUE(closure().own_name_is_open());
  candidates.clear();
  EXPECT_FALSE(closure().own_name_is_open());
}

TEST_F(Closures, WhoServesHasToTakeThisRunIn) {
  member("b", Phase::kReady, kRun.before());
  EXPECT_FALSE(closure().complete());
  EXPECT_EQ(closure().waiting_for(), "no answer yet from b");
  members["b"].joined_as = kRun;
  EXPECT_TRUE(closure().complete());
  EXPECT_TRUE(closure().taken_in());
  member("legacy", Phase::kUnspecified, 0).run.generation = 0;
  EXPECT_TRUE(closure().complete()) << "a legacy host takes nobody in";
}

TEST_F(Closures, WhereAClusterServesThoseWhoOnlyStartAreNotWaitedForLong) {
  Candidate& starts = candidate("starts", State::kAsking);
  starts.listed = true;
  now_ms += 501;
  EXPECT_FALSE(closure().complete()) << "it may be the only cluster that there is";
  member("b", Phase::kReady);
  EXPECT_TRUE(closure().complete()) << "it will ask the serving hosts itself";
  starts.named = true;
  EXPECT_FALSE(closure().complete()) << "a host of this cluster knows it";
  starts.held_up = true;
  EXPECT_TRUE(closure().complete()) << "it asks once it can";
}

TEST_F(Closures, PatienceEndsEarlierForWhoHasNeverAnswered) {
  struct Case {
    bool listed, answered;
    int silence_ms;
    bool out_of_patience;
  };
  for (const auto& [listed, answered, silence_ms, expected] :
       {Case{false, false, 2000, false}, Case{false, false, 2001, true}, Case{false, true, 3000, false},
        Case{false, true, 3001, true}, Case{true, false, 10'000, false}, Case{true, false, 10'001, true}}) {
    Candidate& one = candidate("b", State::kAsking);
    one.listed = listed;
    one.first_asked = at(now_ms - silence_ms);
    one.last_answer = answered ? one.first_asked : at(0);
    EXPECT_EQ(closure().is_out_of_patience(one), expected) << silence_ms;
    one.held_by = {"c"};
    EXPECT_FALSE(closure().is_out_of_patience(one)) << "those who vouch for it say when it is dead";
    one.held_by.clear();
  }
}

TEST_F(Closures, AMemberOfOthersThatIsOutOfReachHoldsThisHostUp) {
  struct Case {
    State state;
    bool unresolved;
    const char* why;
  };
  for (const auto& [state, unresolved, why] :
       {Case{State::kNobodyListens, false, "does not answer here"},
        Case{State::kAsking, true, "cannot be resolved here"}, Case{State::kSilent, false, "does not answer here"},
        Case{State::kAlias, false, "leads to this host here"}}) {
    Candidate& one = candidate("b", state);
    one.unresolved = unresolved;
    one.held_by = {"c"};
    EXPECT_TRUE(closure().held_up());
    EXPECT_FALSE(closure().complete());
    EXPECT_EQ(closure().waiting_for().find(std::string("c has b as a member, which ") + why), 0U)
        << closure().waiting_for();
  }
  candidate("b", State::kJoining);
  EXPECT_FALSE(closure().held_up()) << "it is dealt with under its name";
  EXPECT_FALSE(closure().complete());
}

TEST_F(Closures, AnAliasIsInTheWayAsLongAsItsNameLeadsNowhere) {
  Candidate& alias = candidate("10.0.0.7", State::kAlias);
  alias.name = "carts-0";
  alias.generation = 7;
  EXPECT_EQ(closure().why_unusable("10.0.0.7", alias), "") << "nothing is known of the name yet";
  candidate("carts-0", State::kAsking).unresolved = true;
  EXPECT_EQ(closure().why_unusable("10.0.0.7", alias),
            "10.0.0.7 answers as carts-0, which cannot be resolved here: set --host there to a name or address that "
            "leads to it");
  EXPECT_TRUE(closure().held_up());
  EXPECT_TRUE(closure().is_held_up_by("carts-0"));
  EXPECT_FALSE(closure().is_held_up_by("carts-1"));
  candidate("carts-0", State::kJoining).generation = 7;
  EXPECT_EQ(closure().why_unusable("10.0.0.7", alias), "") << "it is dealt with under its name";
  candidates["carts-0"].generation = 8;
  EXPECT_NE(closure().why_unusable("10.0.0.7", alias), "") << "two hosts announce that name";
  candidates.erase("carts-0");
  member("carts-0", Phase::kReady);
  EXPECT_EQ(closure().why_unusable("10.0.0.7", alias), "") << "it is a member";
  now_ms += 10'001;
  members["carts-0"].run.generation = 8;
  EXPECT_EQ(closure().why_unusable("10.0.0.7", alias), "") << "nobody has answered there of late";
}

TEST_F(Closures, ATwinStopsEverything) {
  has_twin = true;
  EXPECT_FALSE(closure().complete());
  EXPECT_TRUE(closure().held_up());
  EXPECT_EQ(closure().waiting_for(), "another host calls itself a too: set another --host on one of them");
  joined = true;
  EXPECT_FALSE(closure().held_up()) << "who serves goes on";
  EXPECT_EQ(closure().waiting_for(), "");
}

TEST_F(Closures, WithoutTheQuorumItIsSaidHowManyThereAre) {
  config.quorum = 3;
  has_quorum = false;
  member("b", Phase::kReady);
  EXPECT_EQ(closure().waiting_for(), "2 of --quorum 3");
  has_quorum = true;
  EXPECT_EQ(closure().waiting_for(), "");
}

TEST_F(Closures, TheFewHaveTheWrongClock) {
  candidate("b", State::kForeign).clock = Clock::kAhead;
  EXPECT_FALSE(closure().is_behind_most_clocks()) << "of two nobody can tell";
  candidate("c", State::kForeign).clock = Clock::kAhead;
  EXPECT_TRUE(closure().is_behind_most_clocks());
  EXPECT_FALSE(closure().complete());
  EXPECT_EQ(closure().waiting_for(), "the clocks of 2 hosts are more than a minute ahead of this host's");
  member("d", Phase::kReady);
  EXPECT_FALSE(closure().is_behind_most_clocks()) << "two of four";
  now_ms += 10'001;
  EXPECT_FALSE(closure().is_behind_most_clocks()) << "not heard of late";
}

TEST_F(Closures, AFewWithAWrongClockHoldUpOthersOnlyForAWhile) {
  Candidate& behind = candidate("b", State::kForeign);
  behind.judge(Clock::kBehind, true);
  EXPECT_FALSE(closure().complete()) << "one of two";
  member("c", Phase::kJoining);
  member("d", Phase::kJoining);
  EXPECT_TRUE(closure().complete()) << "one of four, and it does not serve";
  behind.serves = true;
  behind.behind_since = at(now_ms);
  EXPECT_FALSE(closure().complete()) << "it is given time to find out";
  behind.behind_since = at(now_ms - 10'001);
  EXPECT_TRUE(closure().complete());
}

TEST_F(Closures, WithoutAClusterDiscoveryHasToNameSomebody) {
  discovery_counts = false;
  EXPECT_EQ(closure().waiting_for(), "discovery has not answered");
  missing = "dns:x did not answer";
  EXPECT_EQ(closure().waiting_for(), "dns:x did not answer");
  discovery_counts = true;
  lists_self = false;
  Candidate& listed = candidate("b.test", State::kSilent);
  listed.listed = listed.unresolved = true;
  EXPECT_EQ(closure().names_nobody(), "b.test");
  config.bootstrap_unlisted = true;
  EXPECT_EQ(closure().names_nobody(), "");
  config.bootstrap_unlisted = false;
  listed.unresolved = false;
  EXPECT_EQ(closure().names_nobody(), "");
  EXPECT_TRUE(closure().bootstraps_unlisted()) << "no source lists this host";
  candidate("10.0.0.1", State::kAlias).listed = true;
  EXPECT_FALSE(closure().bootstraps_unlisted()) << "an address that leads to this host is one that lists it";
}

TEST_F(Closures, TheFirstOfTheNamedThatWereGoneIsRemembered) {
  EXPECT_FALSE(closure().unmet_since());
  candidate("listed", State::kNobodyListens).listed = true;
  EXPECT_FALSE(closure().unmet_since()) << "nobody knew it";
  for (const auto& [name, state, when] :
       {std::tuple{"b", State::kNobodyListens, 300}, {"c", State::kSilent, 200}, {"d", State::kJoining, 100}}) {
    Candidate& one = candidate(name, state);
    one.named = true;
    one.first_named = at(when);
  }
  EXPECT_EQ(closure().unmet_since(), at(200));
}

}  // namespace
}  // namespace ringside::core
