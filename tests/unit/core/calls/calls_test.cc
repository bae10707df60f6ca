#include "sidecar/core/calls/calls.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

constexpr Duration kSecond{1'000'000};
const HostRun kHere{"here", 1};
const HostRun kThere{"there", 2};

class FactsFake final : public CallFacts {
 public:
  std::string holder_of(ActorId) const override { return "holder"; }
  std::string detail_of(const PendingCall&, Reason reason) const override {
    return "why " + std::string(to_string(reason));
  }
  std::string busy_with(ActorId) const override { return "busy"; }
  std::string fate_of(const std::string&) const override { return ""; }
  bool is_heard(const std::string&) const override { return true; }
  Answer expired_in_queue(const PendingCall&, Answer otherwise) const override {
    otherwise.reason = Reason::kAppSlow;
    return otherwise;
  }
};

class CallsTest : public ::testing::Test {
 protected:
  CallsTest() { context.now.mono = Instant(Duration{3'600'000'000}); }
  ~CallsTest() override {
    EXPECT_FALSE(calls.next_in_order());
    calls.check();
  }

  std::shared_ptr<Call> call_of(ActorId id) const {
    auto call = std::make_shared<Call>();
    call->id = id;
    call->deadline = context.now.mono + 10 * kSecond;
    return call;
  }
  // Begins, and is routed if it may be; the route says to wait.
  bool begins_to_wait(std::uint64_t token, CallPtr call) {
    if (!calls.begin(CallId(token), std::move(call), kHere)) return false;
    calls.begin_routing(CallId(token));
    calls.wait(CallId(token), Reason::kOwnershipMoving);
    calls.placed(CallId(token));
    return true;
  }
  ForwardId forwarded(std::uint64_t token, CallPtr call) {
    EXPECT_TRUE(calls.begin(CallId(token), std::move(call), kHere));
    calls.begin_routing(CallId(token));
    calls.forward(CallId(token), kThere, 42, false);
    calls.placed(CallId(token));
    return calls.pending().at(CallId(token)).forward;
  }
  void gets_a_turn(std::uint64_t token, CallPtr call) {
    EXPECT_TRUE(calls.begin(CallId(token), std::move(call), kHere));
    calls.begin_routing(CallId(token));
    calls.in_turn(CallId(token), TurnId(token));
    calls.placed(CallId(token));
  }
  CallStage stage_of(std::uint64_t token) const { return calls.pending().at(CallId(token)).stage; }
  bool is_there(std::uint64_t token) const { return calls.pending().find(CallId(token)) != nullptr; }
  // "1 applied, 2 expired (deadline)"
  std::string finished() {
    std::string text;
    for (const Effect& effect : std::exchange(context.effects, {})) {
      const auto* finish = std::get_if<FinishCall>(&effect);
      if (finish == nullptr) continue;
      if (!text.empty()) text += ", ";
      text += std::to_string(finish->token.value()) + " " + std::string(to_string(finish->answer.outcome));
      if (finish->answer.reason != Reason::kNone) text += " (" + std::string(to_string(finish->answer.reason)) + ")";
    }
    return text;
  }
  static Answer applied() {
    Answer answer;
    answer.outcome = Outcome::kApplied;
    return answer;
  }

  NodeConfig config;
  Context context{1};
  Timers timers;
  FactsFake facts;
  Calls calls{config, context, timers, facts};
};

// ---- it comes -------------------------------------------------------------------------------------------------------

TEST_F(CallsTest, WhatEndsAtOnce) {
  struct Row {
    const char* what;
    void (*change)(Call&, Instant now);
    const char* end;  // empty: it is to be routed
  };
  const Row rows[] = {
      {"nothing is wrong", [](Call&, Instant) {}, ""},
      {"too late", [](Call& call, Instant now) { call.deadline = now; }, "1 expired (deadline)"},
      {"for another run",
       [](Call& call, Instant) {
         call.target = Target{"here", 9, "default", 0};
       },
       "1 not-delivered (wrong-target)"},
      {"for another cluster",
       [](Call& call, Instant) {
         call.target = Target{"here", 1, "other", 0};
       },
       "1 not-delivered (wrong-target)"},
      {"for this run",
       [](Call& call, Instant) {
         call.target = Target{"here", 1, "default", 0};
       },
       ""},
      {"too large", [](Call& call, Instant) { call.request = std::string(std::size_t{65} << 20, 'x'); },
       "1 overloaded (queue-bytes-full)"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    Calls fresh(config, context, timers, facts);
    auto call = call_of(7);
    row.change(*call, context.now.mono);
    EXPECT_EQ(fresh.begin(CallId(1), call, kHere), *row.end == '\0');
    EXPECT_EQ(finished(), row.end);
    if (*row.end == '\0') fresh.finish(CallId(1), applied());
    context.effects.clear();
    EXPECT_FALSE(fresh.next_in_order());
    EXPECT_EQ(fresh.unfinished(), 0U);
  }
  EXPECT_EQ(timers.size(), 0U);
}

TEST_F(CallsTest, EachEndsWithADetailAndAHolder) {
  begins_to_wait(1, call_of(7));
  calls.finish(CallId(1), Answer::failed(Outcome::kNotDelivered, Reason::kNoOwner));
  const auto finish = std::get<FinishCall>(context.effects.at(0));
  EXPECT_EQ(finish.answer.detail, "why no-owner");
  EXPECT_EQ(finish.answer.holder, "holder");
  EXPECT_EQ(context.effects.size(), 1U);
  EXPECT_EQ(timers.size(), 0U);
}

TEST_F(CallsTest, NoneEndsTwice) {
  begins_to_wait(1, call_of(7));
  calls.finish(CallId(1), applied());
  EXPECT_DEATH(calls.finish(CallId(1), applied()), "this cannot happen");
}

// ---- order ----------------------------------------------------------------------------------------------------------

TEST_F(CallsTest, CallsOfOneIdAreRoutedOneAfterAnother) {
  EXPECT_TRUE(begins_to_wait(1, call_of(7)));
  EXPECT_FALSE(begins_to_wait(2, call_of(7)));
  EXPECT_FALSE(begins_to_wait(3, call_of(7)));
  EXPECT_TRUE(begins_to_wait(4, call_of(8))) << "another actor";
  auto of_a_peer = call_of(7);
  of_a_peer->origin = Origin::kPeer;
  EXPECT_TRUE(begins_to_wait(5, of_a_peer));
  EXPECT_EQ(stage_of(2), CallStage::kInOrder);
  EXPECT_FALSE(calls.next_in_order());
  EXPECT_EQ(calls.waiting(), (std::vector{CallId(1), CallId(4), CallId(5)}));

  EXPECT_FALSE(calls.may_move_on(CallId(2))) << "it does not wait for the view";
  EXPECT_TRUE(calls.may_move_on(CallId(1)));
  calls.begin_routing(CallId(1));
  calls.in_turn(CallId(1), TurnId(1));
  EXPECT_EQ(calls.next_in_order(), CallId(2));
  calls.begin_routing(CallId(2));
  calls.wait(CallId(2), Reason::kOwnershipMoving);
  EXPECT_FALSE(calls.next_in_order()) << "2 has to wait, and 3 behind it";
  calls.finish(CallId(2), applied());
  EXPECT_EQ(calls.next_in_order(), CallId(3));
  calls.begin_routing(CallId(3));
  calls.in_turn(CallId(3), TurnId(3));
  EXPECT_FALSE(calls.next_in_order());
}

TEST_F(CallsTest, TheQueueOfAnActivationThatIsOverKeepsItsOrder) {
  for (const std::uint64_t token : {1, 2, 3}) {
    auto call = call_of(7);
    if (token == 2) call->origin = Origin::kPeer;
    EXPECT_TRUE(calls.begin(CallId(token), call, kHere));
    calls.begin_routing(CallId(token));
    calls.queued(CallId(token));
  }
  EXPECT_EQ(calls.take_back({CallId(1), CallId(2), CallId(3)}), std::vector{CallId(2)});
  calls.begin_routing(CallId(2));
  calls.in_turn(CallId(2), TurnId(2));
  EXPECT_EQ(calls.next_in_order(), CallId(1));
  calls.begin_routing(CallId(1));
  calls.in_turn(CallId(1), TurnId(1));
  EXPECT_EQ(calls.next_in_order(), CallId(3));
  calls.begin_routing(CallId(3));
  calls.in_turn(CallId(3), TurnId(3));
}

// ---- forwards -------------------------------------------------------------------------------------------------------

TEST_F(CallsTest, WhatComesOfAForward) {
  struct Row {
    const char* what;
    Origin origin;
    bool idempotent;
    Answer answer;
    const char* end;  // empty: it is tried again
    CallStage stage;  // then
  };
  const auto failed = [](Outcome outcome, Reason reason) { return Answer::failed(outcome, reason); };
  const CallStage none = CallStage::kRouting;
  const Row rows[] = {
      {"applied", Origin::kLocal, false, applied(), "1 applied", none},
      {"not mine", Origin::kLocal, false, failed(Outcome::kNotDelivered, Reason::kNotMine), "", CallStage::kWaiting},
      {"not mine, for a peer", Origin::kPeer, false, failed(Outcome::kNotDelivered, Reason::kNotMine), "",
       CallStage::kWaiting},
      {"unreachable", Origin::kLocal, false, failed(Outcome::kNotDelivered, Reason::kPeerUnreachable), "",
       CallStage::kWaiting},
      {"unreachable, for a peer", Origin::kPeer, false, failed(Outcome::kNotDelivered, Reason::kPeerUnreachable),
       "1 not-delivered (peer-unreachable)", none},
      {"hop limit", Origin::kLocal, false, failed(Outcome::kNotDelivered, Reason::kHopLimit),
       "1 not-delivered (hop-limit)", none},
      {"lost", Origin::kLocal, false, failed(Outcome::kUnknown, Reason::kPeerLost), "1 unknown (peer-lost)", none},
      {"lost, and may be repeated", Origin::kLocal, true, failed(Outcome::kUnknown, Reason::kPeerLost), "",
       CallStage::kWaiting},
      {"not now", Origin::kLocal, false, failed(Outcome::kNotDelivered, Reason::kAppBusy), "", CallStage::kAside},
      {"not now, for a peer", Origin::kPeer, false, failed(Outcome::kNotDelivered, Reason::kAppBusy),
       "1 not-delivered (app-busy)", none},
      {"overloaded, and nothing saved for repeats", Origin::kLocal, false,
       failed(Outcome::kOverloaded, Reason::kActorQueueFull), "1 overloaded (actor-queue-full)", none},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    auto call = call_of(7);
    call->origin = row.origin;
    if (row.origin == Origin::kPeer) call->hops = 1;
    call->idempotent = row.idempotent;
    Calls fresh(config, context, timers, facts);
    ASSERT_TRUE(fresh.begin(CallId(1), call, kHere));
    fresh.begin_routing(CallId(1));
    fresh.forward(CallId(1), kThere, 42, false);
    fresh.placed(CallId(1));
    const ForwardId forward = fresh.forwards_to("there").at(0);
    auto ended = fresh.forward_ended(forward, row.answer);
    ASSERT_TRUE(ended);
    EXPECT_EQ(ended->answer.holder, "there");
    EXPECT_FALSE(fresh.forward_ended(forward, row.answer)) << "it ends once";
    fresh.go_on(std::move(*ended));
    EXPECT_EQ(finished(), row.end);
    const PendingCall* pending = fresh.pending().find(CallId(1));
    if (pending != nullptr) {
      EXPECT_EQ(pending->stage, row.stage);
    }
    EXPECT_EQ(pending == nullptr, *row.end != '\0');
    EXPECT_FALSE(fresh.next_in_order());
    fresh.check();
  }
}

TEST_F(CallsTest, WhatMayHaveHappenedStaysUnknown) {
  auto call = call_of(7);
  call->idempotent = true;
  const ForwardId forward = forwarded(1, call);
  calls.go_on(calls.forward_ended(forward, Answer::failed(Outcome::kUnknown, Reason::kPeerLost)).value());
  calls.finish(CallId(1), Answer::failed(Outcome::kExpired, Reason::kDeadline));
  EXPECT_EQ(finished(), "1 unknown (deadline)");
}

TEST_F(CallsTest, ACallHasSoManyHops) {
  auto call = call_of(7);
  call->origin = Origin::kPeer;
  call->hops = 8;
  EXPECT_TRUE(calls.begin(CallId(1), call, kHere));
  calls.begin_routing(CallId(1));
  EXPECT_FALSE(calls.has_hops_left(CallId(1)));
  EXPECT_EQ(finished(), "1 not-delivered (hop-limit)");
}

// ---- turns ----------------------------------------------------------------------------------------------------------

TEST_F(CallsTest, WhatComesOfATurn) {
  struct Row {
    const char* what;
    bool active;
    Answer answer;
    const char* end;
    bool first_again;
    CallStage stage;
  };
  const CallStage none = CallStage::kRouting;
  const Row rows[] = {
      {"applied", true, applied(), "1 applied", false, none},
      {"not now", true, Answer::failed(Outcome::kNotDelivered, Reason::kAppBusy), "", false, CallStage::kAside},
      {"the app did not get it", true, Answer::failed(Outcome::kNotDelivered, Reason::kAppDown), "", true,
       CallStage::kQueued},
      {"nor is it active any more", false, Answer::failed(Outcome::kNotDelivered, Reason::kAppDown), "", false,
       CallStage::kWaiting},
      {"it broke", true, Answer::failed(Outcome::kUnknown, Reason::kAppLost), "1 unknown (app-lost)", false, none},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    gets_a_turn(1, call_of(7));
    EXPECT_EQ(calls.turn_ended(CallId(1), row.answer, row.active).has_value(), row.first_again);
    EXPECT_EQ(finished(), row.end);
    EXPECT_EQ(is_there(1), *row.end == '\0');
    if (is_there(1)) {
      EXPECT_EQ(stage_of(1), row.stage);
      calls.finish(CallId(1), applied());
    }
    context.effects.clear();
    EXPECT_FALSE(calls.next_in_order());
    EXPECT_EQ(calls.unfinished(), 0U);
  }
}

TEST_F(CallsTest, OneThatWasPutAsideLetsOthersGoAndComesBack) {
  gets_a_turn(1, call_of(7));
  calls.turn_ended(CallId(1), Answer::failed(Outcome::kNotDelivered, Reason::kAppBusy), true);
  EXPECT_TRUE(begins_to_wait(2, call_of(7)));
  EXPECT_EQ(calls.retry_due(CallId(1)), Calls::Retry::kNone) << "2 waits in front of it now";
  EXPECT_EQ(stage_of(1), CallStage::kInOrder);
  EXPECT_EQ(calls.retry_due(CallId(9)), Calls::Retry::kNone);
}

// ---- ends before their time -----------------------------------------------------------------------------------------

TEST_F(CallsTest, WhereACallWasWhenItsTimeWasOver) {
  struct Row {
    CallStage stage;
    const char* at_deadline;
    const char* cancelled;
  };
  const Row rows[] = {
      {CallStage::kWaiting, "1 expired (ownership-moving)", "1 not-delivered (cancelled)"},
      {CallStage::kQueued, "1 expired (app-slow)", "1 not-delivered (cancelled)"},
      {CallStage::kTurn, "1 unknown (app-slow)", "1 unknown (cancelled)"},
      {CallStage::kForwarding, "1 unknown (peer-lost)", "1 unknown (cancelled)"},
  };
  for (const Row& row : rows) {
    for (const bool cancelled : {false, true}) {
      SCOPED_TRACE(row.at_deadline);
      if (row.stage == CallStage::kWaiting) begins_to_wait(1, call_of(7));
      if (row.stage == CallStage::kTurn) gets_a_turn(1, call_of(7));
      if (row.stage == CallStage::kForwarding) forwarded(1, call_of(7));
      if (row.stage == CallStage::kQueued) {
        calls.begin(CallId(1), call_of(7), kHere);
        calls.begin_routing(CallId(1));
        calls.queued(CallId(1));
      }
      EXPECT_EQ(calls.has_turn(CallId(1)), row.stage == CallStage::kTurn);
      EXPECT_FALSE(calls.overdue(CallId(1)));
      context.now.mono += cancelled ? Duration(0) : 20 * kSecond;
      const Calls::Left left = (cancelled ? calls.cancel(CallId(1)) : calls.overdue(CallId(1))).value();
      EXPECT_EQ(left.stage, row.stage);
      EXPECT_EQ(left.id, ActorId(7));
      EXPECT_EQ(finished(), cancelled ? row.cancelled : row.at_deadline);
      EXPECT_FALSE(calls.next_in_order());
      EXPECT_EQ(calls.unfinished(), 0U);
      EXPECT_EQ(timers.size(), 0U);
    }
  }
  EXPECT_FALSE(calls.cancel(CallId(1)));
  EXPECT_FALSE(calls.deadline_due(CallId(1)));
}

TEST_F(CallsTest, TheOwnerItselfMaySayThatItIsTooLate) {
  forwarded(1, call_of(7));
  context.now.mono += 10 * kSecond;
  ASSERT_TRUE(timers.pop_due(context.now.mono));
  EXPECT_FALSE(calls.deadline_due(CallId(1)));
  context.now.mono += kAnswerGrace;
  ASSERT_TRUE(timers.pop_due(context.now.mono));
  EXPECT_TRUE(calls.deadline_due(CallId(1)));
  EXPECT_EQ(finished(), "1 unknown (peer-lost)");
}

TEST_F(CallsTest, ACallIsHeldForSoLong) {
  begins_to_wait(1, call_of(7));
  context.now.mono += config.hold_timeout;
  ASSERT_TRUE(timers.pop_due(context.now.mono));
  EXPECT_EQ(calls.retry_due(CallId(1)), Calls::Retry::kMayMoveOn);
  calls.begin_routing(CallId(1));
  calls.wait(CallId(1), Reason::kOwnershipMoving);
  EXPECT_EQ(finished(), "1 not-delivered (ownership-moving)");
}

TEST_F(CallsTest, WhatHasBegunIsGivenUpAtTheExit) {
  begins_to_wait(1, call_of(7));
  gets_a_turn(2, call_of(8));
  const std::vector<Calls::Left> left = calls.give_up_all();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].stage, CallStage::kTurn);
  EXPECT_EQ(finished(), "2 unknown (shutting-down)");
}

}  // namespace
}  // namespace ringside::core
