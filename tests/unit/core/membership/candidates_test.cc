#include "sidecar/core/membership/candidates.h"

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

using State = Candidate::State;
using Source = Candidates::Source;
using OldVerdict = Candidates::OldVerdict;

constexpr Duration kDeadAfter{2'000'000};
Instant at(int ms) { return Instant(Duration(ms * 1000)); }

class Table : public ::testing::Test {
 protected:
  void learn(const std::string& name, Source source = Source::kHost, OldVerdict old = OldVerdict::kStands,
             int now = 0) {
    candidates.learn(name, source, old, at(now));
  }
  Candidate& of(const std::string& name) { return *candidates.find(name); }

  Candidates candidates{"a", kDeadAfter};
};

TEST_F(Table, ANameIsAskedAtOnceAndRemembersWhoNamedIt) {
  learn("b", Source::kDiscovery, OldVerdict::kStands, 5);
  EXPECT_TRUE(of("b").listed);
  EXPECT_FALSE(of("b").named);
  EXPECT_TRUE(of("b").open());
  EXPECT_EQ(of("b").next_try, at(5));
  EXPECT_EQ(of("b").keep_until, at(5 + 8000));
  learn("b", Source::kHost, OldVerdict::kStands, 9);
  EXPECT_TRUE(of("b").named);
  EXPECT_EQ(of("b").first_named, at(9));
  learn("b", Source::kHost, OldVerdict::kStands, 20);
  EXPECT_EQ(of("b").first_named, at(9)) << "the first time counts";
}

TEST_F(Table, OnlyANameThatAsksForAttentionVoidsThatItIsGone) {
  for (const State state : {State::kRefused, State::kSilent, State::kClosed}) {
    learn("b");
    of("b").state = state;
    learn("b", Source::kDiscovery, OldVerdict::kStands, 10);
    EXPECT_EQ(of("b").state, state);
    learn("b", Source::kHost, OldVerdict::kIsVoid, 10);
    EXPECT_EQ(of("b").state, State::kAsking);
    EXPECT_EQ(of("b").first_asked, at(10));
  }
  of("b").state = State::kForeign;
  learn("b", Source::kHost, OldVerdict::kIsVoid, 10);
  EXPECT_EQ(of("b").state, State::kForeign) << "it did answer";
  of("b").state = State::kRefused;
  candidates.hold("b", "c", at(10));
  learn("b", Source::kHost, OldVerdict::kIsVoid, 10);
  EXPECT_EQ(of("b").state, State::kRefused) << "those who vouch for it say when it is alive";
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

TEST_F(Table, WhoIsReleasedAsksThoseWhoWereHeldUpOrRefused) {
  learn("held-up");
  learn("refused");
  learn("silent");
  of("held-up").held_up = true;
  of("held-up").next_try = of("silent").next_try = at(1000);
  of("refused").state = State::kRefused;
  of("silent").state = State::kSilent;
  candidates.release(at(50));
  EXPECT_FALSE(of("held-up").held_up);
  EXPECT_EQ(of("held-up").next_try, at(50));
  EXPECT_EQ(of("refused").state, State::kAsking);
  EXPECT_EQ(of("silent").state, State::kSilent);
  EXPECT_EQ(of("silent").next_try, at(1000));
}

}  // namespace
}  // namespace ringside::core
