// The parts of core/calls, each by itself.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sidecar/core/calls/admission.h"
#include "sidecar/core/calls/call_order.h"
#include "sidecar/core/calls/forwards.h"
#include "sidecar/core/calls/pending_calls.h"
#include "sidecar/core/calls/retry_budget.h"

namespace ringside::core {
namespace {

CallPtr call_of(ActorId id, std::size_t bytes = 0, const std::string& chain = {}) {
  auto call = std::make_shared<Call>();
  call->id = id;
  call->request = std::string(bytes, 'x');
  call->chain = chain;
  return call;
}

// ---- PendingCalls ---------------------------------------------------------------------------------------------------

TEST(PendingCalls, EachEndsOnce) {
  PendingCalls calls(1 << 20);
  EXPECT_TRUE(calls.begin(CallId(1), call_of(7, 100)));
  EXPECT_EQ(calls.bytes(), calls.at(CallId(1)).call->weight());
  EXPECT_TRUE(calls.end(CallId(1)));
  EXPECT_FALSE(calls.end(CallId(1)));
  EXPECT_EQ(calls.bytes(), 0U);
  EXPECT_EQ(calls.size(), 0U);
  EXPECT_EQ(calls.find(CallId(1)), nullptr);
}

TEST(PendingCalls, WaitingAreThoseThatWait) {
  PendingCalls calls(1 << 20);
  const CallId first(1), second(2), third(3);
  for (const CallId call : {first, second, third}) ASSERT_TRUE(calls.begin(call, call_of(7)));
  for (const CallId call : {third, first, second}) calls.enter(call, CallStage::kWaiting);
  EXPECT_EQ(calls.waiting(), (std::set{first, second, third}));
  calls.enter(second, CallStage::kForwarding);
  calls.end(third);
  EXPECT_EQ(calls.waiting(), std::set{first});
  EXPECT_EQ(calls.in_stage(CallStage::kForwarding), std::vector{second});
}

TEST(PendingCalls, OneThatIsRefusedIsThereUntilItEnds) {
  PendingCalls calls(1000);
  EXPECT_TRUE(calls.begin(CallId(1), call_of(7)));
  const auto admitted = calls.begin(CallId(2), call_of(8, 2000));
  ASSERT_FALSE(admitted);
  EXPECT_EQ(admitted.error().reason, Reason::kQueueBytesFull);
  EXPECT_EQ(calls.size(), 2U);
  calls.end(CallId(2));
  EXPECT_TRUE(calls.begin(CallId(3), call_of(8)));
}

TEST(PendingCallsDeathTest, WhatCannotHappenEndsTheProcess) {
  PendingCalls calls(1000);
  EXPECT_DEATH(calls.at(CallId(9)), "this cannot happen");
  ASSERT_TRUE(calls.begin(CallId(1), call_of(7)));
  EXPECT_DEATH(static_cast<void>(calls.begin(CallId(1), call_of(7))), "this cannot happen");
}

// ---- Admission ------------------------------------------------------------------------------------------------------

TEST(Admission, OneActorTakesAtMostWhatItLeavesToTheOthers) {
  const std::size_t unit = call_of(1, 1000)->weight();
  Admission admission(16 * unit);
  struct Step {
    ActorId actor;
    bool admitted;
  };
  // Up to a quarter nobody is counted. Then actor 1 is held to what is left, and others are not.
  std::vector<Step> steps(4, Step{1, true});
  for (int i = 0; i < 6; ++i) steps.push_back({1, true});
  steps.push_back({1, false});
  steps.push_back({2, true});
  int number = 0;
  for (const Step& step : steps) {
    EXPECT_EQ(admission.admit(*call_of(step.actor, 1000)).may_go_on.has_value(), step.admitted) << "call " << ++number;
  }
}

TEST(Admission, WhatIsReleasedIsFree) {
  const auto call = call_of(1, 1000);
  Admission admission(2 * call->weight());
  const auto first = admission.admit(*call);
  const auto second = admission.admit(*call);
  EXPECT_FALSE(admission.admit(*call).may_go_on);
  admission.release(*call, false);
  admission.release(*call, second.counted);
  admission.release(*call, first.counted);
  EXPECT_EQ(admission.bytes(), 0U);
  EXPECT_TRUE(admission.admit(*call).may_go_on);
}

// ---- CallOrder ------------------------------------------------------------------------------------------------------

TEST(CallOrder, OneAfterAnother) {
  CallOrder order;
  EXPECT_EQ(order.first(7), std::nullopt);
  for (const std::uint64_t number : {1, 2, 3}) order.add(7, CallId(number));
  EXPECT_EQ(order.size(7), 3U);
  EXPECT_EQ(order.first(7), CallId(1));
  EXPECT_FALSE(order.stands_behind_another(7, CallId(1)));
  EXPECT_TRUE(order.stands_behind_another(7, CallId(3)));
  EXPECT_FALSE(order.stands_behind_another(7, CallId(9))) << "it does not stand here";
  order.remove(7, CallId(1));
  EXPECT_EQ(order.first(7), CallId(2));
  order.add_first(7, CallId(1));
  order.add_first(7, {CallId(8), CallId(9)});
  for (const std::uint64_t number : {8, 9, 1, 2, 3}) {
    EXPECT_EQ(order.first(7), CallId(number));
    order.remove(7, CallId(number));
  }
  EXPECT_EQ(order.orders(), 0U) << "an empty order is not kept";
}

TEST(CallOrder, IsLookedAtAfterItsFirstCallHasMovedOn) {
  CallOrder order;
  order.look_at(7);
  EXPECT_EQ(order.next_to_look_at(), std::nullopt) << "nobody stands there";
  order.add(7, CallId(1));
  order.add(8, CallId(2));
  for (const OrderId one : {OrderId(8), OrderId(8), OrderId(7)}) order.look_at(one);
  EXPECT_EQ(order.next_to_look_at(), OrderId(8));
  EXPECT_EQ(order.next_to_look_at(), OrderId(7));
  EXPECT_EQ(order.next_to_look_at(), std::nullopt);
}

TEST(CallOrder, CallsThatTurnsMakeAndWishesOfOperatorsHaveTheirOwn) {
  Call plain = *call_of(7);
  Call nested = *call_of(7, 0, "41:5f3a09c1");
  Call other_nested = *call_of(7, 0, "97:0b77e1d2");
  Call wish = plain;
  wish.kind = Call::Kind::kDeactivate;
  const std::set<OrderId> different = {CallOrder::of(plain), CallOrder::of(nested), CallOrder::of(other_nested),
                                       CallOrder::of(wish), CallOrder::of(*call_of(8))};
  EXPECT_EQ(different.size(), 5U);
  EXPECT_EQ(CallOrder::of(plain), CallOrder::of(*call_of(7, 100)));
}

// ---- RetryBudget, Forwards ------------------------------------------------------------------------------------------

TEST(RetryBudget, OneRepeatForFiveCallsAndABoundOnWhatIsSaved) {
  RetryBudget budget;
  EXPECT_FALSE(budget.spend());
  for (int i = 0; i < 4; ++i) budget.earn();
  EXPECT_FALSE(budget.spend());
  budget.earn();
  EXPECT_TRUE(budget.spend());
  EXPECT_FALSE(budget.spend());
  for (int i = 0; i < 1'000'000; ++i) budget.earn();
  int repeats = 0;
  while (budget.spend()) ++repeats;
  EXPECT_EQ(repeats, 100);
}

TEST(Forwards, EndOnceAndAreFoundByTheirHost) {
  Forwards forwards;
  const ForwardId first(1), second(2), third(3);
  forwards.began(third, {CallId(1), "a", 0, false, false, Instant()});
  forwards.began(second, {CallId(2), "b", 0, false, false, Instant()});
  forwards.began(first, {CallId(3), "a", 0, false, false, Instant()});
  EXPECT_EQ(forwards.to("a"), (std::vector{first, third}));
  EXPECT_EQ(forwards.at(second).host, "b");
  const auto ended = forwards.end(third);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->call, CallId(1));
  EXPECT_FALSE(forwards.end(third));
  EXPECT_EQ(forwards.to("a"), std::vector{first});
}

}  // namespace
}  // namespace ringside::core
