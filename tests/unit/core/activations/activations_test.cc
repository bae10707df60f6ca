#include "sidecar/core/activations/activations.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/core/cluster_fake.h"

namespace ringside::core {
namespace {

using What = Activations::AfterDeactivation::What;
using Kind = Deactivated::Kind;

constexpr Duration kSecond{1'000'000};

class ActivationsTest : public ::testing::Test {
 protected:
  ActivationsTest() {
    context.now.mono = Instant(Duration{3'600'000'000});
    config.max_turns = 2;
    config.most_turns = 3;
  }
  ~ActivationsTest() override { here().check(); }

  // Made when it is first used, so that a test may change the settings before.
  Activations& here() {
    if (!made) made = std::make_unique<Activations>(config, context, timers, cluster);
    return *made;
  }
  static std::shared_ptr<Call> call_of(ActorId id, const std::string& key = {}, Fingerprint fingerprint = 0) {
    auto call = std::make_shared<Call>();
    call->id = id;
    call->idempotency_key = key;
    call->fingerprint = fingerprint;
    return call;
  }
  Activations::Entered enter(std::uint64_t token, const CallPtr& call, bool serves_while_draining = false) {
    return here().enter(CallId(token), call, serves_while_draining);
  }
  // As the node does it: it waits where it has to.
  std::string enters(std::uint64_t token, const CallPtr& call, bool serves_while_draining = false) {
    const Activations::Entered entered = enter(token, call, serves_while_draining);
    if (std::holds_alternative<TurnId>(entered)) return "turn";
    if (const auto* answer = std::get_if<Answer>(&entered)) return std::string(to_string(answer->reason));
    here().wait(CallId(token), call);
    return "waits behind " + std::to_string(std::get<Activations::MustWait>(entered).behind);
  }
  TurnId turn_of(ActorId id) { return here().actors().at(id).turn; }
  Activations::TurnEnd end_turn(TurnId turn, Outcome outcome = Outcome::kApplied) {
    Answer answer;
    answer.outcome = outcome;
    return here().turn_ended(turn, answer).value();
  }
  // What the app is asked to forget.
  std::vector<DeactivateActor> deactivations() {
    std::vector<DeactivateActor> all;
    for (Effect& effect : std::exchange(context.effects, {})) {
      if (auto* one = std::get_if<DeactivateActor>(&effect)) all.push_back(std::move(*one));
    }
    return all;
  }
  Activations::AfterDeactivation said(const Deactivated& answer) {
    const std::vector<DeactivateActor> asked = deactivations();
    EXPECT_EQ(asked.size(), 1U);
    return here().deactivated(asked.at(0).token, answer).value();
  }

  NodeConfig config;
  Context context{1};
  Timers timers;
  ClusterFake cluster;

 private:
  std::unique_ptr<Activations> made;
};

// ---- turns ----------------------------------------------------------------------------------------------------------

TEST_F(ActivationsTest, OneTurnAtATimeInOrder) {
  here().activate(7, 42);
  EXPECT_EQ(enters(1, call_of(7)), "turn");
  EXPECT_EQ(enters(2, call_of(7)), "waits behind 0");
  EXPECT_EQ(enters(3, call_of(7)), "waits behind 1");
  EXPECT_EQ(here().waiting(), 2U);
  EXPECT_FALSE(here().take_next(7)) << "its turn is under way";
  const Activations::TurnEnd end = end_turn(turn_of(7));
  EXPECT_TRUE(end.active && end.answered);
  EXPECT_EQ(end.call, CallId(1));
  here().withdraw(7, CallId(2));
  EXPECT_EQ(here().take_next(7)->token, CallId(3));
  EXPECT_FALSE(here().take_next(7));
  EXPECT_EQ(here().waiting(), 0U);
}

TEST_F(ActivationsTest, ThereAreSoManyTurnsAtOnce) {
  for (ActorId id = 1; id <= 4; ++id) here().activate(id, Epoch(id.value()));
  EXPECT_EQ(enters(1, call_of(1)), "turn");
  EXPECT_EQ(enters(2, call_of(2)), "turn");
  EXPECT_EQ(enters(3, call_of(3)), "waits behind 0");
  auto nested = call_of(4);
  nested->chain = "1:00000001";
  EXPECT_EQ(enters(4, nested), "turn") << "a turn waits for it";
  EXPECT_EQ(here().awaiting_room(), 1U);
  EXPECT_FALSE(here().next_with_room());
  end_turn(turn_of(4));
  end_turn(turn_of(1));
  EXPECT_EQ(here().next_with_room(), ActorId{3});
  EXPECT_EQ(here().take_next(3)->token, CallId(3));
}

TEST_F(ActivationsTest, NothingBeginsWhileTheOthersAreAsked) {
  cluster.is_confirming = true;
  here().activate(7, 42);
  EXPECT_EQ(enters(1, call_of(7)), "waits behind 0");
  EXPECT_EQ(here().delay_of(*call_of(7))->reason, Reason::kNotReady);
  EXPECT_FALSE(here().delay_of(*call_of(8))) << "it is not active here";
  cluster.is_confirming = false;
  EXPECT_EQ(here().delay_of(*call_of(7))->reason, Reason::kNone);
  EXPECT_TRUE(here().take_next(7));
}

TEST_F(ActivationsTest, ARepeatIsAnsweredByWhatTheFirstOneGot) {
  here().activate(7, 42);
  enters(1, call_of(7, "key", 5));
  end_turn(turn_of(7));
  const auto repeated = enter(2, call_of(7, "key", 5));
  ASSERT_TRUE(std::holds_alternative<Answer>(repeated));
  EXPECT_TRUE(std::get<Answer>(repeated).replayed);
  EXPECT_EQ(enters(3, call_of(7, "key", 6)), "key-reused");
  EXPECT_EQ(enters(4, call_of(7, "other", 6)), "turn");
}

TEST_F(ActivationsTest, WhatEarlierActivationsAnsweredIsKnown) {
  here().inherit({7, 41, {{"key", Outcome::kApplied, "result", 5, kNoPlace}}});
  here().activate(7, 42);
  EXPECT_EQ(std::get<Answer>(enter(1, call_of(7, "key", 5))).serialized(), "result");
}

TEST_F(ActivationsTest, ALoopIsRefused) {
  here().activate(7, 42);
  enters(1, call_of(7));
  auto inner = call_of(7);
  for (const Effect& effect : context.effects) {
    if (const auto* turn = std::get_if<StartTurn>(&effect)) inner->chain = turn->chain;
  }
  EXPECT_EQ(enters(2, inner), "call-loop");
}

TEST_F(ActivationsTest, ACallThatTheAppDidNotGetIsFirstAgain) {
  here().activate(7, 42);
  const auto first = call_of(7);
  enters(1, first);
  enters(2, call_of(7));
  end_turn(turn_of(7), Outcome::kNotDelivered);
  here().wait_first(CallId(1), first, 1);
  EXPECT_GT(timers.size(), 0U) << "after a pause";
  EXPECT_EQ(here().take_next(7)->token, CallId(1));
}

TEST_F(ActivationsTest, ATurnThatTakesTooLongEndsItsActivation) {
  here().activate(7, 42);
  enters(1, call_of(7));
  const TurnId turn = turn_of(7);
  here().due(due::TurnTimeout{turn});
  EXPECT_TRUE(std::holds_alternative<BreakTurn>(context.effects.back()));
  end_turn(turn, Outcome::kUnknown);
  EXPECT_TRUE(here().end_after_turn(7, false));
  EXPECT_EQ(said({Kind::kDone, Duration(0), ""}).what, What::kReleased);
  here().release(7);
}

// ---- ends -----------------------------------------------------------------------------------------------------------

TEST_F(ActivationsTest, WhatComesOfAskingTheApp) {
  struct Row {
    const char* what;
    Deactivation why;
    bool remembers;
    Deactivated answer;
    What over;
  };
  const Row rows[] = {
      {"done", Deactivation::kDrain, false, {Kind::kDone, Duration(0), ""}, What::kReleased},
      {"done, with answers", Deactivation::kDrain, true, {Kind::kDone, Duration(0), ""}, What::kHandedOver},
      {"idle, with answers", Deactivation::kIdle, true, {Kind::kDone, Duration(0), ""}, What::kReleased},
      {"failed in a drain", Deactivation::kDrain, false, {Kind::kFailed, Duration(0), "no"}, What::kAskedAgain},
      {"declined in a drain", Deactivation::kDrain, false, {Kind::kNotNow, Duration(0), "no"}, What::kAskedAgain},
      {"declined when idle", Deactivation::kIdle, false, {Kind::kNotNow, Duration(0), "no"}, What::kStays},
      {"failed when idle", Deactivation::kIdle, false, {Kind::kFailed, Duration(0), "no"}, What::kStays},
      {"silent in a drain", Deactivation::kDrain, false, {Kind::kSilent, Duration(0), ""}, What::kAskedAgain},
      {"silent after a broken turn",
       Deactivation::kTurnTimeout,
       false,
       {Kind::kSilent, Duration(0), ""},
       What::kReleased},
  };
  ActorId id = 0;
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    here().activate(++id, 42);
    if (row.remembers) {
      enters(id.value(), call_of(id, "key"));
      end_turn(turn_of(id));
    }
    here().end(id, row.why);
    EXPECT_NE(enters(100 + id.value(), call_of(id)), "turn");
    const Activations::AfterDeactivation over = said(row.answer);
    EXPECT_EQ(over.what, row.over);
    const bool gone = over.what == What::kReleased || over.what == What::kHandedOver;
    if (gone) {
      EXPECT_EQ(over.claim, (Claim{id, 42}));
      EXPECT_TRUE(here().actors().holds({id, 42})) << "until it is released";
      EXPECT_EQ(here().release(id), std::vector<CallId>{CallId(100 + id.value())});
    }
    EXPECT_EQ(here().actors().find(id) == nullptr, gone);
  }
}

TEST_F(ActivationsTest, OneThatIsIdleIsAskedForAndTakenBackByACall) {
  config.idle_timeout = kSecond;
  config.max_turns = 1;  // as many questions at once
  here().activate(7, 42);
  here().activate(8, 43);
  context.now.mono += 2 * kSecond;
  here().deactivate_idle();
  const std::vector<DeactivateActor> asked = deactivations();
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].actor.id, ActorId(7));
  EXPECT_EQ(enters(1, call_of(8)), "turn") << "the app has not been asked yet";
  EXPECT_EQ(enters(2, call_of(7)), "waits behind 0");
}

TEST_F(ActivationsTest, WhileThisHostDrainsCallsGoBeforeTheEnd) {
  config.max_turns = 1;
  here().activate(7, 42);
  here().activate(8, 43);
  here().end_all(Deactivation::kDrain);
  EXPECT_EQ(enters(1, call_of(8), false), "waits behind 0");
  here().withdraw(8, CallId(1));
  EXPECT_EQ(enters(2, call_of(8), true), "turn");
  end_turn(turn_of(8));
  EXPECT_TRUE(here().end_after_turn(8, false));
}

TEST_F(ActivationsTest, AllEndAtOnceHoweverManyAreListedAtATime) {
  config.most_in_slice = 2;
  config.max_turns = 100;
  for (std::uint64_t id = 1; id <= 7; ++id) here().activate(ActorId(id), Epoch(40 + id));
  EXPECT_EQ(enters(1, call_of(5)), "turn");
  here().end_all(Deactivation::kFenced);
  EXPECT_EQ(here().deactivations().size(), 2U);
  EXPECT_EQ(enters(2, call_of(7)), "waits behind 0") << "it is not listed yet, and ends all the same";
  EXPECT_EQ(here().deactivations().size(), 3U);
  end_turn(turn_of(5));
  EXPECT_TRUE(here().end_after_turn(5, false));
  for (int slice = 0; slice < 3; ++slice) {
    EXPECT_TRUE(here().is_ending_all());
    here().end_more();
  }
  EXPECT_FALSE(here().is_ending_all());
  EXPECT_EQ(here().deactivations().size(), 7U) << "each is listed once";
}

TEST_F(ActivationsTest, AnOperatorWaitsForTheEndOrForTheAppsNo) {
  here().activate(7, 42);
  auto wish = call_of(7);
  wish->kind = Call::Kind::kDeactivate;
  here().deactivate_for(CallId(1), wish);
  const Activations::AfterDeactivation kept = said({Kind::kNotNow, Duration(0), "saving"});
  EXPECT_EQ(kept.what, What::kStays);
  EXPECT_EQ(kept.operators, std::vector<CallId>{CallId(1)});
  EXPECT_EQ(kept.refusal.outcome, Outcome::kRefused);
  EXPECT_EQ(here().waiting(), 0U);
  here().deactivate_for(CallId(2), wish);
  EXPECT_EQ(said({Kind::kDone, Duration(0), ""}).what, What::kReleased);
  EXPECT_EQ(here().release(7), std::vector<CallId>{CallId(2)});
}

TEST_F(ActivationsTest, AnAppThatIsGoneTakesAllWithIt) {
  here().activate(7, 42);
  here().activate(8, 43);
  enters(1, call_of(7));
  enters(2, call_of(7));
  here().end(8, Deactivation::kDrain);
  enters(3, call_of(8));
  const TurnId turn = turn_of(7);
  const Activations::Lost lost = here().lose_all();
  EXPECT_EQ(lost.claims.size(), 2U);
  EXPECT_EQ(lost.left_behind, std::vector<CallId>{CallId(2)});
  EXPECT_EQ(lost.queues, (std::vector<std::vector<CallId>>{{CallId(3)}}));
  EXPECT_TRUE(here().actors().empty());
  const Activations::TurnEnd end = end_turn(turn, Outcome::kNotDelivered);
  EXPECT_FALSE(end.active);
  EXPECT_EQ(end.followers, std::vector<CallId>{CallId(2)}) << "the turn's own call goes before it";
  EXPECT_EQ(here().unfinished(), 0U);
}

}  // namespace
}  // namespace ringside::core
