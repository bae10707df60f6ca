// Node: the actors that are active here, and their turns.
#include <algorithm>

#include "sidecar/core/chain.h"
#include "sidecar/core/check.h"
#include "sidecar/core/node.h"

namespace ringside::core {
namespace {

constexpr Duration kAppRetry{20'000};
constexpr Duration kLastAppRetry{640'000};

}  // namespace

Actor& Node::claim(ActorId id) {
  RINGSIDE_CHECK(membership_.phase() == Phase::kReady && !directory_.inventory().in_doubt(hash_id(id)));
  const std::optional<Epoch> granted = legacy_.use_grant(id);
  Actor& actor = actors_.create(id, granted ? *granted : clock_.next(), context_.now.mono);
  Activation why = Activation::kFirstTouch;
  if (const std::vector<Remembered> answers = inherited_.take(id); !answers.empty()) {
    for (const Remembered& entry : answers) actors_.remember(actor, entry);
    why = Activation::kAfterMove;
  }
  ++context_.counters.activations[static_cast<std::size_t>(why)];
  for (const auto& [host, member] : membership_.members()) {
    if (member.legacy()) directory_.announce(host, {{id, actor.epoch}});
  }
  return actor;
}

void Node::enqueue(CallId token, Actor& actor) {
  PendingCall& pending = calls_.at(token);
  if (!actor.name && !pending.call->actor_name.empty()) {
    actor.name = std::make_unique<std::string>(pending.call->actor_name);
  }
  // It was to end because nobody used it, and the app has not been asked yet.
  if (actor.ending && actor.why == Deactivation::kIdle && endings_.withdraw(actor.id)) {
    actor.ending = actor.told = false;
  }
  if (refuse_loop(token, actor)) return;
  // A turn waits for this call, as others may for theirs: where there is no room even for those, none may wait.
  if (!pending.call->chain.empty() && turns_.has_room_for_none()) {
    return finish(token, Answer::failed(Outcome::kNotDelivered, Reason::kTooManyTurns));
  }
  if (!actor.turn && (!actor.ending || goes_before_its_end(actor)) && actor.queued() == 0 && may_start(*pending.call)) {
    if (answer_from_window(token, actor)) return;
    if (actor.ending) actor.told = !endings_.withdraw(actor.id);  // it is asked after this turn
    return start_turn(token, actor);
  }
  if (auto no = pace_.no_room(*pending.call, actor.queued(), config_.queue_per_actor, context_.now.mono)) {
    return finish(token, std::move(*no));
  }
  pace_.joined(actor.id, context_.now.mono);
  if (!actor.queue) actor.queue = std::make_unique<std::deque<CallId>>();
  actor.queue->push_back(token);
  calls_.enter(token, pending, CallStage::kQueued);
  ++turns_waiting_;
  if (actor.ending) endings_.hurry(actor.id);
  if (!actor.turn && !actor.ending && actor.queued() == 1) turns_.await_room(actor.id);
}

// Where this host drains, the app may have many to forget before it comes to this one: no call waits for that. At every
// time one of those that are left is asked, so the drain takes no longer. Once others may hold the id (this run is
// over), or the app is sick, no turn begins any more, as with every other end.
bool Node::goes_before_its_end(const Actor& actor) const {
  return life_cycle_.life().may_serve_while_draining() && actor.why == Deactivation::kDrain &&
         endings_.not_asked_yet(actor.id);
}

// Not while the peers have yet to say that they still know this host.
bool Node::may_start(const Call& call) const { return turns_.has_room_for(call) && !membership_.confirming(); }

void Node::run_runnable() {
  for (std::size_t left = turns_.awaiting_room().size(); left > 0; --left) {
    Actor* next = actors_.find(turns_.awaiting_room().front());
    const bool waits = next != nullptr && !next->turn && !next->ending && next->queue;
    if (waits && !may_start(*calls_.at(next->queue->front()).call)) return;
    turns_.pop_awaiting_room();
    if (waits) run_next(*next);
  }
}

// A call that its actor's turn under way waits for could only wait for itself.
bool Node::refuse_loop(CallId token, const Actor& actor) {
  const Call& call = *calls_.at(token).call;
  if (call.chain.empty()) return false;
  const bool loop = actor.turn && is_in_chain(call.chain, turns_.at(actor.turn).link);
  if (!loop && chain_depth(call.chain) < kDeepestChain) return false;
  // Those that are active elsewhere are known here by their numbers.
  const std::string path = chain_path(call.chain, call.id, [this](ActorId id) {
    const Actor* one = actors_.find(id);
    return one != nullptr ? name_of(*one) : std::to_string(id);
  });
  finish(token, Answer::failed(Outcome::kInvalid, Reason::kCallLoop,
                               loop ? "the actor would wait for itself: " + path
                                    : "more than " + std::to_string(kDeepestChain) +
                                          " turns would wait for one another, which is the limit: " + path));
  return true;
}

// The next call of this actor, unless it has a turn under way or is about to end.
void Node::run_next(Actor& actor) {
  while (!actor.turn && !actor.ending && actor.queue) {
    if (!may_start(*calls_.at(actor.queue->front()).call)) {
      turns_.await_room(actor.id);
      return;
    }
    const CallId token = actor.queue->front();
    actor.queue->pop_front();
    --turns_waiting_;
    if (actor.queue->empty()) actor.queue.reset();
    if (calls_.at(token).call->deadline <= context_.now.mono) {
      timers_.cancel(calls_.at(token).deadline);  // is due: this process was late
      call_due(token);
    } else if (answer_from_window(token, actor)) {
      continue;
    } else if (auto refusal = pace_.too_late(*calls_.at(token).call, context_.now.mono)) {
      finish(token, std::move(*refusal));
    } else {
      start_turn(token, actor);
    }
  }
}

void Node::start_turn(CallId token, Actor& actor) {
  PendingCall& pending = calls_.at(token);
  const TurnId turn = context_.next<TurnId>();
  actor.turn = turn;
  actors_.touch(actor, context_.now.mono);
  calls_.enter(token, pending, CallStage::kTurn);
  pending.turn = turn;
  Turn& entry = turns_.begin(turn, actor.id, token, context_.now.mono);
  entry.epoch = actor.epoch;
  entry.timeout = timers_.add(context_.now.mono + config_.turn_timeout, due::TurnTimeout{turn});
  const bool may_be_a_step = actor.window && !pending.call->idempotency_key.empty();
  entry.idempotency_key = may_be_a_step ? actor.window->key_of(*pending.call) : pending.call->idempotency_key;
  entry.fingerprint = pending.call->fingerprint;
  entry.link = chain_link(actor.id, actor.epoch, turn);
  context_.effects.push_back(StartTurn{turn, actor.epoch, pending.call, longer_chain(pending.call->chain, entry.link)});
}

// A repeat within the window gets the answer that the first one got. Another request under the same key is a mistake of
// its caller, who would take that answer for its own.
bool Node::answer_from_window(CallId token, const Actor& actor) {
  const Call& call = *calls_.at(token).call;
  if (call.idempotency_key.empty() || !actor.window) return false;
  const auto known = actor.window->find(actor.window->key_of(call));
  if (!known) return false;
  if (known->fingerprint != 0 && call.fingerprint != 0 && known->fingerprint != call.fingerprint) {
    finish(token, Answer::failed(Outcome::kInvalid, Reason::kKeyReused,
                                 "actor " + called(call) +
                                     " has answered another request under this idempotency key; a new request needs a "
                                     "new key"));
    return true;
  }
  if (known->outcome == Outcome::kUnknown) {
    finish(token,
           Answer::failed(Outcome::kUnknown, Reason::kAppTooLarge,
                          "actor " + called(call) +
                              " has carried out the call with this idempotency key, and its answer was too large "
                              "to be kept for repeats"));
    return true;
  }
  Answer answer;
  answer.outcome = known->outcome;
  answer.reason = known->outcome == Outcome::kApplied ? Reason::kNone : Reason::kAppRefused;
  answer.result = known->result;
  answer.replayed = true;
  if (answer.outcome == Outcome::kRefused) {
    answer.detail = "the application refused the first call with this idempotency key for actor " + called(call);
  }
  finish(token, std::move(answer));
  return true;
}

void Node::turn_ended(Now now, TurnId token, Answer answer) {
  begin(now);
  const Turns::Ended ended = turns_.end(token, now.mono);
  if (!ended) return settle();
  Turn& turn = *ended;
  timers_.cancel(turn.timeout);
  const bool final = answer.outcome == Outcome::kApplied || answer.outcome == Outcome::kRefused;
  if (final) pace_.took(turn.actor, now.mono - turn.began, now.mono);
  Actor* actor = actors_.find(turn.actor);
  if (actor != nullptr && actor->turn != token) actor = nullptr;  // that activation has ended meanwhile
  if (actor != nullptr) {
    actor->turn = TurnId();
    actor->unforgotten = 0;
    actors_.touch(*actor, now.mono);
    if (final && !answer.passing && !turn.idempotency_key.empty()) {
      actors_.remember(*actor,
                       {turn.idempotency_key, answer.outcome, answer.result, turn.fingerprint, answer.leads_to});
    }
  }
  const bool by_operator = actor != nullptr && actor->broken && now.mono - turn.began < config_.turn_timeout;
  if (by_operator && answer.reason == Reason::kTurnTimeout) {
    answer.reason = Reason::kEndedByOperator;
    answer.detail = "actor " + name_of(*actor) + " was deactivated on an operator's wish while this turn had run for " +
                    in_seconds(now.mono - turn.began);
  }
  const bool wants_its_end = answer.deactivate;
  bool pause = false;
  if (turn.call) {
    PendingCall& pending = calls_.at(turn.call);
    const bool sent_back = answer.outcome == Outcome::kNotDelivered &&
                           (answer.reason == Reason::kAppBusy || answer.reason == Reason::kTooManyTurns);
    const bool may_repeat = pending.call->idempotent && is_worth_a_repeat(answer);
    if (sent_back || may_repeat) {
      put_aside(turn.call, pending, std::move(answer));
    } else if (answer.outcome == Outcome::kNotDelivered && actor != nullptr) {
      first_again(turn.call, *actor, std::move(answer));
      pause = true;
    } else if (answer.outcome == Outcome::kNotDelivered) {
      if (pending.call->origin == Origin::kLocal) order_.add_first(CallOrder::of(*pending.call), turn.call);
      retry_later(turn.call, pending, std::move(answer));
    } else {
      finish(turn.call, std::move(answer));
    }
  }
  let_follow(token);
  if (actor != nullptr && (actor->ending || wants_its_end)) {
    end_actor(*actor, actor->ending ? actor->why : Deactivation::kAppAsked);
    send_deactivations();
  } else if (actor != nullptr && !pause) {
    run_next(*actor);
  }
  run_runnable();
  settle();
}

// The app could not be reached: the call is the first in its line again, after a pause. Where the actor ends, the line
// moves on with it.
void Node::first_again(CallId token, Actor& actor, Answer why) {
  PendingCall& pending = calls_.at(token);
  ++context_.counters.retries;
  ++pending.attempts;
  pending.last = std::move(why);
  calls_.enter(token, pending, CallStage::kQueued);
  if (!actor.queue) actor.queue = std::make_unique<std::deque<CallId>>();
  actor.queue->push_front(token);
  ++turns_waiting_;
  timers_.add(context_.now.mono + backoff(kAppRetry, pending.attempts, kLastAppRetry), due::ActorRetry{actor.id});
}

// --turn-timeout: the app is cut off from this turn, and the activation ends, since nobody knows what it still does.
void Node::turn_due(TurnId token) {
  Turn* turn = turns_.find(token);
  if (turn == nullptr) return;
  turn->timeout = kNoTimer;
  Actor* actor = actors_.find(turn->actor);
  context_.log(Level::kError, "turn_timeout",
               {{"actor", actor != nullptr ? name_of(*actor) : std::to_string(turn->actor)}});
  if (actor != nullptr && actor->turn == token) {
    actor->broken = true;
    if (!std::exchange(actor->ending, true)) actor->why = Deactivation::kTurnTimeout;
  }
  context_.effects.push_back(BreakTurn{token});
}

void Node::unqueue(CallId token, const PendingCall& pending) {
  if (pending.stage == CallStage::kQueued) {
    Actor* actor = actors_.find(pending.call->id);
    if (actor != nullptr && actor->queue && std::erase(*actor->queue, token) != 0) {
      --turns_waiting_;
      if (actor->queue->empty()) actor->queue.reset();
    }
  } else {
    order_.remove(CallOrder::of(*pending.call), token);
  }
}

}  // namespace ringside::core
