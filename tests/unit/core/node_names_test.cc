// Hosts that answer and whose names cannot be used, two hosts of one name, and sources that name nobody: nobody founds
// a cluster beside another one for it.
#include <algorithm>

#include "tests/unit/core/node_fixture.h"

namespace ringside::core {
namespace {

class Names : public ::testing::Test {
 protected:
  // A host that announces `name`, and is listed by its address.
  void start(const std::string& name, const std::string& address) {
    cluster.addresses[address] = name;
    cluster.start(name);
  }
  // Every source of everybody names these addresses.
  void list(const std::vector<std::string>& addresses) {
    cluster.listed = addresses;
    cluster.converge();
  }
  bool ready(const std::string& name) { return cluster.node(name).status().phase == Phase::kReady; }
  std::string why(const std::string& name) { return cluster.node(name).status().not_ready_because; }
  void expect_held_up(const std::string& name, const std::string& because) {
    EXPECT_FALSE(ready(name)) << name;
    EXPECT_NE(why(name).find(because), std::string::npos) << why(name);
  }

  Cluster cluster;
};

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
        {"a", "leads to a here: set --host"}, {"c", "leads to this host here"}, {"nobody", "refuses connections here"}};
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
  expect_held_up("c", "a has b as a member, which refuses connections here");
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

TEST_F(Names, TheSameNameTwiceKeepsBothFromServing) {
  start("twin", "10.0.0.1");
  cluster.impostors["10.0.0.2"] = 7;  // another host of that name, of generation 7
  list({"10.0.0.1", "10.0.0.2"});
  cluster.pass(60'000'000);
  expect_held_up("twin", "10.0.0.2: it answers with this host's own name, twin: set another --host");
  cluster.impostors.clear();
  cluster.pass(3'000'000);
  EXPECT_TRUE(ready("twin")) << "the other has gone: " << why("twin");
}

// Nobody lists the other one: this host's own name leads there.
TEST_F(Names, AnOwnNameThatLeadsToAnotherHostOfThatNameKeepsItFromServing) {
  cluster.impostors["twin"] = 7;
  cluster.listed = {"twin"};
  cluster.start("twin");
  cluster.converge();
  cluster.pass(10'000'000);
  expect_held_up("twin", "twin: it answers with this host's own name, twin: set another --host");
  cluster.impostors.clear();
  cluster.pass(3'000'000);
  EXPECT_TRUE(ready("twin")) << "the other has gone: " << why("twin");
}

TEST_F(Names, OneThatIsAskedByAnotherOfItsNameStops) {
  cluster.start("twin");
  cluster.converge();
  ASSERT_TRUE(ready("twin"));
  // Its run began after the first one of this host, which begins another when it hears of it.
  const Sender other{"twin", cluster.node("twin").self().generation + 1, "default", 0};
  const auto ask = [&] { cluster.node("twin").peer_asked(cluster.now(), 99, other, "", PingRequest{}); };
  for (int second = 0; second < 10; ++second) {
    ask();
    cluster.pass(1'000'000);
  }
  expect_held_up("twin", "another host calls itself twin too: set another --host");
  cluster.pass(4'000'000);
  EXPECT_TRUE(ready("twin")) << "the other has gone: " << why("twin");
  cluster.start("a");
  cluster.converge();
  ASSERT_TRUE(ready("a"));
  ask();
  cluster.pass(1'000'000);
  EXPECT_TRUE(ready("twin")) << "it has a member, which knows it by that name";
}

TEST_F(Names, AnOwnNameThatLeadsNowhereHoldsNobodyUp) {
  cluster.unresolved = {{"a", "a"}};
  cluster.addresses["10.0.0.1"] = "a";
  cluster.listed = {"10.0.0.1"};
  cluster.start("a");
  cluster.converge();
  EXPECT_TRUE(ready("a")) << why("a");
}

TEST_F(Names, OneThatServedAloneStopsWhereAnotherHasItsName) {
  start("twin", "10.0.0.1");
  list({"10.0.0.1", "10.0.0.2"});
  ASSERT_TRUE(ready("twin"));
  cluster.impostors["10.0.0.2"] = 7;
  cluster.pass(3'000'000);
  expect_held_up("twin", "own name");
}

TEST_F(Names, AMemberGoesOnWhereAnotherComesWithItsName) {
  start("a", "a");
  start("twin", "twin");
  list({"a", "twin", "10.0.0.2"});
  ASSERT_TRUE(ready("a") && ready("twin"));
  cluster.impostors["10.0.0.2"] = 7;
  cluster.pass(10'000'000);
  EXPECT_TRUE(ready("a") && ready("twin"));
}

TEST_F(Names, NobodyFoundsBesideTwoHostsOfOneName) {
  start("a", "a");
  start("twin", "10.0.0.1");
  cluster.addresses["twin"] = "twin";
  cluster.impostors["10.0.0.2"] = 7;
  list({"a", "10.0.0.1", "10.0.0.2"});
  cluster.pass(60'000'000);
  expect_held_up("a", "10.0.0.2 answers as twin, and so does another host: set another --host");
  cluster.impostors.clear();
  cluster.pass(5'000'000);
  EXPECT_TRUE(ready("a") && ready("twin")) << why("a") << why("twin");
}

TEST_F(Names, ANameThatMovesToAnotherAddressIsAnOrdinaryRestart) {
  start("pod", "10.0.0.1");
  start("a", "a");
  list({"a", "10.0.0.1"});
  ASSERT_TRUE(ready("a") && ready("pod"));
  cluster.crash("pod");
  cluster.addresses.erase("10.0.0.1");
  start("pod", "10.0.0.5");
  list({"a", "10.0.0.5"});
  cluster.pass(5'000'000);
  EXPECT_TRUE(ready("a") && ready("pod")) << why("a") << why("pod");
  EXPECT_EQ(cluster.node("a").ring().hosts().size(), 2U);
}

TEST_F(Names, ASourceThatNamesNobodyIsNoPermission) {
  cluster.discovery_answers = false;
  cluster.start("a");
  cluster.node("a").discovered(cluster.now(), {}, false, "dns:shop has no addresses");
  cluster.pass(60'000'000);
  EXPECT_EQ(why("a"), "joining: dns:shop has no addresses");
  cluster.node("a").discovered(cluster.now(), {"a"}, true);
  cluster.pass(1'000'000);
  EXPECT_TRUE(ready("a")) << "its only source lists itself";
}

TEST_F(Names, AListOfNamesWithoutAddressesIsNoPermission) {
  cluster.unresolved = {{"a", "x.invalid"}};
  cluster.listed = {"x.invalid"};
  cluster.start("a");
  cluster.converge();
  cluster.pass(60'000'000);
  expect_held_up("a", "x.invalid cannot be resolved here");
  cluster.start("chosen", [](NodeConfig& config) { config.found_unlisted = true; });
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

TEST_F(Names, HowAHostEndedIsKnown) {
  start("a", "a");
  start("b", "b");
  start("c", "c");
  list({"a", "b", "c"});
  cluster.crash("b");
  cluster.pass(2'000'000);
  EXPECT_EQ(cluster.node("a").fate_of("b").find("b refused connections 1."), 0U) << cluster.node("a").fate_of("b");
  cluster.stop("c");
  cluster.pass(2'000'000);
  EXPECT_EQ(cluster.node("a").fate_of("c").find("c has been silent for "), 0U) << cluster.node("a").fate_of("c");
  cluster.pass(2'000'000);
  EXPECT_EQ(cluster.node("a").fate_of("c").find("c has been silent for "), 0U) << cluster.node("a").fate_of("c");
  EXPECT_EQ(cluster.node("a").fate_of("nobody"), "");
}

// Gateways own nothing; the hosts that they know of are restarted one after the other, or all at once.
TEST_F(Names, AHostThatEndedInOrderIsFoundAgainWithoutDiscovery) {
  cluster.start("gateway", [](NodeConfig& config) { config.has_app = false; });
  cluster.start("a");
  cluster.listed = {"a"};
  cluster.converge();
  cluster.discovery_answers = false;
  ASSERT_TRUE(ready("a") && ready("gateway"));
  cluster.node("a").drain(cluster.now());
  cluster.pass(500'000);
  cluster.node("a").close(cluster.now());
  cluster.pass(100'000);
  ASSERT_TRUE(cluster.node("gateway").ring().empty());
  const Token waits = cluster.call("gateway", 1);
  EXPECT_EQ(cluster.answer("gateway", waits), nullptr) << "waits for --hold-timeout";
  cluster.crash("a");
  cluster.pass(300'000);
  cluster.start("a");
  cluster.node("a").discovered(cluster.now(), {"a"}, true);
  cluster.pass(1'200'000);
  EXPECT_EQ(cluster.end_turns("a"), 1);
  ASSERT_NE(cluster.answer("gateway", waits), nullptr);
  EXPECT_EQ(cluster.answer("gateway", waits)->outcome, Outcome::kApplied);
}

// The gateway has not heard yet that a ends: a has nobody to send the call to, but the gateway may soon.
TEST_F(Names, ACallThatMeetsAHostAtItsEndGoesOnWaitingWhereItCameFrom) {
  cluster.start("gateway", [](NodeConfig& config) { config.has_app = false; });
  cluster.start("a");
  cluster.listed = {"a"};
  cluster.converge();
  cluster.passes = [](const std::string& from, const std::string& to, const PeerRequest&) {
    return from != "gateway" || to != "a";
  };
  cluster.node("a").drain(cluster.now());
  const Token token = cluster.call("gateway", 1);
  cluster.pass(100'000);
  cluster.node("a").close(cluster.now());
  cluster.pass(100'000);
  EXPECT_EQ(cluster.answer("gateway", token), nullptr);
  EXPECT_EQ(cluster.node("gateway").counters().forwards, 1U) << "what is sent there again is lost when it exits";
  cluster.crash("a");
  cluster.passes = nullptr;
  cluster.start("a");
  cluster.node("a").discovered(cluster.now(), {"a"}, true);
  cluster.pass(1'500'000);
  EXPECT_EQ(cluster.end_turns("a"), 1);
  ASSERT_NE(cluster.answer("gateway", token), nullptr);
  EXPECT_EQ(cluster.answer("gateway", token)->outcome, Outcome::kApplied);
}

TEST_F(Names, ACallWithoutAnOwnerWaitsAsLongAsForAChange) {
  cluster.start("gateway", [](NodeConfig& config) { config.has_app = false; });
  cluster.converge();
  const Token waits = cluster.call("gateway", 1);
  cluster.pass(1'900'000);
  EXPECT_EQ(cluster.answer("gateway", waits), nullptr);
  cluster.pass(200'000);
  ASSERT_NE(cluster.answer("gateway", waits), nullptr);
  EXPECT_EQ(cluster.answer("gateway", waits)->reason, Reason::kNoOwner);
  const Token last = cluster.call("gateway", 1);
  cluster.node("gateway").close(cluster.now());
  cluster.pass(100'000);
  EXPECT_NE(cluster.answer("gateway", last), nullptr) << "nobody comes any more";
}

}  // namespace
}  // namespace ringside::core
