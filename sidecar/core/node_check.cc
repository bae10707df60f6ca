// Node: whether the invariants hold that span several parts (node.h), as far as they can be looked at between two
// events.
#include "sidecar/core/check.h"
#include "sidecar/core/node.h"

namespace ringside::core {

void Node::check() const {
  life_cycle_.check();
  membership_.check();
  calls_.check();
  order_.check();
  endings_.check();
  legacy_.check();
  RINGSIDE_CHECK(!handling_view_events_);
  check_life();
  check_calls();
  check_actors();
}

// What the others see is what this host is about (life/life.h, invariant 1).
void Node::check_life() const {
  const Phase phase = membership_.phase();
  switch (life_cycle_.life().state()) {
    case Life::State::kToJoin:
      break;
    case Life::State::kOnRing:
      RINGSIDE_CHECK(on_ring(phase));
      break;
    case Life::State::kSick:
    case Life::State::kDraining:
      RINGSIDE_CHECK(phase == Phase::kDraining);
      break;
    case Life::State::kAppDown:
      RINGSIDE_CHECK(phase == Phase::kAppDown);
      break;
    case Life::State::kDrained:
      RINGSIDE_CHECK(phase == Phase::kDrained);
      break;
  }
}

// Invariant 3: a call that has not ended is in exactly one place, and something will move it on from there. So many
// calls are in a stage as there are places taken: no place is held by a call that has ended.
void Node::check_calls() const {
  std::size_t in_order = 0, queued = 0, with_turn = 0, forwarded = 0;
  calls_.each([&](CallId token, const PendingCall& pending) {
    RINGSIDE_CHECK(pending.stage != CallStage::kRouting);  // only within an event
    switch (pending.stage) {
      case CallStage::kRouting:
        break;
      case CallStage::kInOrder:
        ++in_order;
        break;
      case CallStage::kWaiting:
      case CallStage::kAside:
        RINGSIDE_CHECK(pending.retry != kNoTimer);
        break;
      case CallStage::kForwarding: {
        const Forward* forward = forwards_.find(pending.forward);
        RINGSIDE_CHECK(forward != nullptr && forward->call == token);
        ++forwarded;
        break;
      }
      case CallStage::kQueued:
        ++queued;
        break;
      case CallStage::kTurn:
        RINGSIDE_CHECK(turns_.at(pending.turn).call == token);
        ++with_turn;
        break;
    }
  });
  RINGSIDE_CHECK(forwarded == forwards_.size());
  RINGSIDE_CHECK(queued == turns_waiting_);
  turns_.each([&](TurnId, const Turn& turn) { with_turn -= turn.call ? 1 : 0; });
  RINGSIDE_CHECK(with_turn == 0);
  order_.each([&](OrderId order, CallId token) {
    const PendingCall& pending = calls_.at(token);
    RINGSIDE_CHECK(CallOrder::of(*pending.call) == order);
    in_order -= pending.stage == CallStage::kInOrder ? 1 : 0;
  });
  for (const auto& [turn, calls] : left_behind_) {
    for (const CallId token : calls) {
      const PendingCall* pending = calls_.find(token);  // nothing: its deadline has passed meanwhile
      in_order -= pending != nullptr && pending->stage == CallStage::kInOrder ? 1 : 0;
    }
  }
  RINGSIDE_CHECK(in_order == 0);
}

// Invariant 2: an activation has one turn at most, which is its actor's. Invariant 4: one that ends is in the table
// until the app has forgotten it and its successors know what it has answered.
void Node::check_actors() const {
  std::size_t queued = 0, ending = 0;
  actors_.each([&](const Actor& actor) {
    if (actor.turn) {
      const Turn& turn = turns_.at(actor.turn);
      RINGSIDE_CHECK(turn.actor == actor.id && turn.epoch == actor.epoch);
    }
    if (actor.told) {
      RINGSIDE_CHECK(actor.ending);
      RINGSIDE_CHECK(endings_.contains(actor.id) != succession_.contains(actor.id));
      ++ending;
    }
    if (!actor.queue) return;
    queued += actor.queue->size();
    for (const CallId token : *actor.queue) {
      const PendingCall& call = calls_.at(token);
      RINGSIDE_CHECK(call.stage == CallStage::kQueued && call.call->id == actor.id);
    }
  });
  RINGSIDE_CHECK(queued == turns_waiting_);
  RINGSIDE_CHECK(ending == endings_.size() + succession_.under_way());
  turns_.each([&](TurnId token, const Turn& turn) {
    const Actor* actor = actors_.find(turn.actor);
    if (actor != nullptr && actor->epoch == turn.epoch) RINGSIDE_CHECK(actor->turn == token);
  });
}

}  // namespace ringside::core
