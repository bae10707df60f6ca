// The engine with every seam in the test's hands.
#include "sidecar/runtime/engine.h"

#include <algorithm>
#include <map>
#include <optional>

#include "tests/unit/net/net_test_support.h"

namespace ringside::runtime {
namespace {

using core::Answer;
using core::Outcome;
using core::Reason;

class Peers final : public core::PeerPort {
 public:
  void ask(core::AskPeer question) override { asked.push_back(std::move(question)); }
  void forward(core::ForwardCall call) override { forwarded.push_back(std::move(call)); }
  void abandon(core::ForwardId forward) override { abandoned.push_back(forward); }
  void drop_queue(const std::string& host) override { cuts.push_back(host); }
  std::vector<core::AskPeer> asked;
  std::vector<core::ForwardCall> forwarded;
  std::vector<core::ForwardId> abandoned;
  std::vector<std::string> cuts;
};

class App final : public core::AppPort {
 public:
  void start_turn(core::StartTurn turn) override { turns.push_back(std::move(turn)); }
  void break_turn(core::TurnId turn) override { broken.push_back(turn); }
  void deactivate(core::DeactivateActor request) override { deactivations.push_back(std::move(request)); }
  void deactivate_all(core::DeactivateAll request) override { clean_slates.push_back(request); }
  std::size_t waiting_for_connection() const override { return 0; }
  std::vector<core::StartTurn> turns;
  std::vector<core::TurnId> broken;
  std::vector<core::DeactivateActor> deactivations;
  std::vector<core::DeactivateAll> clean_slates;
};

class Listed final : public core::DiscoveryPort {
 public:
  void read_again() override { ++readings; }
  int readings = 0;
};

class Measured final : public core::Measurements {
 public:
  void call_ended(core::Origin, Outcome outcome, core::Duration) override { calls.push_back(outcome); }
  void turn_ended(Outcome outcome, core::Duration) override { turns.push_back(outcome); }
  void peer_answered(core::Duration) override { ++pings; }
  void loop_lag(core::Duration late) override { EXPECT_GE(late.count(), 0); }
  std::vector<Outcome> calls, turns;
  int pings = 0;
};

class Kept final : public core::EventSink {
 public:
  void happened(core::HostEvent event) override { events.push_back(std::move(event)); }
  std::size_t count(core::EventKind kind) const {
    return static_cast<std::size_t>(
        std::count_if(events.begin(), events.end(), [kind](const auto& event) { return event.kind == kind; }));
  }
  std::vector<core::HostEvent> events;
};

core::NodeConfig config() {
  core::NodeConfig made;
  made.host = "10.0.0.1";
  made.drain_timeout = std::chrono::seconds(5);
  made.turn_timeout = std::chrono::milliseconds(20);
  return made;
}

class Run : public net::testing::LoopTest {
 protected:
  Run()
      : log(
            {}, [] { return std::chrono::system_clock::now(); }, [this](std::string_view line) { logged += line; }),
        engine(loop, config(), 1, log) {
    engine.start({&peers, &app, &listed, &measured, &kept});
  }
  // An app that is up, and nobody else there.
  void ready() {
    engine.app_up();
    ASSERT_TRUE(run_until([this] {
      for (const auto& request : std::exchange(app.clean_slates, {})) engine.deactivated(request.token, {});
      for (const auto& question : std::exchange(peers.asked, {})) {  // about its own name
        engine.peer_answered(question.token, {core::PeerFailure{core::PeerFailure::Kind::kUnresolved, "no such name"}});
      }
      if (listed.readings > 0) engine.discovered({{}, true, {}, {}});
      return engine.status().not_ready_because.empty();
    }));
  }
  core::CallId call(core::ActorId id = 42) {
    core::Call made;
    made.id = id;
    made.deadline = engine.now().mono + std::chrono::seconds(10);
    return engine.apply(std::move(made), [this](Answer answer) { answers.push_back(std::move(answer)); });
  }
  static Answer applied() {
    Answer answer;
    answer.outcome = Outcome::kApplied;
    return answer;
  }

  std::string logged;
  log::Log log;
  Peers peers;
  App app;
  Listed listed;
  Measured measured;
  Kept kept;
  Engine engine;
  std::vector<Answer> answers;
};

TEST_F(Run, BeforeTheAppsFirstWordNothingIsServed) {
  call();
  EXPECT_TRUE(answers.empty()) << "never from inside the call";
  settle();
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].outcome, Outcome::kNotDelivered);
  EXPECT_EQ(answers[0].reason, Reason::kNotReady);
  std::optional<core::PeerAnswer> said;
  engine.peer_asked({}, "10.0.0.2", core::PingRequest{}, [&](core::PeerAnswer answer) { said = std::move(answer); });
  ASSERT_TRUE(said);
  EXPECT_TRUE(std::holds_alternative<core::PeerFailure>(*said));
}

TEST_F(Run, ATurnGoesToTheAppAndItsAnswerToTheCaller) {
  ready();
  call();
  ASSERT_EQ(app.turns.size(), 1U);
  EXPECT_TRUE(answers.empty());
  engine.turn_ended(app.turns[0].token, applied());
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].outcome, Outcome::kApplied);
  EXPECT_EQ(answers[0].holder, "10.0.0.1");
  EXPECT_EQ(measured.calls, std::vector<Outcome>{Outcome::kApplied});
  EXPECT_EQ(measured.turns, std::vector<Outcome>{Outcome::kApplied});
  engine.turn_ended(app.turns[0].token, applied());
  EXPECT_EQ(answers.size(), 1U) << "a second report changes nothing";
}

TEST_F(Run, AnExplanationIsToldFromTheLoop) {
  std::vector<std::string> rules;
  const auto ask = [&] {
    engine.explain(42, [&](const core::Explained& explained) {
      for (const core::RuleCheck& check : explained.here.rules) {
        if (check.verdict == core::RuleCheck::Verdict::kDecides) rules.push_back(check.rule);
      }
    });
    EXPECT_TRUE(rules.empty()) << "never from inside the call";
    settle();
    return std::exchange(rules, {});
  };
  EXPECT_EQ(ask(), std::vector<std::string>{"no-owner"}) << "also before the application's first word";
  ready();
  EXPECT_EQ(ask(), std::vector<std::string>{"free"});
  call();
  EXPECT_EQ(ask(), std::vector<std::string>{"claim"});
}

TEST_F(Run, WhatHappensIsKeptAndSoAreCallsThatAreNotApplied) {
  ready();
  EXPECT_EQ(kept.count(core::EventKind::kJoined), 1U);
  EXPECT_EQ(kept.count(core::EventKind::kAppUp), 1U);
  call();
  engine.turn_ended(app.turns[0].token, applied());
  call();
  engine.turn_ended(app.turns[1].token, Answer::failed(Outcome::kRefused, Reason::kNone));
  EXPECT_EQ(kept.count(core::EventKind::kCallsNotApplied), 0U) << "what the app refuses is its own matter";
  call();
  engine.turn_ended(app.turns[2].token, Answer::failed(Outcome::kUnknown, Reason::kAppLost));
  ASSERT_EQ(kept.count(core::EventKind::kCallsNotApplied), 1U);
  EXPECT_EQ(kept.events.back().why, "unknown: app-lost");
  EXPECT_EQ(kept.events.back().actor, "42");
  engine.discovery_failed("dns:carts", "no answer", false);
  engine.discovery_failed("dns:carts", "no answer", true);
  ASSERT_EQ(kept.count(core::EventKind::kDiscoveryFailed), 1U) << "when it is new";
  EXPECT_EQ(kept.events.back().by, "dns:carts");
}

TEST_F(Run, ATurnThatTakesTooLongIsBrokenByTheTimer) {
  ready();
  call();
  ASSERT_TRUE(run_until([this] { return app.broken.size() == 1; }));
  EXPECT_EQ(app.broken[0], app.turns[0].token);
}

TEST_F(Run, ACallThatIsRefusedAtOnceIsAnsweredFromTheLoop) {
  ready();
  core::Call late;
  late.id = 1;
  late.deadline = engine.now().mono - std::chrono::seconds(1);
  engine.apply(std::move(late), [this](Answer answer) { answers.push_back(std::move(answer)); });
  EXPECT_TRUE(answers.empty()) << "never from inside the call";
  settle();
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].outcome, Outcome::kExpired);
}

TEST_F(Run, ACancelledCallIsAnsweredOnce) {
  ready();
  const core::CallId token = call();
  engine.cancel(token);
  engine.cancel(token);
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].reason, Reason::kCancelled);
  engine.turn_ended(app.turns[0].token, applied());
  EXPECT_EQ(answers.size(), 1U);
}

TEST_F(Run, AnAnswerMayStartTheNextCallAtOnce) {
  ready();
  core::Call first;
  first.id = 1;
  first.deadline = engine.now().mono + std::chrono::seconds(10);
  engine.apply(std::move(first), [this](Answer) { call(2); });
  engine.turn_ended(app.turns[0].token, applied());
  ASSERT_EQ(app.turns.size(), 2U);
  EXPECT_EQ(app.turns[1].call->id, core::ActorId(2));
}

TEST_F(Run, PeersAreAnsweredAndPingsMeasured) {
  ready();
  std::optional<core::PeerAnswer> said;
  engine.peer_asked({}, "10.0.0.2", core::PingRequest{}, [&](core::PeerAnswer answer) { said = std::move(answer); });
  ASSERT_TRUE(said);
  EXPECT_EQ(std::get<core::PingAnswer>(*said).host, "10.0.0.1");
  engine.discovered({{"10.0.0.2"}, true, {}, {}});
  ASSERT_TRUE(run_until([this] { return !peers.asked.empty(); }));
  EXPECT_EQ(peers.asked[0].host, "10.0.0.2");
  core::PingAnswer ping;
  ping.host = "10.0.0.2";
  engine.peer_answered(peers.asked[0].token, ping);
  EXPECT_EQ(measured.pings, 1);
  engine.peer_answered(core::QuestionId(999'999), core::PeerFailure{});
  engine.forward_answered(core::ForwardId(999'999), applied());
  EXPECT_EQ(measured.pings, 1) << "an answer to nothing is nothing";
}

TEST_F(Run, AChangeIsToldOnceALoopIterationAndNotAfterForget) {
  int seen = 0;
  const core::WatcherId watcher = engine.when_view_changes([&] { ++seen; });
  ready();
  ASSERT_TRUE(run_until([&] { return seen > 0; }));
  settle();
  const int before = seen;
  engine.forget(watcher);
  engine.app_down("gone");
  settle();
  EXPECT_EQ(seen, before);
}

TEST_F(Run, ADrainTellsThoseWhoWaitAndThoseWhoAskLater) {
  ready();
  call();
  engine.turn_ended(app.turns[0].token, applied());
  std::vector<bool> told;
  engine.when_drained([&](bool complete) { told.push_back(complete); });
  const core::WatcherId gone = engine.when_drained([](bool) { ADD_FAILURE() << "was forgotten"; });
  engine.forget(gone);
  engine.drain("operator");
  ASSERT_TRUE(run_until([&] {
    for (const auto& request : std::exchange(app.deactivations, {})) engine.deactivated(request.token, {});
    return !told.empty();
  }));
  EXPECT_EQ(told, std::vector<bool>{true});
  engine.when_drained([&](bool complete) { told.push_back(complete); });
  EXPECT_EQ(told.size(), 1U) << "never from inside the call";
  engine.forget(engine.when_drained([](bool) { ADD_FAILURE() << "was forgotten"; }));
  settle();
  EXPECT_EQ(told.size(), 2U) << "soon, where none is left to await";
}

TEST_F(Run, CloseEndsWithinItsBoundWhoeverAnswers) {
  ready();
  bool closed = false;
  engine.close([&] { closed = true; });
  ASSERT_TRUE(run_until([&] { return closed; }));
}

TEST_F(Run, WhatTheCoreSaysIsLogged) {
  ready();
  EXPECT_NE(logged.find("event=joined members=1"), std::string::npos) << logged;
  engine.discovery_failed("dns:shop", "no \"server\"", true);
  EXPECT_NE(logged.find("event=discovery_failed"), std::string::npos);
}

TEST_F(Run, WhatIsWrongWithDiscoveryIsShownAndCounted) {
  ready();
  const std::size_t before = logged.size();
  engine.discovery_failed("dns:shop", "gone", false);
  EXPECT_EQ(logged.find("discovery_failed", before), std::string::npos) << "no news";
  engine.discovered({{"10.0.0.2", "10.0.0.3"}, false, {{"dns:shop", "gone"}}, "dns:shop: gone"});
  EXPECT_EQ(engine.members().back().host, "dns:shop");
  EXPECT_FALSE(engine.members().back().member);
  EXPECT_EQ(engine.status().discovered_hosts, 2U);
  EXPECT_EQ(engine.status().discovery_failures, 1U);
  engine.discovered({{"10.0.0.2"}, true, {}, {}});
  EXPECT_NE(engine.members().back().host, "dns:shop");
}

}  // namespace
}  // namespace ringside::runtime
