// What is kept for those who ask later what has happened, and why.
#include <algorithm>
#include <variant>

#include "tests/unit/core/node_fixture.h"

namespace ringside::core {
namespace {

struct Told : ::testing::Test {
  void start(const std::vector<std::string>& names) {
    for (const std::string& name : names) cluster.start(name);
    cluster.converge();
    for (const std::string& name : names) ASSERT_EQ(cluster.node(name).status().phase, Phase::kReady) << name;
    for (const std::string& name : names) cluster[name].events.clear();
  }
  // Those of one kind, of one host's.
  std::vector<HostEvent> told(const std::string& name, EventKind kind) {
    std::vector<HostEvent> all;
    std::ranges::copy_if(cluster[name].events, std::back_inserter(all),
                         [kind](const HostEvent& event) { return event.kind == kind; });
    return all;
  }
  HostEvent the(const std::string& name, EventKind kind) {
    const auto all = told(name, kind);
    EXPECT_EQ(all.size(), 1U) << to_string(kind);
    return all.empty() ? HostEvent() : all.front();
  }
  template <typename T>
  static T fact(const HostEvent& event, const std::string& name) {
    for (const auto& [known, value] : event.facts) {
      if (known == name) return std::get<T>(value);
    }
    ADD_FAILURE() << name << " is not told";
    return {};
  }
  static bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

  Cluster cluster;
};

TEST_F(Told, ADeathWithWhoSaysSoAndWhatTheOthersSaid) {
  start({"a", "b", "c"});
  cluster.stop("c");
  cluster.pass(4'000'000);
  const HostEvent suspected = the("a", EventKind::kMemberSuspected);
  EXPECT_EQ(suspected.host, "c");
  const HostEvent died = the("a", EventKind::kMemberDied);
  EXPECT_EQ(died.host, "c");
  EXPECT_EQ(died.by, "") << "this host's own word";
  EXPECT_TRUE(has(died.why, "it has not answered for 2.")) << died.why;
  EXPECT_TRUE(has(died.why, "1 member was asked whether it is heard: 0 said yes, 1 said no (b)")) << died.why;
  EXPECT_TRUE(has(died.why, "; this host itself was late by 0.")) << died.why;
  EXPECT_EQ(fact<std::string>(died, "cause"), "silent");
  EXPECT_EQ(fact<std::uint64_t>(died, "asked"), 1U);
  EXPECT_EQ(fact<std::uint64_t>(died, "not_heard_by"), 1U);
  EXPECT_GE(fact<std::uint64_t>(died, "last_answer_ms"), 2'500U);
  ASSERT_TRUE(died.lasted);
  EXPECT_GT(*died.lasted, Duration(2'500'000)) << "how long it was a member";
}

TEST_F(Told, AnAccuserThatWasLateItselfSaysSo) {
  start({"a", "b"});
  cluster.stop("b");
  cluster.pass(2'000'000);
  cluster.stop("a");
  cluster.pass(800'000);
  cluster.go_on("a");
  cluster.pass(3'000'000);
  EXPECT_GE(fact<std::uint64_t>(the("a", EventKind::kMemberDied), "own_lateness_ms"), 500U);
}

TEST_F(Told, ARefusedConnectionIsADeathToo) {
  start({"a", "b", "c"});
  cluster.crash("c");
  cluster.pass(2'000'000);
  const HostEvent died = the("a", EventKind::kMemberDied);
  EXPECT_TRUE(has(died.why, "no process listens there")) << died.why;
  EXPECT_EQ(fact<std::string>(died, "cause"), "refused");
}

TEST_F(Told, ASuspicionHasAnEnd) {
  start({"a", "b", "c"});
  cluster.passes = [](const std::string& from, const std::string& to, const PeerRequest&) {
    return from != "a" || to != "c";
  };
  cluster.pass(2'500'000);
  cluster.passes = nullptr;
  cluster.pass(1'000'000);
  EXPECT_EQ(told("a", EventKind::kMemberSuspected).size(), 1U);
  const HostEvent ended = the("a", EventKind::kSuspicionEnded);
  EXPECT_EQ(ended.by, "c");
  EXPECT_TRUE(has(ended.why, "it has answered; 1 member was asked whether it is heard: 1 said yes (b)")) << ended.why;
  ASSERT_TRUE(ended.lasted);
  EXPECT_GT(*ended.lasted, Duration(1'000'000));
  EXPECT_TRUE(told("a", EventKind::kMemberDied).empty());
}

TEST_F(Told, AChangeOfTheRingWithHowMuchMoved) {
  start({"a", "b"});
  const double of_b = cluster.node("a").ring().shares()[1];
  cluster.crash("b");
  cluster.pass(2'000'000);
  const HostEvent changed = the("a", EventKind::kRingChanged);
  EXPECT_EQ(changed.host, "b");
  EXPECT_NEAR(fact<double>(changed, "moved"), of_b, 1e-9);
  EXPECT_NEAR(fact<double>(changed, "own_share_before"), 1 - of_b, 1e-9);
  EXPECT_NEAR(fact<double>(changed, "own_share"), 1, 1e-9);
  EXPECT_TRUE(has(changed.why, "b left it: ")) << changed.why;
}

TEST_F(Told, AHostsOwnComingOntoTheRing) {
  start({"a", "b"});
  cluster.start("c");
  cluster.converge();
  const double of_c = cluster.node("c").ring().shares()[2];
  const HostEvent came = the("c", EventKind::kRingChanged);
  EXPECT_EQ(came.host, "c");
  EXPECT_TRUE(has(came.why, "c came onto it: ")) << came.why;
  EXPECT_NEAR(fact<double>(came, "moved"), of_c, 1e-9);
  EXPECT_EQ(fact<double>(came, "own_share_before"), 0);
  EXPECT_NEAR(fact<double>(came, "own_share"), of_c, 1e-9);
  const auto& events = cluster["c"].events;
  const auto kind = [](EventKind of) { return [of](const HostEvent& event) { return event.kind == of; }; };
  EXPECT_LT(std::ranges::find_if(events, kind(EventKind::kJoined)),
            std::ranges::find_if(events, kind(EventKind::kRingChanged)));
}

TEST_F(Told, AFounderHasTheWholeRing) {
  cluster.start("a");
  cluster.converge();
  const HostEvent came = the("a", EventKind::kRingChanged);
  EXPECT_EQ(fact<double>(came, "own_share_before"), 0);
  EXPECT_EQ(fact<double>(came, "own_share"), 1);
}

TEST_F(Told, AHostThatComesBackOntoTheRing) {
  start({"a", "b", "c"});
  const double of_c = cluster.node("c").ring().shares()[2];
  const auto there_and_back = [&](auto&& leave, auto&& come) {
    cluster["c"].events.clear();
    leave(cluster.node("c"));
    cluster.pass(1'000'000);
    come(cluster.node("c"));
    cluster.pass(2'000'000);
    ASSERT_EQ(cluster.node("c").status().phase, Phase::kReady);
    const auto changes = told("c", EventKind::kRingChanged);
    ASSERT_EQ(changes.size(), 2U);
    EXPECT_EQ(fact<double>(changes[0], "own_share"), 0);
    EXPECT_TRUE(has(changes[1].why, "c came onto it: ")) << changes[1].why;
    EXPECT_EQ(fact<double>(changes[1], "own_share_before"), 0);
    EXPECT_NEAR(fact<double>(changes[1], "own_share"), of_c, 1e-9);
  };
  there_and_back([&](Node& node) { node.drain(cluster.now()); }, [&](Node& node) { node.uncordon(cluster.now()); });
  there_and_back([&](Node& node) { node.app_down(cluster.now(), "503 from /healthz", true); },
                 [&](Node& node) { node.app_up(cluster.now()); });
  there_and_back([&](Node& node) { node.app_down(cluster.now(), "refused", false); },
                 [&](Node& node) { node.app_up(cluster.now()); });
}

TEST_F(Told, AJoinerFindsOutWhoIsOnTheRingAndThatIsNoChange) {
  start({"a", "b"});
  cluster.start(
      "c", [](NodeConfig& config) { config.has_app = false; }, false);
  cluster.converge();
  ASSERT_TRUE(cluster.node("c").status().joined);
  EXPECT_TRUE(told("c", EventKind::kRingChanged).empty());
  cluster.crash("b");
  cluster.pass(2'000'000);
  const HostEvent changed = the("c", EventKind::kRingChanged);
  EXPECT_EQ(changed.host, "b");
  EXPECT_EQ(fact<double>(changed, "own_share_before"), 0);
}

TEST_F(Told, WhoCameAndWentWhileAHostJoinedAnewIsOneChange) {
  start({"a", "b", "c"});
  cluster.node("a").app_down(cluster.now(), "refused", false);
  cluster.pass(1'000'000);
  cluster["a"].events.clear();
  cluster.node("a").app_up(cluster.now());
  cluster.passes = [](const std::string&, const std::string& to, const PeerRequest& request) {
    return to != "b" || !std::holds_alternative<JoinRequest>(request);
  };
  cluster.pass(200'000);
  ASSERT_FALSE(cluster.node("a").status().joined);
  cluster.crash("c");
  cluster.pass(1'000'000);
  ASSERT_TRUE(told("a", EventKind::kRingChanged).empty()) << "it has not joined yet";
  cluster.passes = nullptr;
  cluster.pass(3'000'000);
  const HostEvent changed = the("a", EventKind::kRingChanged);
  EXPECT_EQ(changed.host, "") << "it is about two";
  EXPECT_TRUE(has(changed.why, "a came onto it, c left it: ")) << changed.why;
}

TEST_F(Told, AHostThatMayNotJoinSaysWhy) {
  start({"a", "b"});
  cluster.start("c", [](NodeConfig& config) { config.points = 64; });
  cluster.converge();
  ASSERT_FALSE(cluster.node("c").status().joined);
  const auto told_by_c = told("c", EventKind::kHostUnusable);
  ASSERT_EQ(told_by_c.size(), 2U) << "once for each";
  EXPECT_EQ(told_by_c[0].host, "a");
  EXPECT_EQ(told_by_c[0].why, "a has --points 512, and c has --points 64: all hosts of a cluster need the same");
  EXPECT_EQ(told_by_c[1].host, "b");
}

TEST_F(Told, ATwinThatComesLaterSaysSoToo) {
  cluster.impostors["10.0.0.2"] = 7;
  cluster.listed = {"10.0.0.2"};
  cluster.start("twin");
  cluster.converge();
  const HostEvent twin = the("twin", EventKind::kTwin);
  EXPECT_EQ(twin.host, "10.0.0.2");
  EXPECT_TRUE(has(twin.why, "it answers with this host's own name, twin")) << twin.why;
  EXPECT_TRUE(told("twin", EventKind::kHostUnusable).empty());
}

// Else whoever names addresses to this host could learn from its events what listens there.
TEST_F(Told, OfAnAddressThatNobodyAnswersForAndNobodyListsNothingIsTold) {
  cluster.passes = [](const std::string&, const std::string& to, const PeerRequest&) {
    return to != "silent" && to != "hearsay";
  };
  cluster.listed = {"b", "silent"};
  cluster.start("b");
  cluster.converge();
  cluster.node("b").peer_asked(cluster.now(), ReplyId(1), {"a", 7, "default", 0}, "",
                               NegotiateRequest{{"hearsay"}, "default", 512});
  cluster.pass(2'000'000);
  const auto known = cluster.node("b").members(cluster.now().mono);
  ASSERT_TRUE(std::ranges::any_of(known, [](const MemberStatus& one) { return one.host == "hearsay"; }));
  cluster.pass(30'000'000);
  ASSERT_TRUE(cluster.node("b").status().joined) << "without the two";
  std::set<std::string> hosts;
  for (const HostEvent& event : told("b", EventKind::kHostUnusable)) hosts.insert(event.host);
  EXPECT_EQ(hosts, std::set<std::string>{"silent"});
}

TEST_F(Told, TheFirstPhaseLastsFromTheStartOfTheProcess) {
  cluster.start("b");
  Node node(
      [] {
        NodeConfig config;
        config.host = "a";
        return config;
      }(),
      1);
  node.start(cluster.now(), false, "connection refused", Duration(102'000));
  for (const Effect& effect : node.take_effects()) {
    const auto* event = std::get_if<HostEvent>(&effect);
    if (event != nullptr && event->kind == EventKind::kPhaseChanged) {
      EXPECT_EQ(event->lasted, Duration(102'000));
      return;
    }
  }
  FAIL() << "no phase_changed";
}

TEST_F(Told, ADrainOnWhoseWordAndHowLongItTook) {
  start({"a"});
  cluster.auto_confirm = false;
  cluster.call("a", 1);
  cluster.end_turns("a");
  cluster.node("a").drain(cluster.now(), "operator (127.0.0.1)");
  cluster.pass(6'000'000);
  const HostEvent begun = the("a", EventKind::kDrainBegun);
  EXPECT_TRUE(has(begun.why, ": 1 actor")) << begun.why;
  EXPECT_FALSE(has(begun.why, "actors")) << begun.why;
  EXPECT_EQ(begun.by, "operator (127.0.0.1)");
  EXPECT_EQ(fact<std::uint64_t>(begun, "actors"), 1U);
  const HostEvent progress = the("a", EventKind::kDrainProgress);
  EXPECT_EQ(progress.why, "of 1 actor so many have yet to go: 1");
  EXPECT_GE(*progress.lasted, Duration(5'000'000));
  EXPECT_LT(*progress.lasted, Duration(5'500'000));
  cluster.confirm_deactivations("a");
  cluster.pass(100'000);
  const HostEvent ended = the("a", EventKind::kDrainEnded);
  EXPECT_EQ(ended.by, "operator (127.0.0.1)");
  EXPECT_GE(*ended.lasted, Duration(6'000'000));
  const auto phases = told("a", EventKind::kPhaseChanged);
  ASSERT_EQ(phases.size(), 2U);
  EXPECT_EQ(fact<std::string>(phases[0], "to"), "draining");
  EXPECT_EQ(phases[0].by, "operator (127.0.0.1)");
  EXPECT_EQ(fact<std::string>(phases[1], "to"), "drained");
  cluster.node("a").uncordon(cluster.now(), "operator (unix)");
  cluster.pass(100'000);
  EXPECT_EQ(the("a", EventKind::kUncordoned).by, "operator (unix)");
}

TEST_F(Told, WhatADrainHasLeftIsToldBesideTheReason) {
  start({"a"});
  cluster.auto_confirm = false;
  cluster.call("a", 4711);
  cluster.end_turns("a");
  cluster.node("a").drain(cluster.now());
  cluster.pass(26'000'000);
  const HostEvent overdue = the("a", EventKind::kDrainOverdue);
  EXPECT_EQ(overdue.actor, "4711");
  EXPECT_FALSE(has(overdue.why, "4711")) << "the reason is told to everybody";
}

TEST_F(Told, TheApplicationsHealthWithItsDurations) {
  start({"a"});
  const auto event = [&](auto&& change) {
    cluster.pass(1'000'000);
    change(cluster.node("a"));
    cluster.pass(1'000);
  };
  event([&](Node& node) { node.app_down(cluster.now(), "503 from /healthz", true); });
  event([&](Node& node) { node.app_down(cluster.now(), "503 from /healthz", true); });
  event([&](Node& node) { node.app_down(cluster.now(), "connection refused", false); });
  event([&](Node& node) { node.app_up(cluster.now()); });
  event([&](Node& node) { node.app_restarted(cluster.now()); });
  const HostEvent sick = the("a", EventKind::kAppSick);
  EXPECT_EQ(sick.why, "503 from /healthz");
  const HostEvent down = the("a", EventKind::kAppDown);
  EXPECT_EQ(down.why, "connection refused");
  EXPECT_EQ(*down.lasted, Duration(2'002'000)) << "how long it was sick";
  EXPECT_EQ(*the("a", EventKind::kAppUp).lasted, Duration(1'001'000));
  EXPECT_EQ(*the("a", EventKind::kAppRestarted).lasted, Duration(1'001'000));
}

TEST_F(Told, AStallWithItsLength) {
  start({"a", "b"});
  cluster.stop("a");
  cluster.pass(2'000'000);
  cluster.go_on("a");
  cluster.pass(500'000);
  const HostEvent stalled = the("a", EventKind::kStalled);
  ASSERT_TRUE(stalled.lasted);
  EXPECT_GE(*stalled.lasted, Duration(2'000'000));
}

TEST_F(Told, AHostThatIsBuriedSaysByWhom) {
  start({"a", "b"});
  cluster.passes = [](const std::string&, const std::string&, const PeerRequest&) { return false; };
  cluster.pass(4'000'000);
  cluster.passes = nullptr;
  cluster.pass(10'000'000);
  std::vector<HostEvent> again = told("a", EventKind::kRejoin);
  for (const HostEvent& event : told("b", EventKind::kRejoin)) again.push_back(event);
  ASSERT_FALSE(again.empty());
  EXPECT_NE(again.front().why, "");
  std::vector<HostEvent> healed = told("a", EventKind::kSplitHealed);
  for (const HostEvent& event : told("b", EventKind::kSplitHealed)) healed.push_back(event);
  EXPECT_FALSE(healed.empty());
}

TEST_F(Told, MembersThatComeAndGoInOrder) {
  start({"a"});
  cluster.start("b");
  cluster.converge();
  EXPECT_EQ(the("a", EventKind::kMemberJoined).by, "b");
  const HostEvent phase = the("a", EventKind::kMemberPhase);
  EXPECT_EQ(fact<std::string>(phase, "from"), "joining");
  EXPECT_EQ(fact<std::string>(phase, "to"), "ready");
  EXPECT_TRUE(has(the("b", EventKind::kJoined).why, "members: 2"));
  cluster.node("b").drain(cluster.now());
  cluster.pass(500'000);
  cluster.node("b").close(cluster.now());
  cluster.pass(100'000);
  const HostEvent left = the("a", EventKind::kMemberLeft);
  EXPECT_EQ(left.by, "b");
  EXPECT_TRUE(has(left.why, "it said that it would end")) << left.why;
  EXPECT_TRUE(told("a", EventKind::kMemberDied).empty());
}

}  // namespace
}  // namespace ringside::core
