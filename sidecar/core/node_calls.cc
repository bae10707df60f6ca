// Node: the way of a call through the parts. Each step asks one part, and what it says leads to the next one.
#include <utility>

#include "sidecar/base/check.h"
#include "sidecar/base/overloaded.h"
#include "sidecar/core/hash.h"
#include "sidecar/core/node.h"

namespace ringside::core {

// ---- it comes -------------------------------------------------------------------------------------------------------

void Node::apply(Now now, CallId token, CallPtr call) {
  on_event(now, [&] {
    if (calls_.begin(token, std::move(call), cluster_.self())) {
      route(token);
      calls_.placed(token);
    }
  });
}

RouteFacts Node::facts() const {
  const Life& life = life_cycle_.life();
  return {cluster_,
          activations_.actors(),
          directory_.inventory(),
          directory_.displaced(),
          directory_.hints(),
          legacy_.grants(),
          config_.has_app,
          life.app_up(),
          life.has_quorum(),
          membership_.is_closing(),
          life.state() == Life::State::kToJoin,
          config_.peer_apply_own};
}

// Decides afresh. Afterwards the call is in an actor's queue, in a turn, forwarded, waiting, or finished.
void Node::route(CallId token) {
  const CallPtr* begun = calls_.begin_routing(token);
  if (begun == nullptr) return;
  const CallPtr& call = *begun;
  const bool is_wish = call->kind == Call::Kind::kDeactivate;
  const Route route = route_of(*call, facts());
  switch (route.kind) {
    case Route::Kind::kHere:
      if (!is_wish) return enter(token, call);
      calls_.wish_queued(token);
      return activations_.deactivate_for(token, call);
    case Route::Kind::kClaim:
      if (is_wish) return finish_deactivated(token);
      claim(call->id);
      return enter(token, call);
    case Route::Kind::kAskForIt:
      if (is_wish) return finish_deactivated(token);
      if (!legacy_.grants().asked_for(call->id)) legacy_.ask_for({call->id, clock_.next()});
      return calls_.wait(token, Reason::kOwnershipMoving);
    case Route::Kind::kForward:
      return forward(token, *call, route);
    case Route::Kind::kWait:
      return calls_.wait(token, route.reason);
    case Route::Kind::kFail:
      return calls_.finish(token, Answer::failed(Outcome::kNotDelivered, route.reason));
  }
}

// ---- its actor is here ----------------------------------------------------------------------------------------------

void Node::claim(ActorId id) {
  RINGSIDE_CHECK(cluster_.phase() == Phase::kReady && !directory_.inventory().in_doubt(hash_id(id)));
  RINGSIDE_CHECK(cluster_.owns(id) || config_.peer_apply_own);  // a legacy host's ring gives it to this host
  const std::optional<Epoch> granted = legacy_.use_grant(id);
  const Epoch epoch = granted ? *granted : clock_.next();
  activations_.activate(id, epoch);
  for (const auto& [host, member] : cluster_.members()) {
    if (member.legacy()) directory_.announce(host, {{id, epoch}});
  }
}

void Node::enter(CallId token, const CallPtr& call) {
  auto entered = activations_.enter(token, call, life_cycle_.life().may_serve_while_draining());
  std::visit(base::Overloaded{
                 [&](TurnId turn) { calls_.in_turn(token, turn); },
                 [&](Answer& answer) { calls_.finish(token, std::move(answer)); },
                 [&](const Activations::MustWait& must_wait) {
                   if (!calls_.has_room_behind(token, must_wait.behind)) return;
                   activations_.wait(token, call);
                   calls_.queued(token);
                 },
             },
             entered);
}

// The calls that wait for this actor, until one of them has a turn.
void Node::run(ActorId id) {
  while (const std::optional<QueuedCall> next = activations_.take_next(id)) {
    if (const auto left = calls_.overdue(next->token)) {  // this process was late
      give_free(*left);
    } else if (auto answer = activations_.answer_from_window(id, *next->call)) {
      calls_.finish(next->token, std::move(*answer));
    } else if (!calls_.ends_before_turn(next->token)) {
      calls_.in_turn(next->token, activations_.start_turn(id, next->token, next->call));
    }
  }
}

// Those that wait for room, each once: whoever finds none waits again.
void Node::run_with_room() {
  for (std::size_t left = activations_.awaiting_room(); left > 0; --left) {
    const std::optional<ActorId> next = activations_.next_with_room();
    if (!next) return;
    run(*next);
  }
}

void Node::turn_ended(Now now, TurnId token, Answer answer) {
  on_event(now, [&] {
    auto end = activations_.turn_ended(token, std::move(answer));
    if (!end) return;
    if (end->answered) calls_.answered_by_app(end->id, end->took);
    const bool wants_its_end = end->answer.deactivate;
    bool pause = false;
    if (end->call) {
      if (const auto attempts = calls_.turn_ended(end->call, std::move(end->answer), end->active)) {
        activations_.wait_first(end->call, calls_.call(end->call), *attempts);
        pause = true;
      }
    }
    for (const CallId follower : end->followers) {
      if (calls_.follows(follower)) route(follower);
    }
    if (end->active && !activations_.end_after_turn(end->id, wants_its_end) && !pause) run(end->id);
    run_with_room();
  });
}

// ---- its actor is elsewhere -----------------------------------------------------------------------------------------

void Node::forward(CallId token, const Call& call, const Route& route) {
  if (!calls_.has_hops_left(token)) return;
  const HostRun& to = *route.to;
  const bool bounce = to.generation == 0 && call.origin == Origin::kPeer && !call.hops;
  if (bounce) {
    switch (legacy_.begin_bounce(call.id)) {
      case LegacyHosts::Bounce::kTooMany:
        ++context_.counters.ring_disagreements;
        // It sends the calls back: it does not hold the actor any more.
        directory_.is_not_at(call.id, to.host, 0);
        return calls_.finish(token,
                             Answer::failed(Outcome::kNotDelivered, Reason::kRingDisagreement,
                                            "a host sent this call here, and by our ring it belongs to " + to.host));
      case LegacyHosts::Bounce::kFirst:
        // Whoever sent it takes this host for the holder, as an expiry that it missed would explain: it is told again.
        succession_.announce({call.id, 0});
        break;
      case LegacyHosts::Bounce::kAnother:
        break;
    }
  }
  calls_.forward(token, to, route.epoch, bounce);
}

void Node::forward_answered(Now now, ForwardId token, Answer answer) {
  on_event(now, [&] {
    if (const Forward* forward = calls_.find(token)) {
      if (answer.reason == Reason::kPeerUnreachable || answer.reason == Reason::kPeerLost ||
          answer.reason == Reason::kWrongTarget) {
        change_membership([host = forward->host](Membership& membership) { membership.connection_lost(host); });
      } else if (answer.reason == Reason::kShuttingDown) {
        change_membership([host = forward->host](Membership& membership) { membership.about_to_end(host); });
      }
      forward_ended(token, std::move(answer));
    }
  });
}

// Any end of a forward: an answer of the owner, or none.
void Node::forward_ended(ForwardId token, Answer answer) {
  std::optional<Calls::ForwardEnd> ended = calls_.forward_ended(token, std::move(answer));
  if (!ended) return;
  const auto& [forward, id, said] = *ended;
  if (forward.bounce) legacy_.end_bounce(id);
  // A legacy host passes our refusal on without its trailers. It is our own word, and still holds.
  if (forward.legacy && said.reason == Reason::kPeerError && legacy_.has_refused(id)) {
    ended->answer = Answer::failed(Outcome::kNotDelivered, Reason::kRingDisagreement, said.detail);
    ended->answer.holder = forward.host;
  }
  // A legacy host has no reason to send on what it holds. Perhaps it yielded to another and told nobody.
  const bool sent_on = said.reason == Reason::kPeerError || said.reason == Reason::kRingDisagreement;
  if (forward.legacy && sent_on) {
    const std::optional<DisplacedActivation> elsewhere = directory_.displaced().find(id);
    if (elsewhere && elsewhere->holder.host == forward.host) legacy_.doubt(forward.host, id);
  }
  if (said.reason == Reason::kNotMine && said.outcome == Outcome::kNotDelivered) {
    directory_.is_not_at(id, forward.host, forward.epoch);
  } else if (said.outcome != Outcome::kNotDelivered && said.outcome != Outcome::kUnknown &&
             said.outcome != Outcome::kOverloaded) {
    directory_.was_answered_by(id, said.holder);
  }
  calls_.go_on(std::move(*ended));
}

// ---- those that waited ----------------------------------------------------------------------------------------------

void Node::advance_orders() {
  while (const std::optional<CallId> next = calls_.next_in_order()) route(*next);
}

void Node::reroute_waiting() {
  for (const CallId token : calls_.waiting()) {
    if (calls_.may_move_on(token)) route(token);
    advance_orders();
  }
}

void Node::retry_due(CallId token) {
  switch (calls_.retry_due(token)) {
    case Calls::Retry::kNone:
      return;
    case Calls::Retry::kHasItsPlace:
      route(token);
      return calls_.placed(token);
    case Calls::Retry::kMayMoveOn:
      if (calls_.may_move_on(token)) route(token);
  }
}

// ---- it has ended before its time -----------------------------------------------------------------------------------

void Node::cancel(Now now, CallId token) {
  on_event(now, [&] {
    if (const auto left = calls_.cancel(token)) give_free(*left);
  });
}

void Node::hang_up(Now now, CallId token) {
  if (!calls_.has_turn(token)) cancel(now, token);
}

void Node::give_free(const Calls::Left& left) {
  if (left.stage == CallStage::kQueued) activations_.withdraw(left.id, left.token);
  if (left.stage == CallStage::kTurn) activations_.forget_caller(left.turn);
  if (left.bounce) legacy_.end_bounce(left.id);
}

// The actor is not active, or not any more.
void Node::finish_deactivated(CallId token) {
  Answer done;
  done.outcome = Outcome::kApplied;
  calls_.finish(token, std::move(done));
}

// ---- its activation is over -----------------------------------------------------------------------------------------

// Its claim goes, its ring owner hears of it, and what waited for it is routed afresh.
void Node::release(const Claim& claim) {
  succession_.announce(claim);
  requeue(activations_.release(claim.id));
}

void Node::requeue(const std::vector<CallId>& queue) {
  for (const CallId token : calls_.take_back(queue)) {
    if (calls_.call(token)->kind == Call::Kind::kDeactivate) {
      finish_deactivated(token);  // not routed: it would end the next activation
    } else {
      route(token);
    }
  }
}

// The app is gone, and all activations with it: nothing is left to be told.
void Node::lose_all() {
  const Activations::Lost lost = activations_.lose_all();
  for (const Claim& claim : lost.claims) succession_.announce(claim);
  succession_.lose_all();
  calls_.left_behind(lost.left_behind);
  for (const std::vector<CallId>& queue : lost.queues) requeue(queue);
}

}  // namespace ringside::core
