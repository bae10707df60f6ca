// Node: whether the invariants hold that span several parts (node.h), as far as they can be looked at between two
// events.
#include "sidecar/base/check.h"
#include "sidecar/core/node.h"

namespace ringside::core {

void Node::check() const {
  life_cycle_.check();
  membership_.check();
  directory_.check();
  legacy_.check();
  succession_.check();
  RINGSIDE_CHECK(!handling_view_events_);
  check_life();
  check_calls();
  check_actors();
}

// What the others see is what this host is about (life/life.h, invariant 1).
void Node::check_life() const {
  const Phase phase = cluster_.phase();
  switch (life_cycle_.life().state()) {
    case Life::State::kToJoin:
      break;
    case Life::State::kOnRing:
      RINGSIDE_CHECK(on_ring(phase));
      break;
    case Life::State::kUnhealthy:
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

// Invariant 3: a call that has not ended is in exactly one place. As many calls are in a stage as there are places
// taken: no place is held by a call that has ended.
void Node::check_calls() const {
  calls_.check();
  std::size_t in_order = 0, queued = 0, with_turn = 0;
  const PendingCalls& calls = calls_.pending();
  calls.each([&](CallId token, const PendingCall& pending) {
    in_order += pending.stage == CallStage::kInOrder ? 1 : 0;
    queued += pending.stage == CallStage::kQueued ? 1 : 0;
    if (pending.stage != CallStage::kTurn) return;
    RINGSIDE_CHECK(activations_.turns().at(pending.turn).call == token);
    ++with_turn;
  });
  RINGSIDE_CHECK(queued == activations_.waiting());
  activations_.turns().each([&](TurnId, const Turn& turn) { with_turn -= turn.call ? 1 : 0; });
  RINGSIDE_CHECK(with_turn == 0);
  calls_.order().each([&](OrderId, CallId token) { in_order -= calls.at(token).stage == CallStage::kInOrder ? 1 : 0; });
  for (const auto& [turn, behind] : activations_.left_behind()) {
    for (const CallId token : behind) {
      const PendingCall* pending = calls.find(token);  // nothing: its deadline has passed meanwhile
      in_order -= pending != nullptr && pending->stage == CallStage::kInOrder ? 1 : 0;
    }
  }
  RINGSIDE_CHECK(in_order == 0);
}

// Invariant 4: an activation that ends is in the table until the app has forgotten it and its successors know what it
// has answered.
void Node::check_actors() const {
  activations_.check();
  std::size_t deactivating = 0;
  activations_.actors().each([&](const Actor& actor) {
    if (actor.told) {
      RINGSIDE_CHECK(activations_.deactivations().contains(actor.id) != succession_.contains(actor.id));
      ++deactivating;
    }
    if (!actor.queue) return;
    for (const QueuedCall& queued : *actor.queue) {
      const PendingCall& call = calls_.pending().at(queued.token);
      RINGSIDE_CHECK(call.stage == CallStage::kQueued && call.call->id == actor.id);
    }
  });
  RINGSIDE_CHECK(deactivating == activations_.deactivations().size() + succession_.under_way());
}

}  // namespace ringside::core
