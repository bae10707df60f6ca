#include <gmock/gmock.h>

#include "tests/unit/core/node_fixture.h"

namespace ringside::core {
namespace {

class NodeCalls : public ::testing::Test {
 protected:
  void start(const std::function<void(NodeConfig&)>& adjust = nullptr) {
    cluster.start("a", adjust);
    cluster.converge();
  }
  Outcome outcome(CallId token) {
    const Answer* answer = cluster.answer("a", token);
    EXPECT_NE(answer, nullptr);
    return answer == nullptr ? Outcome::kUnknown : answer->outcome;
  }

  Cluster cluster;
};

// ---- idempotency keys ----

void keyed(Call& call, Fingerprint fingerprint) {
  call.idempotency_key = "key";
  call.fingerprint = fingerprint;
}

TEST_F(NodeCalls, ARepeatIsAnsweredAndSaysSo) {
  start();
  cluster.call("a", 1, [](Call& call) { keyed(call, 7); });
  cluster.end_turns("a");
  const CallId repeat = cluster.call("a", 1, [](Call& call) { keyed(call, 7); });
  EXPECT_TRUE(cluster["a"].turns.empty());
  EXPECT_EQ(outcome(repeat), Outcome::kApplied);
  EXPECT_TRUE(cluster.answer("a", repeat)->replayed);
}

// "Done once" holds for an answer that is too large to be kept as well.
TEST_F(NodeCalls, ARepeatOfWhatHadALargeAnswerIsNotCarriedOut) {
  start();
  const auto ask = [&](Fingerprint fingerprint) {
    const CallId token = cluster.call("a", 1, [&](Call& call) { keyed(call, fingerprint); });
    Answer large = Cluster::applied();
    large.result = std::string(300'000, 'x');
    const bool ran = cluster.end_turns("a", large) > 0;
    return std::pair(*cluster.answer("a", token), ran);
  };
  EXPECT_TRUE(ask(1).second);
  const auto [answer, ran] = ask(1);
  EXPECT_FALSE(ran);
  EXPECT_EQ(answer.outcome, Outcome::kUnknown);
  EXPECT_EQ(answer.reason, Reason::kAppTooLarge);
  EXPECT_EQ(ask(2).first.reason, Reason::kKeyReused);
}

// What a client does with a redirect: the same key again, with what it leads to.
TEST_F(NodeCalls, WhatARedirectLeadsToIsAStepUnderTheSameKey) {
  start();
  const auto ask = [&](Fingerprint fingerprint, Place place, Place leads_to) {
    const CallId token = cluster.call("a", 1, [&](Call& call) {
      keyed(call, fingerprint);
      call.place = place;
    });
    Answer answer;
    answer.outcome = Outcome::kApplied;
    answer.leads_to = leads_to;
    const bool ran = !cluster["a"].turns.empty();
    if (ran) cluster.end_turns("a", answer);
    return std::pair(*cluster.answer("a", token), ran);
  };
  EXPECT_TRUE(ask(1, 10, 20).second);
  EXPECT_TRUE(ask(2, 20, 30).second) << "the first step";
  EXPECT_TRUE(ask(3, 30, kNoPlace).second) << "and one more";
  for (const auto& [fingerprint, place] : {std::pair(Fingerprint(1), 10), {Fingerprint(2), 20}, {Fingerprint(3), 30}}) {
    const auto [answer, ran] = ask(fingerprint, place, kNoPlace);
    EXPECT_TRUE(answer.replayed && !ran) << "the whole once more";
  }
  EXPECT_EQ(ask(4, 40, kNoPlace).first.reason, Reason::kKeyReused) << "nothing leads there";
  EXPECT_EQ(ask(5, 10, kNoPlace).first.reason, Reason::kKeyReused) << "where it came from, with another body";
  EXPECT_EQ(ask(6, 30, kNoPlace).first.reason, Reason::kKeyReused) << "that step has been taken with another body";
}

TEST_F(NodeCalls, ARepeatOfWhatTheAppRefusedIsToldSoByTheActorsName) {
  start();
  const auto named = [](Call& call) {
    keyed(call, 7);
    call.actor_name = "anna";
  };
  cluster.call("a", 1, named);
  cluster.end_turns("a", Answer::failed(Outcome::kRefused, Reason::kAppRefused, "no stock"));
  const CallId repeat = cluster.call("a", 1, named);
  EXPECT_EQ(outcome(repeat), Outcome::kRefused);
  EXPECT_EQ(cluster.answer("a", repeat)->detail,
            "the application refused the first call with this idempotency key for actor name:anna");
  const CallId other = cluster.call("a", 1, [&](Call& call) {
    named(call);
    call.fingerprint = 8;
  });
  EXPECT_EQ(cluster.answer("a", other)->detail.rfind("actor name:anna has answered another request", 0), 0U);
}

TEST_F(NodeCalls, AnotherRequestUnderAKeyIsRefusedAndNeverRuns) {
  start();
  cluster.call("a", 1, [](Call& call) { keyed(call, 7); });
  cluster.end_turns("a");
  const CallId other = cluster.call("a", 1, [](Call& call) { keyed(call, 8); });
  EXPECT_TRUE(cluster["a"].turns.empty());
  EXPECT_EQ(outcome(other), Outcome::kInvalid);
  EXPECT_EQ(cluster.answer("a", other)->reason, Reason::kKeyReused);
}

TEST_F(NodeCalls, AnAnswerThatSaysNotNowIsKeptForNoRepeat) {
  start();
  cluster.call("a", 1, [](Call& call) { keyed(call, 7); });
  Answer passing = Cluster::applied();
  passing.passing = true;
  cluster.end_turns("a", passing);
  cluster.call("a", 1, [](Call& call) { keyed(call, 7); });
  EXPECT_EQ(cluster["a"].turns.size(), 1U) << "the app is asked again";
}

// ---- turns that make calls ----

TEST_F(NodeCalls, AnActorThatCallsItselfThroughAnotherHearsSoAtOnce) {
  start();
  cluster.call("a", 41);
  const std::string outer = cluster["a"].turns[0].chain;
  cluster.call("a", 97, [&](Call& call) {
    call.chain = outer;
    call.actor_name = "anna";
  });
  ASSERT_EQ(cluster["a"].turns.size(), 2U);
  const std::string inner = cluster["a"].turns[1].chain;
  const CallId loop = cluster.call("a", 41, [&](Call& call) { call.chain = inner; });
  EXPECT_EQ(outcome(loop), Outcome::kInvalid);
  EXPECT_EQ(cluster.answer("a", loop)->reason, Reason::kCallLoop);
  EXPECT_THAT(cluster.answer("a", loop)->detail, ::testing::HasSubstr("41 -> name:anna -> 41"));
}

TEST_F(NodeCalls, TwoBranchesOfAChainThatMeetAreNoLoop) {
  start();
  cluster.call("a", 1);
  const std::string outer = cluster["a"].turns[0].chain;
  cluster.call("a", 5, [&](Call& call) { call.chain = outer; });
  const CallId second = cluster.call("a", 5, [&](Call& call) { call.chain = outer; });
  EXPECT_EQ(cluster.answer("a", second), nullptr) << "it waits for the first";
  cluster.end_turns("a");
  cluster.end_turns("a");
  EXPECT_EQ(outcome(second), Outcome::kApplied);
}

TEST_F(NodeCalls, ACallOfATurnFindsOneBeyondTheBound) {
  start([](NodeConfig& config) { config.max_turns = 2; });
  cluster.call("a", 1);
  cluster.call("a", 2);
  cluster.call("a", 3);
  ASSERT_EQ(cluster["a"].turns.size(), 2U);
  EXPECT_EQ(cluster.node("a").status().held_back, 1U);
  cluster.call("a", 4, [&](Call& call) { call.chain = cluster["a"].turns[0].chain; });
  EXPECT_EQ(cluster["a"].turns.size(), 3U);
}

TEST_F(NodeCalls, TurnsThatWaitForCallsTheyDoNotTellOfAreUnblocked) {
  start([](NodeConfig& config) { config.max_turns = 64; });
  for (ActorId id = 1; id <= 130; ++id) cluster.call("a", id);
  ASSERT_EQ(cluster["a"].turns.size(), 64U);
  cluster.pass(2'000'000);
  EXPECT_GT(cluster["a"].turns.size(), 64U) << "one of those that wait may be what the others wait for";
}

TEST_F(NodeCalls, WhoWaitsForATurnInVainHearsForWhat) {
  start([](NodeConfig& config) { config.max_turns = config.most_turns = 1; });
  cluster.call("a", 1, [](Call& call) { call.deadline += Duration(20'000'000); });
  const CallId token = cluster.call("a", 2);
  cluster.pass(10'100'000);
  EXPECT_EQ(outcome(token), Outcome::kExpired);
  EXPECT_EQ(cluster.answer("a", token)->reason, Reason::kTooManyTurns);
}

// ---- why ----

TEST_F(NodeCalls, WhoWaitsBehindASlowTurnHearsOfIt) {
  start();
  cluster.call("a", 7, [](Call& call) { call.deadline += Duration(20'000'000); });
  cluster.pass(2'000'000);
  const auto impatient = [&](Call& call) { call.deadline = cluster.now().mono + Duration(1'000'000); };
  const CallId first = cluster.call("a", 7, impatient);
  cluster.call("a", 7);
  cluster.pass(1'000'000);
  EXPECT_EQ(outcome(first), Outcome::kExpired);
  EXPECT_EQ(cluster.answer("a", first)->reason, Reason::kAppSlow);
  EXPECT_EQ(cluster.answer("a", first)->detail, "actor 7 is busy with a turn that has run 3.0 s; 2 calls wait");
}

TEST_F(NodeCalls, WhoWaitsBehindACallThatIsElsewhereHearsOfIt) {
  start();
  cluster.start("b");
  cluster.converge();
  const ActorId id = cluster.id_of("a", "b");
  cluster.call("a", id, [](Call& call) { call.deadline += Duration(20'000'000); });
  cluster.pass(2'000'000);
  const auto impatient = [&](Call& call) { call.deadline = cluster.now().mono + Duration(1'000'000); };
  const CallId second = cluster.call("a", id, impatient);
  cluster.pass(1'000'000);
  EXPECT_EQ(outcome(second), Outcome::kExpired);
  EXPECT_EQ(cluster.answer("a", second)->reason, Reason::kAppSlow) << "not the caller's";
  EXPECT_EQ(
      cluster.answer("a", second)->detail,
      "actor " + to_string(id) + " is busy at b with a call that was sent there 3.0 s ago; 1 call waits behind it");
}

TEST_F(NodeCalls, WhereAHostWasLostIsSaid) {
  start();
  cluster.start("b");
  cluster.converge();
  const ActorId id = cluster.id_of("a", "b");
  cluster.stop("b");
  const CallId token = cluster.call("a", id);
  cluster.pass(300'000);
  cluster.lose_forwards("a", "End of file");
  const std::string& detail = cluster.answer("a", token)->detail;
  EXPECT_EQ(
      detail.find("b, to which the call for actor " + to_string(id) + " was sent 0.3 s before, is lost: End of file"),
      0U)
      << detail;
}

TEST_F(NodeCalls, ATurnThatOutlivesItsCallerIsTheAppsFault) {
  start();
  const CallId token = cluster.call("a", 7);
  cluster.pass(10'100'000);
  EXPECT_EQ(outcome(token), Outcome::kUnknown);
  EXPECT_EQ(cluster.answer("a", token)->reason, Reason::kAppSlow);
}

// ---- the end of an activation, wanted by the app or by a person ----

TEST_F(NodeCalls, TheAppMayEndAnActivationWithItsAnswer) {
  start();
  const CallId token = cluster.call("a", 1);
  const Epoch epoch = cluster["a"].turns[0].epoch;
  Answer answer = Cluster::applied();
  answer.deactivate = true;
  cluster.end_turns("a", answer);
  EXPECT_EQ(outcome(token), Outcome::kApplied);
  EXPECT_EQ(cluster.node("a").status().actors, 0U);
  cluster.call("a", 1);
  EXPECT_GT(cluster["a"].turns[0].epoch, epoch);
}

TEST_F(NodeCalls, AnOperatorEndsAnActivationWhereverItIs) {
  cluster.start("a");
  cluster.start("b");
  cluster.converge();
  const ActorId id = cluster.id_of("a", "b");
  cluster.call("b", id);
  cluster.end_turns("b");
  const auto wish = [](Call& call) { call.kind = Call::Kind::kDeactivate; };
  const CallId token = cluster.call("a", id, wish);
  EXPECT_EQ(outcome(token), Outcome::kApplied);
  EXPECT_EQ(cluster.node("b").status().actors, 0U);
  const CallId again = cluster.call("a", id, wish);
  EXPECT_EQ(outcome(again), Outcome::kApplied);
  EXPECT_EQ(cluster.node("b").status().actors, 0U) << "it activates nothing";
}

TEST_F(NodeCalls, AnOperatorEndsATurnThatIsStuckElsewhere) {
  cluster.start("a");
  cluster.start("b");
  cluster.converge();
  const ActorId id = cluster.id_of("a", "b");
  cluster.call("a", id);
  cluster.call("a", id);
  cluster.pass(3'000'000);
  const CallId wish = cluster.call("a", id, [](Call& call) { call.kind = Call::Kind::kDeactivate; });
  cluster.pass(100'000);
  ASSERT_EQ(cluster["b"].broken.size(), 1U) << "it does not wait behind the calls that wait for that turn";
  cluster.end_turns("b", Answer::failed(Outcome::kUnknown, Reason::kTurnTimeout));
  EXPECT_EQ(outcome(wish), Outcome::kApplied);
}

TEST_F(NodeCalls, AnOperatorEndsAStuckTurn) {
  start();
  const CallId stuck = cluster.call("a", 1);
  cluster.pass(3'000'000);
  const CallId wish = cluster.call("a", 1, [](Call& call) { call.kind = Call::Kind::kDeactivate; });
  cluster.pass(100'000);
  ASSERT_EQ(cluster["a"].broken.size(), 1U);
  cluster.end_turns("a", Answer::failed(Outcome::kUnknown, Reason::kTurnTimeout));
  EXPECT_EQ(outcome(stuck), Outcome::kUnknown);
  EXPECT_EQ(cluster.answer("a", stuck)->reason, Reason::kEndedByOperator);
  EXPECT_EQ(cluster.answer("a", stuck)->detail,
            "actor 1 was deactivated on an operator's wish while this turn had run for 3.1 s");
  EXPECT_EQ(outcome(wish), Outcome::kApplied);
  EXPECT_EQ(cluster.node("a").status().actors, 0U);
}

// Once, however many calls wait for the actor: they go on in the next activation.
TEST_F(NodeCalls, AnOperatorEndsOneActivation) {
  start();
  cluster.call("a", 1);
  std::vector<CallId> behind;
  for (int i = 0; i < 5; ++i) behind.push_back(cluster.call("a", 1));
  const CallId wish = cluster.call("a", 1, [](Call& call) { call.kind = Call::Kind::kDeactivate; });
  cluster.end_turns("a");
  EXPECT_EQ(outcome(wish), Outcome::kApplied);
  ASSERT_EQ(cluster["a"].turns.size(), 1U);
  const Epoch next = cluster["a"].turns[0].epoch;
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(cluster["a"].turns.size(), 1U);
    EXPECT_EQ(cluster["a"].turns[0].epoch, next);
    cluster.end_turns("a");
  }
  for (const CallId token : behind) EXPECT_EQ(outcome(token), Outcome::kApplied);
  EXPECT_TRUE(cluster["a"].broken.empty());
}

TEST_F(NodeCalls, AnOperatorHearsThatTheAppKeepsTheActor) {
  start();
  cluster.call("a", 1);
  const Epoch epoch = cluster["a"].turns[0].epoch;
  cluster.end_turns("a");
  cluster.auto_confirm = false;
  const CallId wish = cluster.call("a", 1, [](Call& call) { call.kind = Call::Kind::kDeactivate; });
  const CallId behind = cluster.call("a", 1);
  cluster.confirm_deactivations("a", {Deactivated::Kind::kNotNow, {}, "DELETE /actors/1 was answered 409"});
  EXPECT_EQ(outcome(wish), Outcome::kRefused);
  EXPECT_EQ(cluster.answer("a", wish)->detail,
            "the application keeps actor 1 for now: DELETE /actors/1 was answered 409");
  ASSERT_EQ(cluster["a"].turns.size(), 1U) << "calls go on at once";
  EXPECT_EQ(cluster["a"].turns[0].epoch, epoch);
  cluster.end_turns("a");
  EXPECT_EQ(outcome(behind), Outcome::kApplied);
}

TEST_F(NodeCalls, WhatTheAppFailsToForgetForAnOperatorIsToldAndKeepsNobodyWaitingForLong) {
  start();
  cluster.call("a", 1);
  cluster.end_turns("a");
  cluster.auto_confirm = false;
  const CallId wish = cluster.call("a", 1, [&](Call& call) {
    call.kind = Call::Kind::kDeactivate;
    call.deadline = cluster.now().mono + Duration(2'000'000);
  });
  const CallId behind = cluster.call("a", 1);
  for (int i = 0; i < 40; ++i) {
    cluster.confirm_deactivations("a", {Deactivated::Kind::kFailed, {}, "DELETE /actors/1 was answered 500"});
    cluster.pass(100'000);
  }
  EXPECT_EQ(outcome(wish), Outcome::kUnknown);
  const std::string told = cluster.answer("a", wish)->detail;
  EXPECT_NE(told.find("is being deactivated (operator), which the app has not done when asked"), told.npos) << told;
  EXPECT_NE(told.find("DELETE /actors/1 was answered 500"), told.npos) << told;
  ASSERT_EQ(cluster["a"].turns.size(), 1U) << "the operator has gone, and calls go on";
  cluster.end_turns("a");
  EXPECT_EQ(outcome(behind), Outcome::kApplied);
}

TEST_F(NodeCalls, AnActorWhoseTurnWasBrokenIsNotKept) {
  start();
  cluster.call("a", 1);
  cluster.pass(3'000'000);
  cluster.auto_confirm = false;
  const CallId wish = cluster.call("a", 1, [](Call& call) { call.kind = Call::Kind::kDeactivate; });
  const CallId behind = cluster.call("a", 1);
  cluster.pass(100'000);
  cluster.end_turns("a", Answer::failed(Outcome::kUnknown, Reason::kTurnTimeout));
  cluster.confirm_deactivations("a", {Deactivated::Kind::kNotNow, {}, "409"});
  EXPECT_EQ(cluster.answer("a", wish), nullptr);
  EXPECT_TRUE(cluster["a"].turns.empty()) << "the broken turn may still run in the app";
  cluster.pass(100'000);
  cluster.confirm_deactivations("a");
  EXPECT_EQ(outcome(wish), Outcome::kApplied);
  ASSERT_EQ(cluster["a"].turns.size(), 1U);
  cluster.end_turns("a");
  EXPECT_EQ(outcome(behind), Outcome::kApplied);
}

TEST_F(NodeCalls, AnOwnerThatSaysNothingIsNamedAndToBlame) {
  cluster.start("a");
  cluster.start("b");
  cluster.converge();
  const ActorId id = cluster.id_of("a", "b");
  const CallId token =
      cluster.call("a", id, [&](Call& call) { call.deadline = cluster.now().mono + Duration(500'000); });
  cluster.stop("b");
  cluster.pass(1'000'000);
  EXPECT_EQ(outcome(token), Outcome::kUnknown);
  EXPECT_EQ(cluster.answer("a", token)->reason, Reason::kPeerLost);
  const std::string detail = cluster.answer("a", token)->detail;
  EXPECT_EQ(detail.rfind("b, to which the call for actor " + to_string(id) + " was sent ", 0), 0U) << detail;
  EXPECT_TRUE(detail.ends_with(" ago, did not answer by the caller's deadline")) << detail;
}

// Here --turn-timeout comes before an operator's patience ends.
TEST_F(NodeCalls, ATurnThatTookTooLongIsNotKeptForAnOperatorEither) {
  start([](NodeConfig& config) { config.turn_timeout = Duration(500'000); });
  const CallId slow = cluster.call("a", 1);
  cluster.auto_confirm = false;
  cluster.call("a", 1, [](Call& call) { call.kind = Call::Kind::kDeactivate; });
  cluster.call("a", 1);
  cluster.pass(600'000);
  cluster.end_turns("a", Answer::failed(Outcome::kUnknown, Reason::kTurnTimeout));
  EXPECT_EQ(cluster.answer("a", slow)->reason, Reason::kTurnTimeout);
  cluster.confirm_deactivations("a", {Deactivated::Kind::kNotNow, {}, "409"});
  EXPECT_TRUE(cluster["a"].turns.empty()) << "that turn may still run in the app";
}

TEST_F(NodeCalls, OneActorsLineLeavesRoomForTheOthers) {
  start([](NodeConfig& config) {
    config.queue_bytes = 100'000;
    config.queue_per_actor = 10'000;
  });
  const auto large = [](Call& call) { call.request = std::string(1'000, 'x'); };
  CallId last;
  for (int i = 0; i < 200; ++i) last = cluster.call("a", 1, large);
  EXPECT_EQ(outcome(last), Outcome::kOverloaded);
  EXPECT_EQ(cluster.answer("a", last)->reason, Reason::kActorQueueFull);
  const CallId other = cluster.call("a", 2, large);
  EXPECT_EQ(cluster.answer("a", other), nullptr) << "under way";
}

}  // namespace
}  // namespace ringside::core
