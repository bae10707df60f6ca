// Node: the actors that are active here, their turns, and their end.
#include <algorithm>

#include "sidecar/core/node.h"

namespace ringside::core {
namespace {

constexpr std::size_t kDeactivateAtOnce = 256;  // ids in one request to the app
constexpr std::size_t kExpireAtOnce = 1024;     // a tick
constexpr Duration kAppRetry{20'000};

}  // namespace

Actor& Node::claim(ActorId id) {
  const auto adopted = adoptions_.extract(id);
  Actor& actor = actors_.create(id, adopted ? adopted.mapped().epoch : clock_.next(), context_.now.mono);
  Activation why = Activation::kFirstTouch;
  if (std::vector<Remembered> answers = inherited_.take(id); !answers.empty()) {
    for (Remembered& entry : answers) actors_.remember(actor, std::move(entry));
    why = Activation::kAfterMove;
  }
  ++context_.counters.activations[static_cast<std::size_t>(why)];
  for (const auto& [host, member] : membership_.members()) {
    if (member.legacy()) announce(host, {{id, actor.epoch}});
  }
  return actor;
}

void Node::enqueue(Token token, Actor& actor) {
  PendingCall& pending = calls_.at(token);
  if (actor.turn == 0 && !actor.ending && actor.queued() == 0 && may_start_turns()) {
    if (!answer_from_window(token, actor)) start_turn(token, actor);
    return;
  }
  if (auto no = pace_.no_room(*pending.call, actor.queued(), config_.queue_per_actor, context_.now.mono)) {
    return finish(token, std::move(*no));
  }
  pace_.joined(actor.id, context_.now.mono);
  if (!actor.queue) actor.queue = std::make_unique<std::deque<Token>>();
  actor.queue->push_back(token);
  pending.stage = CallStage::kQueued;
  ++turns_waiting_;
  if (actor.turn == 0 && !actor.ending && actor.queued() == 1) runnable_.push_back(actor.id);
}

// Not while the peers have yet to say that they still know this host.
bool Node::may_start_turns() const { return turns_.size() < config_.max_turns && !membership_.confirming(); }

void Node::run_runnable() {
  while (!runnable_.empty() && may_start_turns()) {
    Actor* next = actors_.find(runnable_.front());
    runnable_.pop_front();
    if (next != nullptr) run_next(*next);
  }
}

// The next call of this actor, unless it has a turn under way or is about to end.
void Node::run_next(Actor& actor) {
  while (actor.turn == 0 && !actor.ending && actor.queue) {
    if (!may_start_turns()) {
      runnable_.push_back(actor.id);
      return;
    }
    const Token token = actor.queue->front();
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

void Node::start_turn(Token token, Actor& actor) {
  PendingCall& pending = calls_.at(token);
  const Token turn = context_.token();
  actor.turn = turn;
  actors_.touch(actor, context_.now.mono);
  pending.stage = CallStage::kTurn;
  pending.under_way = turn;
  TurnUnderWay& entry = turns_[turn];
  entry.actor = actor.id;
  entry.call = token;
  entry.began = context_.now.mono;
  entry.timeout = timers_.add(context_.now.mono + config_.turn_timeout, {NodeDue::kTurn, turn});
  entry.idempotency_key = pending.call->idempotency_key;
  context_.effects.push_back(StartTurn{turn, actor.epoch, pending.call});
}

// A repeat within the window gets the answer that the first one got.
bool Node::answer_from_window(Token token, const Actor& actor) {
  const std::string& key = calls_.at(token).call->idempotency_key;
  if (key.empty() || !actor.window) return false;
  const Remembered* known = actor.window->find(key);
  if (known == nullptr) return false;
  Answer answer;
  answer.outcome = known->outcome;
  answer.reason = known->outcome == Outcome::kApplied ? Reason::kNone : Reason::kAppRefused;
  answer.result = known->result;
  finish(token, std::move(answer));
  return true;
}

void Node::turn_ended(Now now, Token token, Answer answer) {
  begin(now);
  const auto found = turns_.find(token);
  if (found == turns_.end()) return settle();
  TurnUnderWay turn = std::move(found->second);
  turns_.erase(found);
  timers_.cancel(turn.timeout);
  const bool final = answer.outcome == Outcome::kApplied || answer.outcome == Outcome::kRefused;
  if (final) pace_.took(turn.actor, now.mono - turn.began, now.mono);
  Actor* actor = actors_.find(turn.actor);
  if (actor != nullptr && actor->turn != token) actor = nullptr;  // that activation has ended meanwhile
  bool pause = false;
  if (actor != nullptr) {
    actor->turn = 0;
    actors_.touch(*actor, now.mono);
    if (final && !turn.idempotency_key.empty()) {
      actors_.remember(*actor, {turn.idempotency_key, answer.outcome, answer.result});
    }
  }
  if (turn.call != 0) {
    PendingCall& pending = calls_.at(turn.call);
    const bool may_repeat = answer.outcome == Outcome::kNotDelivered ||
                            (answer.outcome == Outcome::kUnknown && pending.call->idempotent &&
                             answer.reason != Reason::kAppTooLarge && answer.reason != Reason::kAppGarbage);
    if (may_repeat && actor != nullptr) {
      // First in line again, after a pause: the app said that nothing happened, or the caller allows a repeat. Where
      // the actor ends, the line moves on with it.
      ++context_.counters.retries;
      ++pending.attempts;
      pending.maybe = pending.maybe || answer.outcome == Outcome::kUnknown;
      pending.last = std::move(answer);
      pending.stage = CallStage::kQueued;
      if (!actor->queue) actor->queue = std::make_unique<std::deque<Token>>();
      actor->queue->push_front(turn.call);
      ++turns_waiting_;
      timers_.add(now.mono + kAppRetry * (1 << std::min(pending.attempts, 5U)), {NodeDue::kActorRetry, actor->id});
      pause = true;
    } else if (may_repeat) {
      if (pending.call->origin == Origin::kLocal) lanes_[pending.call->id].push_front(turn.call);
      retry_later(turn.call, pending, std::move(answer));
    } else {
      finish(turn.call, std::move(answer));
    }
  }
  if (actor != nullptr && actor->ending) {
    std::vector<Claim> batch;
    end_actor(*actor, actor->why, batch);
    send_deactivations(std::move(batch));
  } else if (actor != nullptr && !pause) {
    run_next(*actor);
  }
  run_runnable();
  settle();
}

// --turn-timeout: the app is cut off from this turn, and the activation ends, since nobody knows what it still does.
void Node::turn_due(Token token) {
  const auto found = turns_.find(token);
  if (found == turns_.end()) return;
  found->second.timeout = NodeTimers::kNone;
  Actor* actor = actors_.find(found->second.actor);
  context_.log(Level::kError, "turn_timeout", {{"actor", std::to_string(found->second.actor)}});
  if (actor != nullptr && actor->turn == token && !actor->ending) {
    actor->ending = true;
    actor->why = Deactivation::kTurnTimeout;
  }
  context_.effects.push_back(BreakTurn{token});
}

void Node::unqueue(Token token, const PendingCall& pending) {
  if (pending.stage == CallStage::kQueued) {
    Actor* actor = actors_.find(pending.call->id);
    if (actor != nullptr && actor->queue && std::erase(*actor->queue, token) != 0) {
      --turns_waiting_;
      if (actor->queue->empty()) actor->queue.reset();
    }
  } else if (const auto lane = lanes_.find(pending.call->id); lane != lanes_.end()) {
    std::erase(lane->second, token);
  }
}

// ---- the end of activations -----------------------------------------------------------------------------------------

// No turn begins any more; the app is asked to forget the actor once the turn under way has ended.
void Node::end_actor(Actor& actor, Deactivation why, std::vector<Claim>& batch) {
  if (!actor.ending) {
    actor.ending = true;
    actor.why = why;
  }
  if (actor.turn != 0 || actor.told) return;
  actor.told = true;
  batch.push_back({actor.id, actor.epoch});
}

void Node::end_all(Deactivation why) {
  std::vector<Claim> batch;
  for (Actor* actor = actors_.oldest(); actor != nullptr; actor = actor->newer) end_actor(*actor, why, batch);
  send_deactivations(std::move(batch));
}

void Node::send_deactivations(std::vector<Claim> batch) {
  for (std::size_t at = 0; at < batch.size(); at += kDeactivateAtOnce) {
    const auto first = batch.begin() + static_cast<std::ptrdiff_t>(at);
    const auto last = batch.begin() + static_cast<std::ptrdiff_t>(std::min(batch.size(), at + kDeactivateAtOnce));
    const Token token = context_.token();
    deactivations_[token].assign(first, last);
    context_.effects.push_back(DeactivateActors{token, deactivations_[token], false});
  }
}

void Node::deactivated(Now now, Token token) {
  begin(now);
  if (token == clean_slate_) clean_slate_ = 0;
  if (const auto found = deactivations_.find(token); found != deactivations_.end()) {
    const std::vector<Claim> claims = std::move(found->second);
    deactivations_.erase(found);
    for (const Claim& claim : claims) {
      Actor* actor = actors_.find(claim.id);
      if (actor != nullptr && actor->epoch == claim.epoch) hand_over(*actor);
    }
    topology_changed_ = true;
  }
  settle();
}

// Whoever activates the actor next must know what was answered here, so the claim stays until its ring owner does.
void Node::hand_over(Actor& actor) {
  ++context_.counters.deactivations[static_cast<std::size_t>(actor.why)];
  if (!actor.window || actor.why == Deactivation::kIdle || actor.why == Deactivation::kTurnTimeout) {
    return release(actor);
  }
  handing_over_[actor.id] = {actor.epoch, {}, {}};
  next_hand_over_ = context_.now.mono;
}

// The activation is over: its claim goes, its ring owner hears of it, and what waited for it is routed afresh.
void Node::release(Actor& actor) {
  untold_.push_back({actor.id, actor.epoch, {}});
  std::unique_ptr<std::deque<Token>> queue = std::move(actor.queue);
  actors_.erase(actor);
  if (queue) requeue(std::move(queue));
}

// The app is gone, and all activations with it: nothing is left to be told.
void Node::lose_all() {
  std::vector<std::unique_ptr<std::deque<Token>>> queues;
  while (Actor* actor = actors_.oldest()) {
    ++context_.counters.deactivations[static_cast<std::size_t>(Deactivation::kAppLoss)];
    untold_.push_back({actor->id, actor->epoch, {}});
    if (actor->queue) queues.push_back(std::move(actor->queue));
    actors_.erase(*actor);
  }
  deactivations_.clear();
  handing_over_.clear();
  for (auto& queue : queues) requeue(std::move(queue));
}

void Node::requeue(std::unique_ptr<std::deque<Token>> queue) {
  turns_waiting_ -= queue->size();
  std::deque<Token> local;
  ActorId id = 0;
  for (const Token token : *queue) {
    PendingCall& pending = calls_.at(token);
    id = pending.call->id;
    if (pending.call->origin == Origin::kLocal) {
      pending.stage = CallStage::kLane;
      local.push_back(token);
    } else {
      route(token);
    }
  }
  if (local.empty()) return;
  std::deque<Token>& lane = lanes_[id];
  lane.insert(lane.begin(), local.begin(), local.end());
  advance_lane(id);
}

void Node::expire_idle() {
  std::vector<Claim> batch;
  Actor* actor = actors_.oldest();
  for (std::size_t i = 0; actor != nullptr && i < kExpireAtOnce; ++i) {
    if (context_.now.mono - actor->last_used < config_.idle_timeout) break;
    Actor* next = actor->newer;
    if (actor->turn != 0 || actor->queued() != 0) {
      actors_.touch(*actor, context_.now.mono);
    } else {
      end_actor(*actor, Deactivation::kIdle, batch);
    }
    actor = next;
  }
  send_deactivations(std::move(batch));
}

}  // namespace ringside::core
