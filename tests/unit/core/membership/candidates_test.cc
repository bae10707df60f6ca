#include "sidecar/core/membership/candidates.h"

#include <functional>

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

using State = Candidate::State;
using Source = Candidates::Source;
using OldFinding = Candidates::OldFinding;

Instant at(int ms) { return Instant(Duration(ms * 1000)); }

class Table : public ::testing::Test {
 protected:
  Table() {
    config.host = "a";
    config.dead_after = Duration(2'000'000);
  }
  void learn(const std::string& name, Source source = Source::kHost, OldFinding old = OldFinding::kStands,
             int now = 0) {
    candidates.learn(name, source, old, at(now));
  }
  Candidate& of(const std::string& name) { return *candidates.find(name); }

  MembershipConfig config;
  Candidates candidates{config};
};

TEST_F(Table, StrangersNameFewAndWhoElseNamesOneTakesItFromThem) {
  for (std::size_t i = 0; i < 2 * Candidates::kMostOfStrangers; ++i) learn("s" + std::to_string(i), Source::kStranger);
  EXPECT_EQ(candidates.all().size(), Candidates::kMostOfStrangers);
  EXPECT_TRUE(of("s0").of_stranger);
  EXPECT_FALSE(of("s0").named);
  learn("s0", Source::kHost);
  EXPECT_FALSE(of("s0").of_stranger);
  EXPECT_TRUE(of("s0").named);
  learn("s0", Source::kStranger);
  EXPECT_FALSE(of("s0").of_stranger);
  learn("one more", Source::kStranger);
  EXPECT_NE(candidates.find("one more"), nullptr) << "there is room for one again";
}

TEST_F(Table, ANameIsAskedAtOnceAndRemembersWhoNamedIt) {
  learn("b", Source::kDiscovery, OldFinding::kStands, 5);
  EXPECT_TRUE(of("b").listed);
  EXPECT_FALSE(of("b").named);
  EXPECT_TRUE(of("b").open());
  EXPECT_EQ(of("b").next_try, at(5));
  EXPECT_EQ(of("b").keep_until, at(5 + 8000));
  learn("b", Source::kHost, OldFinding::kStands, 9);
  EXPECT_TRUE(of("b").named);
  EXPECT_EQ(of("b").first_named, at(9));
  learn("b", Source::kHost, OldFinding::kStands, 20);
  EXPECT_EQ(of("b").first_named, at(9)) << "the first time counts";
}

TEST_F(Table, OnlyANameThatAsksForAttentionVoidsThatItIsGone) {
  for (const State state : {State::kNobodyListens, State::kSilent, State::kClosed}) {
    learn("b");
    of("b").state = state;
    learn("b", Source::kDiscovery, OldFinding::kStands, 10);
    EXPECT_EQ(of("b").state, state);
    learn("b", Source::kHost, OldFinding::kIsVoid, 10);
    EXPECT_EQ(of("b").state, State::kAsking);
    EXPECT_EQ(of("b").first_asked, at(10));
  }
  of("b").state = State::kForeign;
  learn("b", Source::kHost, OldFinding::kIsVoid, 10);
  EXPECT_EQ(of("b").state, State::kForeign) << "it did answer";
  of("b").state = State::kNobodyListens;
  candidates.hold("b", "c", at(10));
  learn("b", Source::kHost, OldFinding::kIsVoid, 10);
  EXPECT_EQ(of("b").state, State::kNobodyListens) << "those who vouch for it say when it is alive";
}

TEST_F(Table, IsBounded) {
  for (std::size_t i = 0; i < Candidates::kMost; ++i) learn("host-" + std::to_string(i));
  learn("one-too-many");
  EXPECT_EQ(candidates.find("one-too-many"), nullptr);
  EXPECT_EQ(candidates.all().size(), Candidates::kMost);
}

TEST_F(Table, ARunAsksEverybodyAgainAndItsOwnNameToo) {
  learn("silent");
  learn("alias");
  learn("foreign");
  of("silent").state = State::kSilent;
  of("alias").state = State::kAlias;
  of("foreign").state = State::kForeign;
  candidates.begin_run(at(50));
  EXPECT_EQ(of("silent").state, State::kAsking);
  EXPECT_EQ(of("silent").first_named, at(50)) << "what was named before was named to another run";
  EXPECT_EQ(of("alias").state, State::kAlias) << "what an address is does not depend on the run";
  EXPECT_EQ(of("foreign").state, State::kForeign);
  EXPECT_EQ(of("a").next_try, at(50));
}

TEST_F(Table, UnlistedNamesAreForgottenInTheEnd) {
  learn("listed", Source::kDiscovery);
  learn("named");
  candidates.forget_unlisted(at(8000));
  EXPECT_NE(candidates.find("named"), nullptr);
  candidates.forget_unlisted(at(8001));
  EXPECT_EQ(candidates.find("named"), nullptr);
  EXPECT_NE(candidates.find("listed"), nullptr);
  candidates.unlist_all();
  candidates.forget_unlisted(at(8001));
  EXPECT_EQ(candidates.find("listed"), nullptr);
}

TEST_F(Table, HoldersVouchForANameUntilTheLastLetsGo) {
  candidates.hold("b", "c", at(0));
  EXPECT_EQ(candidates.find("b"), nullptr) << "only for names that are known";
  learn("b");
  candidates.hold("b", "c", at(100));
  candidates.hold("b", "d", at(200));
  EXPECT_EQ(of("b").next_probe, at(600)) << "a quarter of --dead-after after the first";
  EXPECT_FALSE(candidates.let_go("b", "x")) << "it did not vouch for it";
  EXPECT_EQ(candidates.let_go("b", "c"), std::set<std::string>{"d"});
  EXPECT_TRUE(candidates.lose_holder("c").empty());
  EXPECT_EQ(candidates.lose_holder("d"), std::vector<std::string>{"b"});
  candidates.hold("b", "c", at(300));
  candidates.release_all();
  EXPECT_TRUE(of("b").held_by.empty());
}

TEST_F(Table, WhatAHeldUpHostSaidIsVoidOnceAMemberVouchesForIt) {
  learn("b");
  of("b").held_up = true;
  of("b").next_try = at(1000);
  candidates.hold("b", "c", at(100));
  EXPECT_FALSE(of("b").held_up);
  EXPECT_EQ(of("b").held_since, at(100));
  EXPECT_EQ(of("b").next_try, at(100)) << "it is asked again at once";
}

TEST_F(Table, WhoIsReleasedAsksThoseWhoWereHeldUpOrRefused) {
  learn("held-up");
  learn("refused");
  learn("silent");
  of("held-up").held_up = true;
  of("held-up").next_try = of("silent").next_try = at(1000);
  of("refused").state = State::kNobodyListens;
  of("silent").state = State::kSilent;
  candidates.release(at(50));
  EXPECT_FALSE(of("held-up").held_up);
  EXPECT_EQ(of("held-up").next_try, at(50));
  EXPECT_EQ(of("refused").state, State::kAsking);
  EXPECT_EQ(of("silent").state, State::kSilent);
  EXPECT_EQ(of("silent").next_try, at(1000));
}

TEST_F(Table, WhatACandidateIsAskedFollowsFromItsState) {
  using Inquiry = Candidates::Inquiry;
  struct Case {
    State state;
    bool joined;
    Inquiry inquiry;
    int next_ms;
  };
  for (const auto& [state, joined, turn, next_ms] :
       {Case{State::kAsking, false, Inquiry::kPing, 400}, Case{State::kAsking, true, Inquiry::kPing, 1000},
        Case{State::kClosed, false, Inquiry::kPing, 400}, Case{State::kJoining, false, Inquiry::kAskToJoin, 400},
        Case{State::kJoining, true, Inquiry::kPing, 400},
        Case{State::kAlias, false, Inquiry::kLookUpAfreshAndPing, 10'000},
        Case{State::kForeign, true, Inquiry::kLookUpAfreshAndPing, 10'000},
        Case{State::kMeeting, true, Inquiry::kPing, 1000}, Case{State::kNobodyListens, false, Inquiry::kPing, 1000},
        Case{State::kSilent, true, Inquiry::kPing, 1000}}) {
    learn("b");
    of("b").state = state;
    EXPECT_EQ(candidates.next_inquiry("b", {at(2000), joined, false, false, false}), turn) << static_cast<int>(state);
    EXPECT_EQ(of("b").next_try, at(2000 + next_ms)) << static_cast<int>(state);
    candidates.forget("b");
  }
}

TEST_F(Table, AnOpenQuestionIsRepeatedLessAndLessOften) {
  learn("b");
  for (const int pause_ms : {400, 800, 1600, 3200, 3200}) {
    (void)candidates.next_inquiry("b", {at(5000), false, false, false, false});
    EXPECT_EQ(of("b").next_try, at(5000 + pause_ms));
  }
  of("b").ask_again_soon(at(5000));
  EXPECT_EQ(of("b").next_try, at(6000)) << "something has come of it";
  of("b").ask_anew(at(7000));
  (void)candidates.next_inquiry("b", {at(7000), false, false, false, false});
  EXPECT_EQ(of("b").next_try, at(7400)) << "another question";
}

TEST_F(Table, ForSoLongAsThisHostWasLateNobodyWasSilent) {
  learn("b");
  learn("gone");
  of("b").first_asked = of("gone").first_asked = at(1000);
  of("b").last_answer = at(1500);
  of("gone").state = State::kSilent;
  candidates.excuse_for(Duration(600'000), at(2000));
  EXPECT_EQ(of("b").first_asked, at(1600));
  EXPECT_EQ(of("b").last_answer, at(2000)) << "no later than now";
  EXPECT_EQ(of("gone").first_asked, at(1000)) << "that is settled";
}

TEST_F(Table, WhoKnowsJustThoseNamesVouchesForThem) {
  learn("b");
  learn("gone");
  of("gone").state = State::kNobodyListens;
  NamesDigest digest;
  candidates.add_to(digest, true);
  NamesDigest of_b;
  of_b.add("b");
  EXPECT_EQ(digest.value(), of_b.value()) << "of those that it would name";
  candidates.all_are_named(at(5));
  candidates.hold_all("a", at(5));
  EXPECT_TRUE(of("b").named);
  EXPECT_EQ(of("b").held_by, std::set<std::string>{"a"});
  EXPECT_TRUE(of("gone").held_by.empty());
}

TEST_F(Table, WhoeverIsInTheWayIsLookedAtSoon) {
  const auto pause_of = [this](const std::function<void(Candidate&)>& set) {
    learn("b");
    of("b").state = State::kAlias;
    set(of("b"));
    (void)candidates.next_inquiry("b", {at(0), false, false, false, false});
    const Duration pause = of("b").next_try - at(0);
    candidates.forget("b");
    return pause;
  };
  EXPECT_EQ(pause_of([](Candidate&) {}), Candidate::kElsewhereRepeat);
  EXPECT_EQ(pause_of([](Candidate& one) { one.problem = "it refuses connections"; }), Candidate::kQuietRepeat);
  EXPECT_EQ(pause_of([](Candidate& one) { one.blocks = true; }), Candidate::kQuietRepeat);
  EXPECT_EQ(pause_of([](Candidate& one) { one.clock = Candidate::Clock::kAhead; }), Candidate::kQuietRepeat);
  EXPECT_EQ(pause_of([](Candidate& one) { one.held_by = {"c"}; }), Candidate::kQuietRepeat);
}

TEST_F(Table, WhoIsHeldUpAsksOnlyThoseWhoMayKnowBetter) {
  using Inquiry = Candidates::Inquiry;
  struct Case {
    bool serves, unverified, asks_nobody;
    Inquiry inquiry;
  };
  for (const auto& [serves, unverified, asks_nobody, turn] :
       {Case{false, false, false, Inquiry::kPing}, Case{true, false, false, Inquiry::kAskToJoin},
        Case{true, false, true, Inquiry::kPing}, Case{false, true, false, Inquiry::kAskToJoin},
        Case{false, true, true, Inquiry::kAskToJoin}}) {
    learn("b");
    of("b").state = State::kJoining;
    of("b").serves = serves;
    of("b").unverified = unverified;
    EXPECT_EQ(candidates.next_inquiry("b", {at(0), false, false, true, asks_nobody}), turn);
    of("b").legacy = true;
    EXPECT_EQ(candidates.next_inquiry("b", {at(0), false, false, true, asks_nobody}), Inquiry::kNegotiate);
    candidates.forget("b");
  }
}

TEST_F(Table, WhereNobodyOwnsAnythingTheFirstThatComesIsFoundSoon) {
  learn("b");
  of("b").state = State::kNobodyListens;
  (void)candidates.next_inquiry("b", {at(0), true, true, false, false});
  EXPECT_EQ(of("b").next_try, Instant() + config.ping_interval);
}

TEST_F(Table, AJoinerNamesThoseThatItHasYetToMeet) {
  candidates.begin_run(at(0));
  learn("asked");
  learn("legacy");
  learn("refused");
  learn("Not-Canonical");
  of("legacy").legacy = true;
  of("legacy").state = State::kJoining;
  of("refused").state = State::kNobodyListens;
  EXPECT_EQ(candidates.to_be_met(true), (std::vector<std::string>{"asked", "legacy"}));
  EXPECT_EQ(candidates.to_be_met(false), std::vector<std::string>{"legacy"});
}

}  // namespace
}  // namespace ringside::core
