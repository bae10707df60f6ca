// Hosts that answer and whose names cannot be used, and sources that name nobody: nobody bootstraps a cluster beside
// another one for it.
#include <algorithm>

#include "tests/unit/core/names_fixture.h"

namespace ringside::core {
namespace {

TEST_F(Names, TwoThatCannotResolveOneAnotherDoNotServeBesideOneAnother) {
  cluster.unresolved = {{"a", "b"}, {"b", "a"}};
  start("a", "10.0.0.1");
  start("b", "10.0.0.2");
  list({"10.0.0.1", "10.0.0.2"});
  cluster.pass(60'000'000);
  expect_held_up("a", "10.0.0.2 answers as b, which cannot be resolved here: set --host");
  expect_held_up("b", "10.0.0.1 answers as a, which cannot be resolved here: set --host");
  const auto shown = cluster.node("a").members(cluster.now().mono);
  EXPECT_TRUE(std::any_of(shown.begin(), shown.end(),
                          [](const MemberStatus& one) { return one.problem.find("10.0.0.2 answers as b") == 0; }));
  cluster.unresolved.clear();
  cluster.pass(5'000'000);
  EXPECT_TRUE(ready("a") && ready("b")) << why("a") << why("b");
  EXPECT_EQ(cluster.node("a").ring().hosts().size(), 2U);
}

TEST_F(Names, ANameThatResolvesAtOneSideOnlyIsNotEnough) {
  cluster.unresolved = {{"a", "b"}};
  start("a", "10.0.0.1");
  start("b", "10.0.0.2");
  list({"10.0.0.1", "10.0.0.2"});
  cluster.pass(60'000'000);
  expect_held_up("a", "10.0.0.2 answers as b, which cannot be resolved here");
  expect_held_up("b", "a: it does not reach this host under the name b: is --host right?");
  cluster.unresolved.clear();
  cluster.pass(5'000'000);
  EXPECT_TRUE(ready("a") && ready("b")) << why("a") << why("b");
}

TEST_F(Names, OneThatServesIsNotJoinedBesideByAnotherThatItCannotResolve) {
  cluster.unresolved = {{"a", "b"}};
  start("a", "a");
  cluster.listed = {"a"};
  cluster.converge();
  ASSERT_TRUE(ready("a"));
  start("b", "b");
  list({"a", "b"});
  cluster.pass(60'000'000);
  EXPECT_TRUE(ready("a")) << "it serves already";
  expect_held_up("b", "it does not reach this host under the name b");
  cluster.unresolved.clear();
  cluster.pass(5'000'000);
  EXPECT_TRUE(ready("b")) << why("b");
}

TEST_F(Names, OneThatCannotBeReachedHoldsUpNobodyWhoJoinsAClusterThatDoesNotKnowIt) {
  cluster.unresolved = {{"a", "odd"}, {"b", "odd"}, {"c", "odd"}};
  start("a", "10.0.0.1");
  start("b", "10.0.0.2");
  list({"10.0.0.1", "10.0.0.2"});
  ASSERT_TRUE(ready("a") && ready("b"));
  start("odd", "10.0.0.9");
  list({"10.0.0.1", "10.0.0.2", "10.0.0.9"});
  start("c", "10.0.0.3");
  list({"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.9"});
  cluster.pass(10'000'000);
  EXPECT_TRUE(ready("c")) << why("c");
  EXPECT_FALSE(ready("odd"));
  EXPECT_EQ(cluster.node("a").ring().hosts(), (std::vector<std::string>{"a", "b", "c"}));
}

TEST_F(Names, AMemberOfTheOthersThatIsOutOfReachIsWaitedForAsLongAsTheyHearIt) {
  start("a", "a");
  start("b", "b");
  list({"a", "b"});
  ASSERT_TRUE(ready("a") && ready("b"));
  cluster.unresolved = {{"c", "b"}};
  start("c", "c");
  cluster.node("c").discovered(cluster.now(), {"a"}, true);
  cluster.listed = {"a"};
  cluster.pass(60'000'000);
  expect_held_up("c", "b");
  EXPECT_TRUE(ready("a") && ready("b"));
  cluster.unresolved.clear();
  cluster.pass(5'000'000);
  EXPECT_TRUE(ready("c")) << why("c");
}

TEST_F(Names, AMemberOfTheOthersWhoseNameLeadsElsewhereIsNotServedBeside) {
  for (const std::string elsewhere : {"a", "c", "nobody"}) {
    Cluster fresh;
    std::swap(cluster, fresh);
    start("a", "a");
    start("b", "b");
    list({"a", "b"});
    ASSERT_TRUE(ready("a") && ready("b"));
    cluster.led_astray = {{{"c", "b"}, elsewhere}};
    start("c", "c");
    cluster.node("c").discovered(cluster.now(), {"a"}, true);
    cluster.listed = {"a"};
    cluster.pass(60'000'000);
    const std::map<std::string, std::string> because = {
        {"a", "leads to a here: set --host"}, {"c", "leads to this host here"}, {"nobody", "does not answer here"}};
    expect_held_up("c", "a has b as a member, which " + because.at(elsewhere));
    EXPECT_EQ(cluster.node("a").ring().hosts().size(), 2U) << "no share for one that cannot serve";
    cluster.led_astray.clear();
    cluster.pass(15'000'000);
    EXPECT_TRUE(ready("c")) << why("c");
    EXPECT_EQ(cluster.node("c").ring().hosts().size(), 3U);
  }
}

// b is restarted while c, which is told of its last run by a, finds nobody under its name: it asks c to take it in.
TEST_F(Names, OneThatComesBackAndSpeaksForItselfIsNotTakenForGone) {
  start("a", "a");
  start("b", "b");
  list({"a", "b"});
  cluster.passes = [](const std::string& from, const std::string& to, const PeerRequest& request) {
    return from != "a" || to != "b" || !std::holds_alternative<PingRequest>(request);  // a is slow to notice
  };
  cluster.crash("b");
  start("c", "c");
  cluster.node("c").discovered(cluster.now(), {"a"}, true);
  cluster.listed = {"a"};
  cluster.pass(200'000);
  expect_held_up("c", "a has b as a member, which does not answer here");
  cluster.crash("a");
  start("b", "b");
  cluster.node("b").discovered(cluster.now(), {"c"}, true);
  cluster.pass(10'000'000);
  EXPECT_TRUE(ready("b") && ready("c")) << why("b") << why("c");
  EXPECT_EQ(cluster.node("b").ring().hosts(), (std::vector<std::string>{"b", "c"}));
}

TEST_F(Names, AMemberOfTheOthersThatIsDeadForThemIsNotWaitedFor) {
  start("a", "a");
  start("b", "b");
  list({"a", "b"});
  cluster.crash("b");  // a pings it twice a second; whoever asks a about it makes a look at once
  start("c", "c");
  cluster.node("c").discovered(cluster.now(), {"a"}, true);
  cluster.listed = {"a"};
  cluster.pass(300'000);
  EXPECT_TRUE(ready("c")) << why("c");
}

// c asks only a, which is joining when it answers, and names nobody whom it has not met.
TEST_F(Names, WhomAJoinerHasMetMeanwhileIsHeardOfOnceItServes) {
  cluster.unresolved = {{"c", "b"}};
  start("b", "b");
  list({"b"});
  ASSERT_TRUE(ready("b"));
  cluster.passes = [](const std::string& from, const std::string& to, const PeerRequest& request) {
    return from != "a" || to != "b" || !std::holds_alternative<JoinRequest>(request);
  };
  start("a", "a");
  start("c", "c");
  cluster.listed = {"a", "b"};
  cluster.node("a").discovered(cluster.now(), {"a", "b"}, true);
  cluster.node("c").discovered(cluster.now(), {"a"}, true);
  cluster.pass(200'000);
  ASSERT_FALSE(ready("a") || ready("c"));
  cluster.passes = nullptr;
  cluster.pass(30'000'000);
  EXPECT_TRUE(ready("a")) << why("a");
  expect_held_up("c", "has b as a member, which cannot be resolved here");
}

// a cannot name c, and b can: what b has given c is taken back, and calls go on where they were served.
TEST_F(Names, OneThatAMemberCannotReachKeepsNoShareWithTheOthers) {
  start("a", "a");
  start("b", "b");
  list({"a", "b"});
  cluster.unresolved = {{"a", "c"}};
  start("c", "c");
  list({"a", "b", "c"});
  cluster.pass(30'000'000);
  expect_held_up("c", "it does not reach this host under the name c");
  EXPECT_EQ(cluster.node("b").ring().hosts(), (std::vector<std::string>{"a", "b"}));
  cluster.unresolved.clear();
  cluster.pass(3'000'000);
  EXPECT_TRUE(ready("c")) << why("c");
  EXPECT_EQ(cluster.node("a").ring().hosts().size(), 3U);
}

TEST_F(Names, TwoThatAreReleasedAtOnceDoNotFoundBesideOneAnother) {
  for (const char* one : {"a", "b"}) {
    cluster.unresolved.insert({one, "c"});
    cluster.unresolved.insert({"c", one});
  }
  start("a", "10.0.0.1");
  start("b", "10.0.0.2");
  start("c", "10.0.0.3");
  list({"10.0.0.1", "10.0.0.2", "10.0.0.3"});
  cluster.pass(30'000'000);
  expect_held_up("a", "cannot be resolved");
  expect_held_up("b", "cannot be resolved");
  cluster.crash("c");
  cluster.pass(15'000'000);
  EXPECT_TRUE(ready("a") && ready("b")) << why("a") << why("b");
  EXPECT_EQ(cluster.node("a").ring().hosts(), (std::vector<std::string>{"a", "b"}));
}

// a is held up while b, which has asked it in vain, goes on by itself.
TEST_F(Names, WhoeverAskedOneThatWasHeldUpIsAskedByIt) {
  cluster.unresolved = {{"a", "d"}, {"d", "a"}};
  start("a", "10.0.0.1");
  start("d", "10.0.0.4");
  list({"10.0.0.1", "10.0.0.4"});
  cluster.pass(5'000'000);
  expect_held_up("a", "cannot be resolved");
  cluster.discovery_answers = false;
  start("b", "b");
  cluster.node("b").discovered(cluster.now(), {"b", "a"}, true);
  cluster.pass(500'000);
  ASSERT_TRUE(ready("b")) << "a, which is held up, will ask it: " << why("b");
  cluster.crash("d");
  cluster.pass(15'000'000);
  EXPECT_TRUE(ready("a")) << why("a");
  EXPECT_EQ(cluster.node("a").ring().hosts(), (std::vector<std::string>{"a", "b"}));
}

// d, which cannot name c, tells it that it is held up: by b, a member of a. b goes, and d asks a anew who is there.
// Only then does a take c in: what d said is of no use any more.
TEST_F(Names, WhatOneThatWasHeldUpSaidBeforeItsMembersTookThisHostInIsVoid) {
  cluster.unresolved = {{"d", "b"}, {"d", "c"}};
  start("a", "10.0.0.1");
  start("b", "10.0.0.2");
  list({"10.0.0.1", "10.0.0.2"});
  start("d", "10.0.0.4");
  list({"10.0.0.1", "10.0.0.2", "10.0.0.4"});
  expect_held_up("d", "a has b as a member, which cannot be resolved here");
  cluster.passes = [](const std::string& from, const std::string& to, const PeerRequest& request) {
    return from != "c" || to != "a" || !std::holds_alternative<JoinRequest>(request);
  };
  cluster.discovery_answers = false;
  start("c", "10.0.0.3");
  cluster.node("c").discovered(cluster.now(), {"10.0.0.1", "10.0.0.3", "10.0.0.4"}, true);
  cluster.pass(500'000);
  cluster.passes = [](const std::string& from, const std::string& to, const PeerRequest& request) {
    return from != "c" || (to == "a" && !std::holds_alternative<JoinRequest>(request));  // c hears nothing new of d
  };
  cluster.crash("b");
  cluster.pass(1'200'000);
  ASSERT_FALSE(ready("c") || ready("d"));
  cluster.passes = [](const std::string& from, const std::string& to, const PeerRequest&) {
    return from != "c" || to == "a";
  };
  cluster.pass(1'200'000);
  cluster.passes = nullptr;
  for (int i = 0; i < 100; ++i) {
    cluster.pass(200'000);
    EXPECT_FALSE(ready("c") && ready("d")) << "they cannot deal with one another: " << i;
  }
  EXPECT_TRUE(ready("d")) << why("d");
  expect_held_up("c", "it does not reach this host under the name c");
}

// b and c join anew, cut off from one another: a has both. Neither may take the other, which it has as a member from
// before, for dead, and go on: only a can say so.
TEST_F(Names, AMemberThatIsSilentForAJoinerIsNotDeadWhereOthersHaveIt) {
  for (const char* one : {"a", "b", "c"}) start(one, one);
  list({"a", "b", "c"});
  cluster.passes = [](const std::string& from, const std::string& to, const PeerRequest&) {
    return (from != "b" || to != "c") && (from != "c" || to != "b");
  };
  for (const char* one : {"b", "c"}) {
    cluster.node(one).drain(cluster.now());
    cluster.node(one).uncordon(cluster.now());
  }
  for (int i = 0; i < 50; ++i) {
    cluster.pass(200'000);
    EXPECT_FALSE(ready("b") && ready("c")) << i;
  }
  cluster.passes = nullptr;
  cluster.pass(15'000'000);
  EXPECT_TRUE(ready("b") && ready("c")) << why("b") << why("c");
  EXPECT_EQ(cluster.node("a").ring().hosts().size(), 3U);
}

TEST_F(Names, OneWhoseNameLeadsToAnotherHostIsOutOfReach) {
  start("a", "10.0.0.1");
  start("b", "10.0.0.2");
  start("c", "10.0.0.3");
  cluster.addresses["b"] = "c";
  list({"10.0.0.1", "10.0.0.2"});
  cluster.pass(60'000'000);
  expect_held_up("a", "10.0.0.2 answers as b, which is c here: set --host");
}

TEST_F(Names, OneThatHasGoneIsNotWaitedFor) {
  cluster.unresolved = {{"a", "b"}};
  start("a", "10.0.0.1");
  start("b", "10.0.0.2");
  list({"10.0.0.1", "10.0.0.2"});
  cluster.pass(1'000'000);
  ASSERT_FALSE(ready("a"));
  cluster.crash("b");
  cluster.pass(12'000'000);
  EXPECT_TRUE(ready("a")) << why("a");
}

TEST_F(Names, ASourceThatNamesNobodyGivesNoPermission) {
  cluster.discovery_answers = false;
  cluster.start("a");
  cluster.node("a").discovered(cluster.now(), {}, false, "dns:shop has no addresses");
  cluster.pass(60'000'000);
  EXPECT_EQ(why("a"), "joining: dns:shop has no addresses");
  cluster.node("a").discovered(cluster.now(), {"a"}, true);
  cluster.pass(1'000'000);
  EXPECT_TRUE(ready("a")) << "its only source lists itself";
}

TEST_F(Names, AListOfNamesWithoutAddressesGivesNoPermission) {
  cluster.unresolved = {{"a", "x.invalid"}};
  cluster.listed = {"x.invalid"};
  cluster.start("a");
  cluster.converge();
  cluster.pass(60'000'000);
  expect_held_up("a", "x.invalid cannot be resolved here");
  cluster.start("chosen", [](NodeConfig& config) { config.bootstrap_unlisted = true; });
  cluster.unresolved.insert({"chosen", "x.invalid"});
  cluster.converge();
  cluster.pass(15'000'000);
  EXPECT_TRUE(ready("chosen")) << "--min-members was given: " << why("chosen");
}

TEST_F(Names, AListThatNamesThisHostTooIsOne) {
  cluster.unresolved = {{"a", "x.invalid"}};
  cluster.listed = {"a", "x.invalid"};
  cluster.start("a");
  cluster.converge();
  cluster.pass(15'000'000);
  EXPECT_TRUE(ready("a")) << "a name that leads nowhere is waited for like a silent host: " << why("a");
}

}  // namespace
}  // namespace ringside::core
