#include "tests/unit/core/conversation.h"
#include "tests/unit/core/node_fixture.h"

namespace ringside::core {
namespace {

void expect_ready(Cluster& cluster, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    EXPECT_EQ(cluster.node(name).status().phase, Phase::kReady) << cluster.node(name).status().not_ready_because;
    EXPECT_EQ(cluster.node(name).status().members, names.size()) << name;
  }
}

TEST(Membership, AHostThatFindsNobodyIsReadyAlone) {
  Cluster cluster;
  cluster.start("a");
  cluster.converge();
  expect_ready(cluster, {"a"});
}

TEST(Membership, ThreeThatStartAtOnceBecomeOneCluster) {
  Cluster cluster;
  for (const char* name : {"a", "b", "c"}) cluster.start(name);
  cluster.converge();
  expect_ready(cluster, {"a", "b", "c"});
  EXPECT_EQ(cluster.node("a").ring().fingerprint(), cluster.node("c").ring().fingerprint());
  EXPECT_TRUE(cluster.node("a").status().settled);
}

TEST(Membership, NobodyIsReadyAloneWhileAListedHostDoesNotAnswer) {
  Cluster cluster;
  cluster.passes = [](const std::string&, const std::string& to, const PeerRequest&) { return to != "b"; };
  cluster.start("a");
  cluster.start("b");
  cluster.stop("b");
  cluster.converge();
  cluster.pass(8'000'000);
  EXPECT_EQ(cluster.node("a").status().phase, Phase::kJoining);
  EXPECT_NE(cluster.node("a").status().not_ready_because.find("b"), std::string::npos);
  cluster.pass(4'000'000);
  EXPECT_EQ(cluster.node("a").status().phase, Phase::kReady) << "--join-timeout gives up";
}

// A pod that replaces one which has just gone silent: its range waits for it from the moment when others take it in.
TEST(Membership, AJoinerGivesASilentMemberNoMoreTimeThanTheOthersDo) {
  Cluster cluster;
  for (const char* name : {"a", "b", "c"}) cluster.start(name);
  cluster.converge();
  cluster.stop("c");
  cluster.start("d");
  cluster.node("d").discovered(cluster.now(), {"a", "b", "c"}, true);
  cluster.pass(2'000'000);
  EXPECT_EQ(cluster.node("d").status().phase, Phase::kJoining);
  cluster.pass(2'000'000);
  EXPECT_EQ(cluster.node("d").status().phase, Phase::kReady);
}

TEST(Membership, AJoinerWaitsForASilentMemberThatOthersStillHear) {
  Cluster cluster;
  for (const char* name : {"a", "b", "c"}) cluster.start(name);
  cluster.converge();
  cluster.passes = [](const std::string& from, const std::string& to, const PeerRequest&) {
    return !(from == "d" && to == "c") && !(from == "c" && to == "d");
  };
  cluster.start("d");
  cluster.node("d").discovered(cluster.now(), {"a", "b", "c"}, true);
  cluster.pass(8'000'000);
  EXPECT_EQ(cluster.node("d").status().phase, Phase::kJoining);
}

TEST(Membership, AServingClusterTakesAHostInWithoutDiscovery) {
  Cluster cluster;
  cluster.start("a");
  cluster.start("b");
  cluster.converge();
  cluster.discovery_answers = false;
  cluster.crash("b");
  cluster.start("b");
  cluster.node("b").discovered(cluster.now(), {"a"}, false);
  cluster.pass(5'000'000);
  expect_ready(cluster, {"a", "b"});
}

TEST(Membership, NobodyFoundsAClusterWithoutDiscovery) {
  Cluster cluster;
  cluster.discovery_answers = false;
  cluster.start("a");
  cluster.start("b");
  cluster.node("a").discovered(cluster.now(), {"b"}, false);
  cluster.node("b").discovered(cluster.now(), {"a"}, false);
  cluster.pass(30'000'000);
  EXPECT_EQ(cluster.node("a").status().phase, Phase::kJoining);
  EXPECT_EQ(cluster.node("b").status().phase, Phase::kJoining);
  cluster.converge();
  expect_ready(cluster, {"a", "b"});
}

TEST(Membership, MinMembersIsTheConditionForTheFirstReady) {
  Cluster cluster;
  const auto two = [](NodeConfig& config) { config.min_members = 2; };
  cluster.start("a", two);
  cluster.converge();
  EXPECT_EQ(cluster.node("a").status().phase, Phase::kJoining);
  cluster.start("b", two);
  cluster.converge();
  expect_ready(cluster, {"a", "b"});
}

TEST(Membership, AHostOfAnotherClusterIsNoMemberAndSaysWhy) {
  Cluster cluster;
  cluster.start("a");
  cluster.start("b", [](NodeConfig& config) { config.cluster = "staging"; });
  cluster.converge();
  EXPECT_EQ(cluster.node("a").status().members, 1U);
  const auto members = cluster.node("a").members(cluster.now().mono);
  ASSERT_EQ(members.size(), 2U);
  EXPECT_FALSE(members[1].member);
  EXPECT_NE(members[1].problem.find("staging"), std::string::npos);
}

TEST(Membership, AHostWithAnotherRingNeverFoundsOneBeside) {
  Cluster cluster;
  cluster.start("a");
  cluster.converge();
  cluster.start("b", [](NodeConfig& config) { config.points = 64; });
  cluster.converge();
  cluster.pass(20'000'000);
  EXPECT_EQ(cluster.node("b").status().phase, Phase::kJoining);
  EXPECT_NE(cluster.node("b").status().not_ready_because.find("points"), std::string::npos);
  EXPECT_EQ(cluster.node("a").status().members, 1U);
}

// ---- weights --------------------------------------------------------------------------------------------------------

TEST(Weights, EverybodyComputesTheSameRing) {
  Cluster cluster;
  cluster.start("a");
  cluster.start("b", [](NodeConfig& config) { config.weight = 250; });
  cluster.start("c", [](NodeConfig& config) { config.weight = 4000; });
  cluster.converge();
  for (const char* name : {"a", "b", "c"}) {
    const Ring& ring = cluster.node(name).ring();
    EXPECT_EQ(ring.points(), (std::vector<std::uint32_t>{512, 128, 2048})) << name;
    EXPECT_EQ(ring.fingerprint(), cluster.node("a").ring().fingerprint());
    EXPECT_TRUE(cluster.node(name).status().settled);
  }
}

TEST(Weights, AHostMayComeBackWithAnotherOne) {
  Cluster cluster;
  for (const char* name : {"a", "b"}) cluster.start(name);
  cluster.converge();
  cluster.crash("b");
  cluster.start("b", [](NodeConfig& config) { config.weight = 2000; });
  cluster.converge();
  EXPECT_EQ(cluster.node("a").ring().points(), (std::vector<std::uint32_t>{512, 1024}));
  EXPECT_TRUE(cluster.node("a").status().settled);
}

TEST(Weights, OfAHostWithoutAnAppItCountsForNothing) {
  Cluster cluster;
  cluster.start("a");
  cluster.start("router", [](NodeConfig& config) {
    config.has_app = false;
    config.weight = 4000;
  });
  cluster.converge();
  EXPECT_EQ(cluster.node("router").ring().points(), (std::vector<std::uint32_t>{512}));
  EXPECT_TRUE(cluster.node("router").status().settled);
}

// A host of the version before there were weights: it tells none, and hears of none.
struct BesideAnEarlierVersion : testing::Test {
  void start(const std::string& name, std::uint32_t weight = kWeightOne) {
    cluster.start(name, [weight](NodeConfig& config) { config.weight = weight; });
    cluster.converge();
    cluster.pass(2'000'000);
  }
  bool is_ready(const std::string& name) { return cluster.node(name).status().phase == Phase::kReady; }
  std::string problem(const std::string& name) { return cluster.node(name).status().not_ready_because; }

  Cluster cluster;
};

TEST_F(BesideAnEarlierVersion, AHostWithAWeightIsNotReady) {
  cluster.knows_no_weights = {"old"};
  start("old");
  start("new");
  ASSERT_TRUE(is_ready("new")) << problem("new");
  start("small", 500);
  EXPECT_FALSE(is_ready("small"));
  EXPECT_NE(problem("small").find("weights count only where every host knows of them"), std::string::npos)
      << problem("small");
  for (const char* name : {"old", "new"}) {
    EXPECT_EQ(cluster.node(name).ring().hosts(), (std::vector<std::string>{"new", "old"})) << name;
    EXPECT_TRUE(cluster.node(name).status().settled) << name;
  }
  // Once that one is of this version as well, it joins.
  cluster.crash("old");
  cluster.knows_no_weights.clear();
  start("old");
  cluster.pass(20'000'000);
  EXPECT_TRUE(is_ready("small")) << problem("small");
  EXPECT_EQ(cluster.node("old").ring().points(), (std::vector<std::uint32_t>{512, 512, 256}));
}

TEST_F(BesideAnEarlierVersion, WhereAHostHasAWeightTheOtherOneIsNot) {
  cluster.knows_no_weights = {"old"};
  start("new");
  start("small", 500);
  ASSERT_TRUE(is_ready("small")) << problem("small");
  start("old");
  EXPECT_FALSE(is_ready("old"));
  EXPECT_NE(problem("old").find("weights count only where every host knows of them"), std::string::npos)
      << problem("old");
  for (const char* name : {"new", "small"}) {
    EXPECT_EQ(cluster.node(name).ring().points(), (std::vector<std::uint32_t>{512, 256})) << name;
  }
  // With the weight goes what is in the way.
  cluster.crash("small");
  start("small");
  cluster.pass(20'000'000);
  EXPECT_TRUE(is_ready("old")) << problem("old");
  EXPECT_TRUE(cluster.node("new").status().settled);
}

TEST(Membership, AProcessThatIsGoneIsDeadAtOnce) {
  Cluster cluster;
  for (const char* name : {"a", "b"}) cluster.start(name);
  cluster.converge();
  cluster.crash("b");
  cluster.pass(600'000);
  EXPECT_EQ(cluster.node("a").status().members, 1U);
  EXPECT_EQ(cluster.node("a").ring().hosts(), std::vector<std::string>{"a"});
}

TEST(Membership, ASilentHostIsDeadOnlyAfterItsTime) {
  Cluster cluster;
  for (const char* name : {"a", "b", "c"}) cluster.start(name);
  cluster.converge();
  cluster.stop("c");
  cluster.pass(2'000'000);
  EXPECT_EQ(cluster.node("a").status().members, 3U);
  EXPECT_TRUE(cluster["a"].dropped_queues.empty());
  cluster.pass(1'500'000);
  EXPECT_EQ(cluster.node("a").status().members, 2U);
  // What is still on its way to it must not arrive once it is heard again.
  EXPECT_EQ(cluster["a"].dropped_queues, std::vector<std::string>{"c"});
}

// One hung process must not make the others doubt themselves: nobody else joins anew, and their ids never wait.
TEST(Membership, AStoppedHostStopsNobodyElse) {
  for (const int hosts : {3, 8}) {
    Cluster cluster;
    std::vector<std::string> names;
    for (int i = 0; i < hosts; ++i) names.push_back(std::string(1, static_cast<char>('a' + i)));
    for (const std::string& name : names) cluster.start(name);
    cluster.converge();
    const std::string hung = names.back();
    std::map<std::string, Generation> before;
    for (const std::string& name : names) before[name] = cluster.node(name).status().generation;
    const ActorId id = cluster.id_of("a", "b");
    cluster.stop(hung);
    for (int step = 0; step < 100; ++step) {
      cluster.pass(100'000);
      const CallId call = cluster.call("a", id);
      ASSERT_EQ(cluster.end_turns("b"), 1) << "of " << hosts << " hosts, " << step << " steps after the stop";
      ASSERT_NE(cluster.answer("a", call), nullptr);
    }
    for (const std::string& name : names) {
      if (name != hung) {
        EXPECT_EQ(cluster.node(name).status().generation, before[name]) << name;
      }
    }
    EXPECT_EQ(cluster.node("a").status().members, static_cast<std::size_t>(hosts - 1));
  }
}

// A witness tells since when it has not heard the silent one either: that must not prolong the wait of whoever asks.
TEST(Membership, AHostThatIsSilentForEverybodyIsDeadForEverybodyInTime) {
  Cluster cluster;
  for (const char* name : {"a", "b", "c", "d"}) cluster.start(name);
  cluster.converge();
  bool cut = false;
  cluster.passes = [&](const std::string& from, const std::string& to, const PeerRequest&) {
    return !cut || (from != "d" && to != "d");
  };
  // Whatever the moment between two pings: the last answers that the others had are up to an interval apart.
  cluster.pass(170'000);
  cut = true;
  cluster.stop("d");
  cluster.pass(2'800'000);
  for (const char* name : {"a", "b", "c"}) EXPECT_EQ(cluster.node(name).status().members, 3U) << name;
}

TEST(Membership, ASilentHostThatOthersStillHearIsGivenMoreTime) {
  Cluster cluster;
  for (const char* name : {"a", "b", "c"}) cluster.start(name);
  cluster.converge();
  cluster.passes = [](const std::string& from, const std::string& to, const PeerRequest&) {
    return !(from == "a" && to == "c");
  };
  cluster.pass(4'000'000);
  EXPECT_EQ(cluster.node("a").status().members, 3U);
}

TEST(Membership, ARestartUnderTheSameNameReplacesTheOldRun) {
  Cluster cluster;
  for (const char* name : {"a", "b"}) cluster.start(name);
  cluster.converge();
  const Generation before = cluster.node("b").status().generation;
  cluster.start("b");
  cluster.converge();
  expect_ready(cluster, {"a", "b"});
  for (const MemberStatus& member : cluster.node("a").members(cluster.now().mono)) {
    if (member.host == "b") {
      EXPECT_GT(member.generation, before);
    }
  }
}

// Otherwise whoever joins while the run before it is being declared dead would have that one for a member again.
TEST(Membership, AnAnswerOfARunThatHasEndedMeanwhileDoesNotBringItBack) {
  NodeConfig config;
  config.host = "a";
  Node node(config, 1);
  const Now now{Instant(Duration(3'600'000'000)), 1'790'000'000'000};
  node.start(now, true);
  QuestionId joining;
  const auto first_run = [&](const AskPeer& question) -> std::optional<PeerAnswer> {
    if (std::holds_alternative<PingRequest>(question.request)) return serving("b", kFirstRun);
    if (std::holds_alternative<JoinRequest>(question.request)) joining = question.token;
    return std::nullopt;
  };
  converse(node, now, first_run);
  node.discovered(now, {"b"}, true);
  converse(node, now, first_run);
  ASSERT_TRUE(joining);
  const auto second_run = [](const AskPeer& question) -> std::optional<PeerAnswer> {
    if (std::holds_alternative<PingRequest>(question.request)) return serving("b", kFirstRun.next());
    return std::nullopt;
  };
  node.peer_asked(now, ReplyId(77), {"b", kFirstRun.next(), "default", 0}, "", JoinRequest{config.points, false});
  converse(node, now, second_run);
  node.peer_answered(now, joining, taken_in({}));
  const std::vector<MemberStatus> members = node.members(now.mono);
  const auto b = std::find_if(members.begin(), members.end(), [](const auto& one) { return one.host == "b"; });
  ASSERT_NE(b, members.end());
  EXPECT_EQ(b->generation, kFirstRun.next());
}

// c has died before this host could ask it; b, which takes this host in, knows how far c's epochs may have come.
TEST(Membership, EpochsOfAJoinerAreAboveThoseOfAMemberThatItNeverMet) {
  NodeConfig config;
  config.host = "a";
  Node node(config, 1);
  const Now now{Instant(Duration(3'600'000'000)), 1'790'000'000'000};
  EpochClock far;
  far.advance({now.mono, now.wall_ms + 30'000});
  node.start(now, true);
  const auto reply = [&](const AskPeer& question) -> std::optional<PeerAnswer> {
    if (question.host == "c") return PeerFailure{PeerFailure::Kind::kReset, "refused"};
    if (std::holds_alternative<ProbeRequest>(question.request)) return ProbeAnswer{};
    if (std::holds_alternative<PingRequest>(question.request)) return serving("b", kFirstRun);
    if (std::holds_alternative<JoinRequest>(question.request)) {
      JoinAnswer says = taken_in({"a", "b", "c"});
      says.furthest = far.reading_in_full();
      return says;
    }
    if (const auto* asked = std::get_if<InventoryRequest>(&question.request)) {
      return InventoryAnswer{ReplyStatus::kOk, asked->number, {}, {}};
    }
    return std::nullopt;
  };
  converse(node, now, reply);
  node.discovered(now, {"b"}, true);
  converse(node, now, reply);
  ASSERT_EQ(node.status().phase, Phase::kReady) << node.status().not_ready_because;
  ActorId id = 1;
  while (*node.ring().owner(id) != "a") ++id;
  auto call = std::make_shared<Call>();
  call->id = id;
  call->deadline = now.mono + Duration(1'000'000);
  node.apply(now, CallId(1'000), call);
  Epoch epoch = 0;
  for (const Effect& effect : converse(node, now, reply)) {
    if (const auto* turn = std::get_if<StartTurn>(&effect)) epoch = turn->epoch;
  }
  EXPECT_GT(epoch, far.reading());
}

// In a cluster of fifty, fifty hosts tell one that was stopped: each rejoin asks everybody anew.
TEST(Membership, ManyThatDeclaredThisHostDeadEndOneRunOfIt) {
  NodeConfig config;
  config.host = "a";
  Node node(config, 1);
  const Now now{Instant(Duration(3'600'000'000)), 1'790'000'000'000};
  node.start(now, true);
  std::map<QuestionId, InventoryNumber> inventories;
  const auto reply = [&](const AskPeer& question) -> std::optional<PeerAnswer> {
    if (std::holds_alternative<PingRequest>(question.request)) return serving(question.host, kFirstRun);
    if (std::holds_alternative<JoinRequest>(question.request)) return taken_in({"a", "b", "c", "d"});
    if (const auto* asked = std::get_if<InventoryRequest>(&question.request)) {
      inventories[question.token] = asked->number;
    }
    return std::nullopt;
  };
  converse(node, now, reply);
  node.discovered(now, {"b", "c", "d"}, true);
  converse(node, now, reply);
  const std::map<QuestionId, InventoryNumber> asked = inventories;
  ASSERT_EQ(asked.size(), 3U);
  for (const auto& [token, number] : asked) {
    node.peer_answered(now, token, InventoryAnswer{ReplyStatus::kDeclaredDead, number, {}, {}});
    converse(node, now, reply);
  }
  EXPECT_EQ(node.counters().rejoins, 1U);
}

TEST(Membership, AStrangersClosingForALiveHostChangesNothing) {
  Cluster cluster;
  for (const char* name : {"a", "b"}) cluster.start(name);
  cluster.converge();
  cluster.node("a").peer_asked(cluster.now(), ReplyId(77), {}, "10.9.9.9", ClosingRequest{"b"});
  bool answered = false;
  for (Effects effects = cluster.node("a").take_effects(); !effects.empty();
       effects = cluster.node("a").take_effects()) {
    for (const Effect& effect : effects) {
      if (const auto* question = std::get_if<AskPeer>(&effect)) {
        PingAnswer alive;
        alive.host = "b";
        alive.phase = Phase::kReady;
        alive.cluster = "default";
        alive.generation = cluster.node("b").status().generation;
        cluster.node("a").peer_answered(cluster.now(), question->token, alive);
      } else if (const auto* says = std::get_if<AnswerPeer>(&effect); says != nullptr && says->token == ReplyId(77)) {
        answered = true;
        EXPECT_FALSE(std::get<AckAnswer>(says->answer).accepted);
      }
    }
  }
  EXPECT_TRUE(answered);
  EXPECT_EQ(cluster.node("a").status().members, 2U);
}

TEST(Membership, WithoutAnAppAHostRoutesAndOwnsNothing) {
  Cluster cluster;
  cluster.start("a");
  cluster.start(
      "gateway", [](NodeConfig& config) { config.has_app = false; }, false);
  cluster.converge();
  EXPECT_EQ(cluster.node("gateway").status().phase, Phase::kReady);
  EXPECT_EQ(cluster.node("gateway").ring().hosts(), std::vector<std::string>{"a"});
  EXPECT_EQ(cluster.node("a").ring().hosts(), std::vector<std::string>{"a"});
}

TEST(Membership, AnAppThatIsDownTakesItsHostOffTheRingAndBackUnderANewGeneration) {
  Cluster cluster;
  for (const char* name : {"a", "b"}) cluster.start(name);
  cluster.converge();
  const Generation before = cluster.node("b").status().generation;
  cluster.node("b").app_down(cluster.now(), "crashed", false);
  cluster.pass(300'000);
  EXPECT_EQ(cluster.node("a").ring().hosts(), std::vector<std::string>{"a"});
  EXPECT_EQ(cluster.node("b").status().phase, Phase::kAppDown);
  cluster.node("b").app_up(cluster.now());
  cluster.pass(1'000'000);
  expect_ready(cluster, {"a", "b"});
  EXPECT_GT(cluster.node("b").status().generation, before);
  EXPECT_EQ(cluster.node("a").ring().hosts().size(), 2U);
}

TEST(Membership, BelowTheQuorumAHostAcceptsNothing) {
  Cluster cluster;
  const auto quorum = [](NodeConfig& config) { config.quorum = 2; };
  for (const char* name : {"a", "b", "c"}) cluster.start(name, quorum);
  cluster.converge();
  expect_ready(cluster, {"a", "b", "c"});
  cluster.crash("b");
  cluster.crash("c");
  cluster.pass(1'000'000);
  const CallId token = cluster.call("a", 5);
  ASSERT_NE(cluster.answer("a", token), nullptr);
  EXPECT_EQ(cluster.answer("a", token)->outcome, Outcome::kNotDelivered);
  EXPECT_EQ(cluster.answer("a", token)->reason, Reason::kNoQuorum);
}

}  // namespace
}  // namespace ringside::core
