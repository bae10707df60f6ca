// Node: how activations end, and where the calls go that waited for them.
#include <algorithm>
#include <iterator>

#include "sidecar/core/node.h"

namespace ringside::core {
namespace {

constexpr std::size_t kExpireAtOnce = 1024;  // a tick
constexpr Duration kFirstQuestionAgain{50'000};
constexpr Duration kLastQuestionAgain{1'000'000};
constexpr Duration kFirstIdleAgain{1'000'000};
constexpr Duration kLastIdleAgain{64'000'000};
constexpr Duration kPatienceOfAnOperator{1'000'000};
constexpr unsigned kFailuresBetweenLines = 32;  // of one deactivation, in the log

}  // namespace

// An operator's wish: it is answered when the activation is over, and stands first in the line until then. A turn under
// way that does not end soon is broken.
void Node::deactivate_for(CallId token, Actor& actor) {
  calls_.at(token).maybe = true;
  calls_.enter(token, CallStage::kQueued);
  if (!actor.queue) actor.queue = std::make_unique<std::deque<CallId>>();
  actor.queue->push_front(token);
  ++turns_waiting_;
  context_.log(Level::kWarn, "deactivate", {{"actor", name_of(actor)}, {"why", "operator"}});
  end_actor(actor, Deactivation::kOperator);
  endings_.hurry(actor.id);
  if (actor.turn) {
    const Instant when = std::max(context_.now.mono, turns_.at(actor.turn).began + kPatienceOfAnOperator);
    timers_.add(when, due::TurnBreak{actor.turn});
  }
  send_deactivations();
}

// The actor is not active, or not any more.
void Node::finish_deactivated(CallId token) {
  Answer done;
  done.outcome = Outcome::kApplied;
  finish(token, std::move(done));
}

void Node::break_turn_due(TurnId turn) {
  const Turn* under_way = turns_.find(turn);
  if (under_way == nullptr) return;
  Actor* actor = actors_.find(under_way->actor);
  if (actor == nullptr || actor->turn != turn || !actor->ending) return;
  context_.log(Level::kWarn, "turn_broken", {{"actor", name_of(*actor)}, {"why", "operator"}});
  actor->broken = true;
  context_.effects.push_back(BreakTurn{turn});
}

// No turn begins any more; the app is asked to forget the actor once the turn under way has ended.
void Node::end_actor(Actor& actor, Deactivation why) {
  if (!actor.ending || actor.why == Deactivation::kIdle) actor.why = why;
  actor.ending = true;
  if (actor.turn || actor.told) return;
  actor.told = true;
  endings_.add({actor.id, actor.epoch}, actor.queue != nullptr);
}

void Node::end_all(Deactivation why) {
  for (Actor* actor = actors_.oldest(); actor != nullptr; actor = actor->newer) end_actor(*actor, why);
  send_deactivations();
}

void Node::send_deactivations() {
  while (const auto claim = endings_.next(context_.now.mono)) {
    const Actor& actor = actors_.at(claim->id);
    const DeactivationId token = context_.next<DeactivationId>();
    endings_.asked(*claim, token, context_.now.mono);
    context_.effects.push_back(DeactivateActor{token, *claim, actor.name ? *actor.name : std::string(), actor.why});
  }
}

void Node::deactivated(Now now, DeactivationId token, const Deactivated& said) {
  begin(now);
  if (const auto steps = life_cycle_.deactivated(token, said)) {
    carry_out(*steps);
  } else if (const auto asked = endings_.answered(token, context_.now.mono)) {
    deactivation_answered(actors_.at(asked->claim.id), asked->failures, said);
    send_deactivations();
  }
  settle();
}

void Node::deactivation_answered(Actor& actor, unsigned failures, const Deactivated& said) {
  if (said.kind == Deactivated::Kind::kDone) {
    endings_.over(actor.id);
    return hand_over(actor);
  }
  const unsigned before = actor.why == Deactivation::kIdle ? actor.unforgotten : failures;
  const bool declined = actor.why == Deactivation::kIdle && said.kind == Deactivated::Kind::kNotNow;
  if (!declined && before % kFailuresBetweenLines == 0) {
    context_.log(Level::kWarn, "deactivation_failed",
                 {{"actor", name_of(actor)},
                  {"why", std::string(to_string(actor.why))},
                  {"times", std::to_string(before + 1)},
                  {"detail", said.detail}});
  }
  if (goes_on(actor, said)) return stay(actor, said);
  if (given_up(actor, said)) {
    context_.log(Level::kError, "deactivation_given_up", {{"actor", name_of(actor)}, {"detail", said.detail}});
    endings_.over(actor.id);
    return hand_over(actor);
  }
  endings_.ask_later(actor.id, said.detail);
  const Duration pause = backoff(kFirstQuestionAgain, failures, kLastQuestionAgain);
  timers_.add(context_.now.mono + std::max(pause, said.retry_after), due::EndingAgain{actor.id});
}

std::vector<CallId> Node::operators_at(const Actor& actor) const {
  std::vector<CallId> operators;
  if (!actor.queue) return operators;
  std::copy_if(actor.queue->begin(), actor.queue->end(), std::back_inserter(operators),
               [this](CallId token) { return calls_.at(token).call->kind == Call::Kind::kDeactivate; });
  return operators;
}

// What an operator wants goes no further where the app declines, or where it fails until the operator has gone: calls
// would wait for no reason that anybody knows. Where a turn was broken the app may still work on it, and no other may
// begin in this activation.
bool Node::goes_on(const Actor& actor, const Deactivated& said) const {
  if (actor.why == Deactivation::kIdle) return true;
  if (actor.why != Deactivation::kOperator || actor.broken) return false;
  return said.kind == Deactivated::Kind::kNotNow ||
         (said.kind == Deactivated::Kind::kFailed && operators_at(actor).empty());
}

// What has not ended is never given up, or the id would live twice. The one exception stays in this very app, under a
// greater epoch: an app that answered neither the turn nor the deactivation in time would keep the actor from
// everybody.
bool Node::given_up(const Actor& actor, const Deactivated& said) const {
  const bool stuck = actor.why == Deactivation::kTurnTimeout || actor.why == Deactivation::kOperator;
  const std::string* owner = membership_.ring()->owner(actor.id);
  return stuck && said.kind == Deactivated::Kind::kSilent && owner != nullptr && *owner == membership_.self().host;
}

// The app has not forgotten it, and it goes on. Where it declined, it is asked after another idle time; where it
// failed, sooner, and ever later.
void Node::stay(Actor& actor, const Deactivated& said) {
  endings_.over(actor.id);
  actor.ending = actor.told = false;
  for (const CallId token : operators_at(actor)) {
    unqueue(token, calls_.at(token));
    finish(token, Answer::failed(Outcome::kRefused, Reason::kAppRefused,
                                 "the application keeps actor " + name_of(actor) + " for now: " + said.detail));
  }
  actors_.touch(actor, context_.now.mono);
  if (said.kind == Deactivated::Kind::kNotNow) {
    actor.unforgotten = 0;
  } else {
    const Duration pause = backoff(kFirstIdleAgain, actor.unforgotten, kLastIdleAgain);
    if (actor.unforgotten < 255) ++actor.unforgotten;
    forget_idle_again(actor.id);
    idle_again_[actor.id] =
        timers_.add(context_.now.mono + std::max(pause, said.retry_after), due::IdleAgain{actor.id});
  }
  run_next(actor);
}

void Node::forget_idle_again(ActorId id) {
  if (const auto due = idle_again_.extract(id)) timers_.cancel(due.mapped());
}

// One that has been used meanwhile has another idle time.
void Node::idle_again(ActorId id) {
  idle_again_.erase(id);
  Actor* actor = actors_.find(id);
  if (actor == nullptr || actor->ending || actor->turn || actor->queue) return;
  if (actor->unforgotten == 0 && context_.now.mono - actor->last_used < config_.idle_timeout) return;
  end_actor(*actor, Deactivation::kIdle);
  send_deactivations();
}

// Whoever activates the actor next must know what was answered here, so the claim stays until its ring owner does.
void Node::hand_over(Actor& actor) {
  ++context_.counters.deactivations[static_cast<std::size_t>(actor.why)];
  if (!actor.window || actor.why == Deactivation::kIdle || actor.why == Deactivation::kTurnTimeout) {
    return release(actor);
  }
  succession_.hand_over({actor.id, actor.epoch});
}

// The activation is over: its claim goes, its ring owner hears of it, and what waited for it is routed afresh.
void Node::release(Actor& actor) {
  succession_.announce({actor.id, actor.epoch});
  forget_idle_again(actor.id);
  std::unique_ptr<std::deque<CallId>> queue = std::move(actor.queue);
  actors_.erase(actor);
  if (queue) requeue(std::move(queue));
}

// The app is gone, and all activations with it: nothing is left to be told.
void Node::lose_all() {
  std::vector<std::unique_ptr<std::deque<CallId>>> queues;
  while (Actor* actor = actors_.oldest()) {
    ++context_.counters.deactivations[static_cast<std::size_t>(Deactivation::kAppLoss)];
    succession_.announce({actor->id, actor->epoch});
    if (actor->queue && actor->turn) {
      leave_behind(actor->turn, *actor->queue);
    } else if (actor->queue) {
      queues.push_back(std::move(actor->queue));
    }
    forget_idle_again(actor->id);
    actors_.erase(*actor);
  }
  endings_.clear();
  succession_.lose_all();
  for (auto& queue : queues) requeue(std::move(queue));
}

// The app may say of the lost turn that it never got it: those behind it go when that is known, so as not to overtake
// it.
void Node::leave_behind(TurnId turn, std::deque<CallId>& queue) {
  turns_waiting_ -= queue.size();
  for (const CallId token : queue) calls_.enter(token, CallStage::kInOrder);
  left_behind_[turn] = std::move(queue);
}

void Node::let_follow(TurnId turn) {
  const auto left = left_behind_.extract(turn);
  if (left.empty()) return;
  for (const CallId token : left.mapped()) {
    const PendingCall* pending = calls_.find(token);  // nothing: its deadline has passed meanwhile
    if (pending == nullptr) continue;
    if (pending->call->origin == Origin::kLocal) {
      const OrderId order = CallOrder::of(*pending->call);
      order_.add(order, token);
      order_.look_at(order);
    } else {
      route(token);
    }
  }
}

void Node::requeue(std::unique_ptr<std::deque<CallId>> queue) {
  turns_waiting_ -= queue->size();
  std::map<OrderId, std::deque<CallId>> local;
  for (const CallId token : *queue) {
    const Call& call = *calls_.at(token).call;
    if (call.kind == Call::Kind::kDeactivate) {
      finish_deactivated(token);  // not routed: it would end the next activation
    } else if (call.origin == Origin::kLocal) {
      calls_.enter(token, CallStage::kInOrder);
      local[CallOrder::of(call)].push_back(token);
    } else {
      route(token);
    }
  }
  for (const auto& [order, tokens] : local) {
    order_.add_first(order, tokens);
    order_.look_at(order);
  }
}

void Node::expire_idle() {
  Actor* actor = actors_.oldest();
  for (std::size_t i = 0; actor != nullptr && i < kExpireAtOnce; ++i) {
    if (context_.now.mono - actor->last_used < config_.idle_timeout) break;
    Actor* next = actor->newer;
    // What the app has failed to forget has a time of its own (idle_again).
    if (actor->turn || actor->queued() != 0 || actor->ending || idle_again_.contains(actor->id)) {
      actors_.touch(*actor, context_.now.mono);
    } else {
      end_actor(*actor, Deactivation::kIdle);
    }
    actor = next;
  }
  send_deactivations();
}

}  // namespace ringside::core
