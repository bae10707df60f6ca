#include "sidecar/core/membership/view.h"

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

class Views : public ::testing::Test {
 protected:
  Views() {
    view.begin_run(1);
    EXPECT_TRUE(view.set_phase(Phase::kJoining)) << "the ring before was empty, and not nothing";
  }
  void admit(const std::string& host, Phase phase, Generation generation = 7) {
    EXPECT_TRUE(view.admit({host, generation}, phase, false, 16));
    view.check();
  }
  std::vector<std::string> on_ring() const { return view.ring()->hosts(); }

  View view{"a", true, 16, 16};
};

TEST_F(Views, AHostWithoutARunOrAnApplicationIsNotOnItsRing) {
  View early("a", true, 16, 16);
  EXPECT_FALSE(early.set_phase(Phase::kReady));
  EXPECT_TRUE(early.ring()->empty());
  early.check();
  View gateway("a", false, 16, 16);
  gateway.begin_run(1);
  EXPECT_FALSE(gateway.set_phase(Phase::kReady));
  EXPECT_TRUE(gateway.ring()->empty());
  gateway.check();
}

TEST_F(Views, TheRingFollowsThisHostsPhase) {
  EXPECT_EQ(on_ring(), std::vector<std::string>{"a"});
  EXPECT_FALSE(view.set_phase(Phase::kReady)) << "it is on it already";
  const Ring::Ptr before = view.set_phase(Phase::kDraining);
  ASSERT_TRUE(before);
  EXPECT_TRUE(before->contains("a"));
  EXPECT_TRUE(on_ring().empty());
  view.check();
}

TEST_F(Views, TheRingFollowsTheMembers) {
  admit("b", Phase::kJoining);
  admit("c", Phase::kReady);
  EXPECT_FALSE(view.admit({"d", 7}, Phase::kDrained, false, 16)) << "off the ring";
  EXPECT_FALSE(view.admit({"e", 7}, Phase::kReady, true, 16)) << "only routes";
  EXPECT_TRUE(view.admit({"legacy", 0}, Phase::kUnspecified, false, 0)) << "knows no phases";
  EXPECT_EQ(on_ring(), (std::vector<std::string>{"a", "b", "c", "legacy"}));
  const View::Removed removed = view.remove("b");
  EXPECT_EQ(removed.member.run, (HostRun{"b", 7}));
  ASSERT_TRUE(removed.ring_before);
  EXPECT_TRUE(removed.ring_before->contains("b"));
  EXPECT_FALSE(view.remove("d").ring_before) << "it was not on it";
  EXPECT_EQ(on_ring(), (std::vector<std::string>{"a", "c", "legacy"}));
  EXPECT_EQ(view.find("b"), nullptr);
  view.check();
}

TEST_F(Views, NoMemberComesBackOntoTheRing) {
  struct Case {
    Phase from, to;
    bool advances, leaves;
  };
  for (const auto& [from, to, advances, leaves] :
       {Case{Phase::kJoining, Phase::kReady, true, false}, Case{Phase::kReady, Phase::kReady, false, false},
        Case{Phase::kReady, Phase::kDraining, true, true}, Case{Phase::kReady, Phase::kAppDown, true, true},
        Case{Phase::kDraining, Phase::kDrained, true, false}, Case{Phase::kDraining, Phase::kReady, false, false},
        Case{Phase::kAppDown, Phase::kJoining, false, false},
        Case{Phase::kDraining, Phase::kUnspecified, false, false}}) {
    View one("a", true, 16, 16);
    const Ring::Ptr before = one.admit({"b", 7}, from, false, 16);
    EXPECT_EQ(before != nullptr, core::on_ring(from));
    const View::Advance advance = one.advance(*one.find("b"), to);
    EXPECT_EQ(advance.advanced, advances) << to_string(from) << " to " << to_string(to);
    EXPECT_EQ(advance.left_ring, leaves) << to_string(from) << " to " << to_string(to);
    EXPECT_EQ(advance.ring_before != nullptr, leaves);
    EXPECT_EQ(one.find("b")->phase, advances ? to : from);
    if (advances) {
      EXPECT_EQ(advance.from, from);
    }
    one.check();
  }
}

TEST_F(Views, SuccessorsAreTheOwnerAndWhoeverOwnsWithoutAJoiner) {
  EXPECT_TRUE(view.set_phase(Phase::kDraining));
  admit("b", Phase::kReady);
  EXPECT_EQ(view.successors(1).hosts, std::set<std::string>{"b"});
  EXPECT_TRUE(view.admit({"legacy", 0}, Phase::kUnspecified, false, 0));
  admit("joiner", Phase::kJoining);
  std::set<std::set<std::string>> seen;
  for (ActorId id = 1; id <= 1000; ++id) {
    seen.insert(view.successors(id).hosts);
    EXPECT_TRUE(view.successors(id).one_serves);
    EXPECT_FALSE(view.is_successor(id)) << "it is off the ring";
  }
  const std::set<std::set<std::string>> possible = {{"b"}, {"joiner", "b"}, {"joiner"}, {}};
  EXPECT_EQ(seen, possible) << "a legacy host is not a successor, and ends the search";
}

TEST_F(Views, JoinersAloneDoNotServe) {
  EXPECT_TRUE(view.set_phase(Phase::kDraining));
  EXPECT_FALSE(view.successors(1).one_serves) << "nobody is left";
  admit("joiner", Phase::kJoining);
  admit("second", Phase::kJoining);
  EXPECT_EQ(view.successors(1).hosts, (std::set<std::string>{"joiner", "second"}));
  EXPECT_FALSE(view.successors(1).one_serves);
  admit("b", Phase::kReady);
  EXPECT_TRUE(view.successors(1).one_serves);
}

TEST_F(Views, ThisHostIsASuccessorAlsoBehindJoiners) {
  admit("b", Phase::kReady);
  admit("joiner", Phase::kJoining);
  std::set<std::pair<std::string, bool>> seen;
  for (ActorId id = 1; id <= 1000; ++id) seen.emplace(*view.ring()->owner(id), view.is_successor(id));
  const std::set<std::pair<std::string, bool>> possible = {
      {"a", true}, {"b", false}, {"joiner", true}, {"joiner", false}};
  EXPECT_EQ(seen, possible);
}

TEST(ViewDeathTest, WhatCannotBeEndsTheProcess) {
  View view("a", true, 16, 16);
  view.begin_run(5);
  EXPECT_DEATH(view.begin_run(5), "this cannot happen") << "generations grow";
  EXPECT_DEATH((void)view.remove("b"), "this cannot happen") << "not a member";
  EXPECT_DEATH((void)view.admit({"a", 7}, Phase::kReady, false, 16), "this cannot happen") << "this host itself";
  (void)view.set_phase(Phase::kJoining);
  (void)view.admit({"b", 7}, Phase::kReady, false, 16);
  EXPECT_DEATH((void)view.admit({"b", 8}, Phase::kReady, false, 16), "this cannot happen") << "a member already";
  view.find("b")->phase = Phase::kDrained;
  EXPECT_DEATH(view.check(), "this cannot happen") << "a phase that was changed behind its back";
}

}  // namespace
}  // namespace ringside::core
