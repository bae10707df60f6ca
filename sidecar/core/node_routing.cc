// Node: where a call goes, and what becomes of it.
#include <algorithm>

#include "sidecar/core/chain.h"
#include "sidecar/core/hash.h"
#include "sidecar/core/node.h"

namespace ringside::core {
namespace {

constexpr std::uint32_t kMaxHops = 8;
constexpr Duration kFirstRetry{5'000};
constexpr Duration kLastRetry{200'000};
constexpr Duration kFirstAside{40'000};
constexpr Duration kLastAside{640'000};

bool is_for(const Call& call, const HostRun& self, const std::string& cluster) {
  return !call.target || (call.target->host == self.host && call.target->cluster == cluster &&
                          call.target->generation == self.generation);
}

}  // namespace

RouteFacts Node::facts() const {
  return {membership_,
          actors_,
          directory_.inventory(),
          directory_.strays(),
          directory_.hints(),
          legacy_.grants(),
          config_.has_app,
          life_cycle_.life().app_up(),
          life_cycle_.life().has_quorum(),
          life_cycle_.life().state() == Life::State::kToJoin,
          config_.peer_apply_own};
}

void Node::apply(Now now, CallId token, CallPtr call) {
  begin(now);
  std::optional<Answer> refusal = calls_.begin(token, std::move(call));
  PendingCall& pending = calls_.at(token);
  const Call& request = *pending.call;
  retry_budget_.earn();
  if (request.deadline <= now.mono) {
    finish(token, Answer::failed(Outcome::kExpired, Reason::kDeadline));
  } else if (refusal) {
    finish(token, std::move(*refusal));
  } else if (!is_for(request, membership_.self(), config_.cluster)) {
    finish(token, Answer::failed(Outcome::kNotDelivered, Reason::kWrongTarget,
                                 "this is " + membership_.self().host + " of cluster " + config_.cluster));
  } else {
    pending.deadline = timers_.add(request.deadline, due::CallDeadline{token});
    take_its_place(token);
  }
  settle();
}

// Behind the calls of its id that came from here before it, where they wait; else it is routed.
void Node::take_its_place(CallId token) {
  const Call& call = *calls_.at(token).call;
  const OrderId order = CallOrder::of(call);
  const std::size_t ahead = call.origin == Origin::kLocal ? order_.size(order) : 0;
  if (ahead > 0) {
    if (auto refusal = pace_.no_room(call, ahead, config_.queue_per_actor, context_.now.mono)) {
      finish(token, std::move(*refusal));
    } else {
      calls_.enter(token, CallStage::kInOrder);
      order_.add(order, token);
      pace_.joined(call.id, context_.now.mono);
    }
  } else {
    route(token);
    // Not on its way to the app: later calls of this id from here must not overtake it.
    const PendingCall* routed = calls_.find(token);
    const bool waits =
        routed != nullptr && (routed->stage == CallStage::kWaiting || routed->stage == CallStage::kForwarding);
    if (waits && routed->call->origin == Origin::kLocal) order_.add(order, token);
  }
}

// Decides afresh. Afterwards the call is in an actor's queue, in a turn, forwarded, waiting, or finished.
void Node::route(CallId token) {
  PendingCall& pending = calls_.at(token);
  timers_.cancel(pending.retry);
  calls_.enter(token, pending, CallStage::kRouting);
  if (pending.call->deadline <= context_.now.mono) {
    return finish(token, out_of_time(pending));
  }
  const Route route = route_of(*pending.call, facts());
  switch (route.kind) {
    case Route::Kind::kHere:
      if (pending.call->kind == Call::Kind::kDeactivate) return deactivate_for(token, actors_.at(pending.call->id));
      return enqueue(token, actors_.at(pending.call->id));
    case Route::Kind::kClaim:
    case Route::Kind::kAskForIt:
      if (pending.call->kind == Call::Kind::kDeactivate) return finish_deactivated(token);
      if (route.kind == Route::Kind::kAskForIt) {
        if (!legacy_.grants().asked_for(pending.call->id)) legacy_.ask_for({pending.call->id, clock_.next()});
        return wait(token, pending, Reason::kOwnershipMoving);
      }
      return enqueue(token, claim(pending.call->id));
    case Route::Kind::kForward:
      return forward(token, pending, *route.member, route.epoch);
    case Route::Kind::kWait:
      return wait(token, pending, route.reason);
    case Route::Kind::kFail:
      return finish(token, Answer::failed(Outcome::kNotDelivered, route.reason));
  }
}

// For a call that was waiting: where it moves on, those of the same id behind it follow.
void Node::route_in_order(CallId token) {
  PendingCall& pending = calls_.at(token);
  const OrderId order = CallOrder::of(*pending.call);
  if (order_.stands_behind_another(order, token)) {
    // One that came back has taken its place at the head: this one follows it.
    timers_.cancel(pending.retry);
    calls_.enter(token, pending, CallStage::kInOrder);
  } else {
    route(token);
  }
  order_.look_at(order);
}

void Node::advance_orders() {
  while (const auto order = order_.next_to_look_at()) advance(*order);
}

// Routes those that stand in order, until one has to wait.
void Node::advance(OrderId order) {
  while (const auto head = order_.first(order)) {
    const PendingCall* pending = calls_.find(*head);
    if (pending != nullptr && pending->stage == CallStage::kInOrder) {
      if (auto refusal = pace_.too_late(*pending->call, context_.now.mono)) {
        finish(*head, std::move(*refusal));
      } else {
        route(*head);
      }
      pending = calls_.find(*head);
    }
    const bool blocks =
        pending != nullptr && (pending->stage == CallStage::kWaiting || pending->stage == CallStage::kForwarding);
    if (blocks) return;
    if (order_.first(order) == head) order_.remove(order, *head);
  }
}

void Node::reroute_waiting() {
  const std::set<CallId> waiting = calls_.waiting();
  for (const CallId token : waiting) {
    if (calls_.waiting().contains(token)) route_in_order(token);
    advance_orders();
  }
}

void Node::wait(CallId token, PendingCall& pending, Reason reason) {
  const Instant now = context_.now.mono;
  if (pending.held_until == kNever) pending.held_until = now + config_.hold_timeout;
  if (now >= pending.held_until) {
    return finish(token, Answer::failed(Outcome::kNotDelivered, reason));
  }
  pending.last = Answer::failed(Outcome::kNotDelivered, reason);
  calls_.enter(token, pending, CallStage::kWaiting);
  pending.retry = timers_.add(pending.held_until, due::CallRetry{token});
}

// Surely not delivered: tried again until the deadline, and at once when the view changes.
void Node::retry_later(CallId token, PendingCall& pending, Answer why) {
  ++context_.counters.retries;
  const Duration step = std::min(kLastRetry, kFirstRetry * (1 << std::min(pending.attempts, 6U)));
  ++pending.attempts;
  pending.maybe = pending.maybe || why.outcome == Outcome::kUnknown;
  pending.last = std::move(why);
  calls_.enter(token, pending, CallStage::kWaiting);
  pending.retry = timers_.add(context_.now.mono + context_.random.between(step / 2, step), due::CallRetry{token});
}

// The app sent it back, or may have failed at it and the caller allows a repeat. It gives up its place, so that it
// keeps nobody else of its actor from a turn, and is tried again after a pause. Only the first host does that.
void Node::put_aside(CallId token, PendingCall& pending, Answer why) {
  const Call& call = *pending.call;
  const bool first = call.origin == Origin::kLocal || !call.hops;
  const Duration step = std::min(kLastAside, kFirstAside * (1 << std::min(pending.attempts, 6U)));
  const Duration pause = std::max(why.retry_after, context_.random.between(step / 2, step));
  // One that a turn waits for would keep that turn's connection from the others that wait for one.
  const bool holds_another = why.reason == Reason::kTooManyTurns && !call.chain.empty();
  const bool too_late = context_.now.mono + pause >= call.deadline;
  if (!first || holds_another || too_late) return finish(token, std::move(why));
  unqueue(token, pending);
  ++context_.counters.retries;
  ++pending.attempts;
  pending.maybe = pending.maybe || why.outcome == Outcome::kUnknown;
  pending.last = std::move(why);
  calls_.enter(token, pending, CallStage::kAside);
  pending.retry = timers_.add(context_.now.mono + pause, due::CallRetry{token});
  if (call.origin == Origin::kLocal) order_.look_at(CallOrder::of(call));
}

void Node::forward(CallId token, PendingCall& pending, const Member& member, Epoch epoch) {
  const Call& call = *pending.call;
  const std::uint32_t hops = call.hops.value_or(0);
  if (hops >= kMaxHops) return finish(token, Answer::failed(Outcome::kNotDelivered, Reason::kHopLimit));
  const bool bounce = member.legacy() && call.origin == Origin::kPeer && !call.hops;
  if (bounce) {
    const LegacyHosts::Bounce begun = legacy_.begin_bounce(call.id);
    if (begun == LegacyHosts::Bounce::kRefused) {
      ++context_.counters.ring_disagreements;
      // It sends the calls back: it does not hold the actor any more.
      directory_.is_not_at(call.id, member.run.host, 0);
      return finish(token,
                    Answer::failed(Outcome::kNotDelivered, Reason::kRingDisagreement,
                                   "a host sent this call here, and by our ring it belongs to " + member.run.host));
    }
    // Whoever sent it takes this host for the holder, as an expiry that it missed would explain: it is told again.
    if (begun == LegacyHosts::Bounce::kFirst) succession_.announce({call.id, 0});
  }
  const ForwardId forward = context_.next<ForwardId>();
  forwards_.began(forward, {token, member.run.host, epoch, member.legacy(), bounce, context_.now.mono});
  calls_.enter(token, pending, CallStage::kForwarding);
  pending.forward = forward;
  pending.last_host = member.run.host;
  ++context_.counters.forwards;
  Target target{member.run.host, member.run.generation, config_.cluster, epoch};
  context_.effects.push_back(
      ForwardCall{forward, member.run.host, member.legacy(), std::move(target), hops + 1, pending.call});
}

void Node::forward_answered(Now now, ForwardId token, Answer answer) {
  begin(now);
  if (const Forward* forward = forwards_.find(token)) {
    if (answer.reason == Reason::kPeerUnreachable || answer.reason == Reason::kPeerLost ||
        answer.reason == Reason::kWrongTarget) {
      change_membership([&](Membership& membership) { membership.connection_lost(forward->host); });
    } else if (answer.reason == Reason::kShuttingDown) {
      change_membership([&](Membership& membership) { membership.about_to_end(forward->host); });
    }
    forward_ended(token, std::move(answer));
  }
  settle();
}

// Any end of a forward: an answer of the owner, or none.
void Node::forward_ended(ForwardId token, Answer answer) {
  const std::optional<Forward> ended = forwards_.end(token);
  if (!ended) return;
  const Forward& forward = *ended;
  PendingCall* const found = calls_.find(forward.call);
  if (found == nullptr) return;
  PendingCall& pending = *found;
  const Call& call = *pending.call;
  const ActorId id = call.id;
  if (forward.bounce) legacy_.end_bounce(id);
  if (answer.reason == Reason::kPeerLost || answer.reason == Reason::kPeerUnreachable) {
    answer.detail = detail_of_loss(call, forward, answer.detail);
  }
  if (answer.owner.empty()) answer.owner = forward.host;
  if (answer.outcome == Outcome::kApplied || answer.outcome == Outcome::kRefused) {
    pace_.took(id, context_.now.mono - forward.began, context_.now.mono);
  }
  // A legacy host passes our refusal on without its trailers. It is our own word, and still holds.
  if (forward.legacy && answer.reason == Reason::kPeerError && legacy_.has_refused(id)) {
    answer = Answer::failed(Outcome::kNotDelivered, Reason::kRingDisagreement, answer.detail);
    answer.owner = forward.host;
  }
  // A legacy host has no reason to send on what it holds. Perhaps it yielded to another and told nobody.
  const bool sent_on = answer.reason == Reason::kPeerError || answer.reason == Reason::kRingDisagreement;
  if (forward.legacy && sent_on) {
    const std::optional<Stray> stray = directory_.strays().find(id);
    if (stray && stray->holder.host == forward.host) legacy_.for_next_tick(forward.host).doubted.insert(id);
  }

  const bool origin = call.origin == Origin::kLocal || !call.hops;  // only the first host repeats
  bool again = false;
  if (answer.outcome == Outcome::kNotDelivered) {
    if (answer.reason == Reason::kAppBusy || answer.reason == Reason::kTooManyTurns)
      return put_aside(forward.call, pending, std::move(answer));
    if (answer.reason == Reason::kNotMine) {
      directory_.is_not_at(id, forward.host, forward.epoch);
      again = true;
    } else {
      again = origin && answer.reason != Reason::kHopLimit && answer.reason != Reason::kRingDisagreement &&
              answer.reason != Reason::kNoQuorum && answer.reason != Reason::kNoOwner;
    }
  } else if (answer.outcome == Outcome::kUnknown) {
    again = origin && call.idempotent && is_worth_a_repeat(answer);
  } else if (answer.outcome == Outcome::kOverloaded) {
    again = origin && retry_budget_.spend();
  } else {
    directory_.was_answered_by(id, answer.owner);
  }
  if (again) {
    retry_later(forward.call, pending, std::move(answer));
  } else {
    finish(forward.call, std::move(answer));
  }
}

void Node::abandon_forward(const PendingCall& pending) {
  context_.effects.push_back(AbandonForward{pending.forward});
  const std::optional<Forward> forward = forwards_.end(pending.forward);
  if (forward && forward->bounce) legacy_.end_bounce(pending.call->id);
}

void Node::finish(CallId token, Answer answer) {
  const Calls::Ended ended = calls_.end(token);
  if (!ended) return;
  PendingCall& pending = *ended;
  timers_.cancel(pending.deadline);
  timers_.cancel(pending.retry);
  if (answer.outcome != Outcome::kApplied && answer.detail.empty()) answer.detail = detail_of(pending, answer.reason);
  if (pending.maybe && surely_not_delivered(answer.outcome)) answer.outcome = Outcome::kUnknown;
  if (answer.owner.empty()) answer.owner = owner_of(pending.call->id);
  auto& counters = context_.counters;
  ++counters.calls[static_cast<std::size_t>(pending.call->origin)][static_cast<std::size_t>(answer.outcome)];
  if (answer.outcome != Outcome::kApplied) ++counters.refusals[static_cast<std::size_t>(answer.reason)];
  context_.effects.push_back(FinishCall{token, std::move(answer)});
  if (pending.call->origin == Origin::kLocal && pending.stage != CallStage::kTurn) {
    order_.look_at(CallOrder::of(*pending.call));
  }
}

// Once the pause is over after which a call is tried again.
void Node::retry_due(CallId token) {
  PendingCall* const pending = calls_.find(token);
  if (pending == nullptr) return;
  pending->retry = kNoTimer;
  if (pending->stage == CallStage::kAside) {
    take_its_place(token);
  } else {
    route_in_order(token);
  }
}

// The caller's deadline.
void Node::call_due(CallId token) {
  PendingCall* const found = calls_.find(token);
  if (found == nullptr) return;
  PendingCall& pending = *found;
  pending.deadline = Timers::kNone;
  switch (pending.stage) {
    case CallStage::kForwarding: {
      if (context_.now.mono < pending.call->deadline + kAnswerGrace) {
        pending.deadline = timers_.add(pending.call->deadline + kAnswerGrace, due::CallDeadline{token});
        return;
      }
      Answer late = Answer::failed(Outcome::kUnknown, Reason::kPeerLost, detail_of_silence(pending));
      abandon_forward(pending);
      return finish(token, std::move(late));
    }
    case CallStage::kTurn: {
      const Actor* actor = actors_.find(pending.call->id);
      Answer late = Answer::failed(Outcome::kUnknown, Reason::kAppSlow, actor != nullptr ? busy_with(*actor) : "");
      turns_.forget_caller(pending.turn);
      return finish(token, std::move(late));
    }
    default: {
      Answer late = out_of_time(pending);
      unqueue(token, pending);
      return finish(token, std::move(late));
    }
  }
}

void Node::cancel(Now now, CallId token) {
  begin(now);
  if (const PendingCall* pending = calls_.find(token)) {
    const bool sent = pending->stage == CallStage::kTurn || pending->stage == CallStage::kForwarding;
    give_up(token, sent ? Outcome::kUnknown : Outcome::kNotDelivered, Reason::kCancelled);
  }
  settle();
}

void Node::hang_up(Now now, CallId token) {
  const PendingCall* pending = calls_.find(token);
  if (pending == nullptr || pending->stage != CallStage::kTurn) cancel(now, token);
}

// Whatever its stage, it ends now; a turn goes on without anybody who waits for it.
void Node::give_up(CallId token, Outcome outcome, Reason reason) {
  const PendingCall& pending = calls_.at(token);
  if (pending.stage == CallStage::kTurn) {
    turns_.forget_caller(pending.turn);
  } else if (pending.stage == CallStage::kForwarding) {
    abandon_forward(pending);
  } else {
    unqueue(token, pending);
  }
  finish(token, Answer::failed(outcome, reason));
}

}  // namespace ringside::core
