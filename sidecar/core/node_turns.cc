// Node: the actors that are active here, their turns, and their end.
#include <algorithm>

#include "sidecar/core/chain.h"
#include "sidecar/core/node.h"

namespace ringside::core {
namespace {

constexpr std::size_t kExpireAtOnce = 1024;  // a tick
constexpr Duration kAppRetry{20'000};
constexpr Duration kLastAppRetry{640'000};
constexpr Duration kFirstQuestionAgain{50'000};
constexpr Duration kLastQuestionAgain{1'000'000};
constexpr Duration kFirstIdleAgain{1'000'000};
constexpr Duration kLastIdleAgain{64'000'000};
constexpr Duration kStuckAfter{300'000};
constexpr Duration kPatienceOfAnOperator{1'000'000};
constexpr unsigned kFailuresBetweenLines = 32;  // of one deactivation, in the log

template <typename Number>
Duration doubled(Duration first, Number times, Duration most) {
  return std::min(most, first * (1 << std::min<unsigned>(times, 16)));
}

}  // namespace

Actor& Node::claim(ActorId id) {
  const auto adopted = adoptions_.extract(id);
  Actor& actor = actors_.create(id, adopted ? adopted.mapped().epoch : clock_.next(), context_.now.mono);
  Activation why = Activation::kFirstTouch;
  if (const std::vector<Remembered> answers = inherited_.take(id); !answers.empty()) {
    for (const Remembered& entry : answers) actors_.remember(actor, entry);
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
  if (!actor.name && !pending.call->actor_name.empty()) {
    actor.name = std::make_unique<std::string>(pending.call->actor_name);
  }
  // It was to end because nobody used it, and the app has not been asked yet.
  if (actor.ending && actor.why == Deactivation::kIdle && endings_.withdraw(actor.id)) {
    actor.ending = actor.told = false;
  }
  if (refuse_loop(token, actor)) return;
  // A turn waits for this call, as others may for theirs: where there is no room even for those, none may wait.
  if (!pending.call->chain.empty() && turns_.size() >= config_.most_turns) {
    return finish(token, Answer::failed(Outcome::kNotDelivered, Reason::kTooManyTurns));
  }
  if (actor.turn == 0 && !actor.ending && actor.queued() == 0 && may_start(*pending.call)) {
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
  if (actor.ending) endings_.hurry(actor.id);
  if (actor.turn == 0 && !actor.ending && actor.queued() == 1) runnable_.push_back(actor.id);
}

// Not while the peers have yet to say that they still know this host. A turn waits for the calls that it makes, so
// these find a turn beyond the bound of the others.
bool Node::may_start(const Call& call) const {
  const std::size_t most = call.chain.empty() ? config_.max_turns + extra_turns_ : config_.most_turns;
  return turns_.size() < most && !membership_.confirming();
}

void Node::run_runnable() {
  for (std::size_t left = runnable_.size(); left > 0; --left) {
    Actor* next = actors_.find(runnable_.front());
    const bool waits = next != nullptr && next->turn == 0 && !next->ending && next->queue;
    if (waits && !may_start(*calls_.at(next->queue->front()).call)) return;
    runnable_.pop_front();
    if (waits) run_next(*next);
  }
}

// Turns may wait for calls that they make, without saying so (docs/actors_that_call_actors.md). Where every turn is
// taken and none has ended for a while, some more begin, ever more until something moves.
void Node::unblock_turns() {
  if (turns_.size() < config_.max_turns) extra_turns_ = 0;
  if (runnable_.empty() || turns_.size() < config_.max_turns) return;
  if (context_.now.mono - last_turn_end_ < kStuckAfter) return;
  extra_turns_ = std::min(config_.most_turns - std::min(config_.most_turns, config_.max_turns),
                          std::max<std::size_t>(1, 2 * extra_turns_));
  run_runnable();
}

// A call that its actor's turn under way waits for could only wait for itself.
bool Node::refuse_loop(Token token, const Actor& actor) {
  const Call& call = *calls_.at(token).call;
  if (call.chain.empty()) return false;
  const bool loop = actor.turn != 0 && is_in_chain(call.chain, turns_.at(actor.turn).link);
  if (!loop && chain_depth(call.chain) < kDeepestChain) return false;
  // Those that are active elsewhere are known here by their numbers.
  const std::string path = chain_path(call.chain, call.id, [this](ActorId id) {
    const Actor* one = actors_.find(id);
    return one != nullptr ? name_of(*one) : std::to_string(id);
  });
  finish(token, Answer::failed(Outcome::kInvalid, Reason::kCallLoop,
                               loop ? "the actor would wait for itself: " + path
                                    : "calls are " + std::to_string(kDeepestChain) + " deep: " + path));
  return true;
}

// The next call of this actor, unless it has a turn under way or is about to end.
void Node::run_next(Actor& actor) {
  while (actor.turn == 0 && !actor.ending && actor.queue) {
    if (!may_start(*calls_.at(actor.queue->front()).call)) {
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
  entry.fingerprint = pending.call->fingerprint;
  entry.link = chain_link(actor.id, actor.epoch, turn);
  context_.effects.push_back(StartTurn{turn, actor.epoch, pending.call, longer_chain(pending.call->chain, entry.link)});
}

// A repeat within the window gets the answer that the first one got. Another request under the same key is a mistake of
// its caller, who would take that answer for its own.
bool Node::answer_from_window(Token token, const Actor& actor) {
  const Call& call = *calls_.at(token).call;
  if (call.idempotency_key.empty() || !actor.window) return false;
  const auto known = actor.window->find(call.idempotency_key);
  if (!known) return false;
  if (known->fingerprint != 0 && call.fingerprint != 0 && known->fingerprint != call.fingerprint) {
    finish(token, Answer::failed(Outcome::kInvalid, Reason::kKeyReused,
                                 "actor " + std::to_string(actor.id) +
                                     " has answered another request under this idempotency key; a new request needs a "
                                     "new key"));
    return true;
  }
  Answer answer;
  answer.outcome = known->outcome;
  answer.reason = known->outcome == Outcome::kApplied ? Reason::kNone : Reason::kAppRefused;
  answer.result = known->result;
  answer.replayed = true;
  finish(token, std::move(answer));
  return true;
}

void Node::turn_ended(Now now, Token token, Answer answer) {
  begin(now);
  const auto found = turns_.find(token);
  if (found == turns_.end()) return settle();
  TurnUnderWay turn = std::move(found->second);
  turns_.erase(found);
  last_turn_end_ = now.mono;
  timers_.cancel(turn.timeout);
  const bool final = answer.outcome == Outcome::kApplied || answer.outcome == Outcome::kRefused;
  if (final) pace_.took(turn.actor, now.mono - turn.began, now.mono);
  Actor* actor = actors_.find(turn.actor);
  if (actor != nullptr && actor->turn != token) actor = nullptr;  // that activation has ended meanwhile
  if (actor != nullptr) {
    actor->turn = 0;
    actor->unforgotten = 0;
    actors_.touch(*actor, now.mono);
    if (final && !answer.passing && !turn.idempotency_key.empty()) {
      actors_.remember(*actor, {turn.idempotency_key, answer.outcome, answer.result, turn.fingerprint});
    }
  }
  const bool wants_its_end = answer.deactivate;
  bool pause = false;
  if (turn.call != 0) {
    PendingCall& pending = calls_.at(turn.call);
    const bool sent_back = answer.outcome == Outcome::kNotDelivered &&
                           (answer.reason == Reason::kAppBusy || answer.reason == Reason::kTooManyTurns);
    const bool may_repeat = answer.outcome == Outcome::kUnknown && pending.call->idempotent &&
                            answer.reason != Reason::kAppTooLarge && answer.reason != Reason::kAppGarbage;
    if (sent_back || may_repeat) {
      put_aside(turn.call, pending, std::move(answer));
    } else if (answer.outcome == Outcome::kNotDelivered && actor != nullptr) {
      first_again(turn.call, *actor, std::move(answer));
      pause = true;
    } else if (answer.outcome == Outcome::kNotDelivered) {
      if (pending.call->origin == Origin::kLocal) lanes_[lane_of(*pending.call)].push_front(turn.call);
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
void Node::first_again(Token token, Actor& actor, Answer why) {
  PendingCall& pending = calls_.at(token);
  ++context_.counters.retries;
  ++pending.attempts;
  pending.last = std::move(why);
  pending.stage = CallStage::kQueued;
  if (!actor.queue) actor.queue = std::make_unique<std::deque<Token>>();
  actor.queue->push_front(token);
  ++turns_waiting_;
  timers_.add(context_.now.mono + doubled(kAppRetry, pending.attempts, kLastAppRetry),
              {NodeDue::kActorRetry, actor.id});
}

// --turn-timeout: the app is cut off from this turn, and the activation ends, since nobody knows what it still does.
void Node::turn_due(Token token) {
  const auto found = turns_.find(token);
  if (found == turns_.end()) return;
  found->second.timeout = NodeTimers::kNone;
  Actor* actor = actors_.find(found->second.actor);
  context_.log(Level::kError, "turn_timeout",
               {{"actor", actor != nullptr ? name_of(*actor) : std::to_string(found->second.actor)}});
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
  } else if (const auto lane = lanes_.find(lane_of(*pending.call)); lane != lanes_.end()) {
    std::erase(lane->second, token);
  }
}

// ---- the end of activations -----------------------------------------------------------------------------------------

// An operator's wish: it is answered when the activation is over, and stands first in the line until then. A turn under
// way that does not end soon is broken.
void Node::deactivate_for(Token token, Actor& actor) {
  PendingCall& pending = calls_.at(token);
  pending.maybe = true;
  pending.stage = CallStage::kQueued;
  if (!actor.queue) actor.queue = std::make_unique<std::deque<Token>>();
  actor.queue->push_front(token);
  ++turns_waiting_;
  context_.log(Level::kWarn, "deactivate", {{"actor", name_of(actor)}, {"why", "operator"}});
  end_actor(actor, Deactivation::kOperator);
  endings_.hurry(actor.id);
  if (actor.turn != 0) {
    const Instant due = std::max(context_.now.mono, turns_.at(actor.turn).began + kPatienceOfAnOperator);
    timers_.add(due, {NodeDue::kBreak, actor.turn});
  }
  send_deactivations();
}

void Node::break_turn_due(Token turn) {
  const auto found = turns_.find(turn);
  if (found == turns_.end()) return;
  const Actor* actor = actors_.find(found->second.actor);
  if (actor == nullptr || actor->turn != turn || !actor->ending) return;
  context_.log(Level::kWarn, "turn_broken", {{"actor", name_of(*actor)}, {"why", "operator"}});
  context_.effects.push_back(BreakTurn{turn});
}

// No turn begins any more; the app is asked to forget the actor once the turn under way has ended.
void Node::end_actor(Actor& actor, Deactivation why) {
  if (!actor.ending || actor.why == Deactivation::kIdle) actor.why = why;
  actor.ending = true;
  if (actor.turn != 0 || actor.told) return;
  actor.told = true;
  endings_.add({actor.id, actor.epoch}, actor.queue != nullptr);
}

void Node::end_all(Deactivation why) {
  for (Actor* actor = actors_.oldest(); actor != nullptr; actor = actor->newer) end_actor(*actor, why);
  send_deactivations();
}

void Node::send_deactivations() {
  while (const auto claim = endings_.next(context_.now.mono)) {
    const Actor& actor = *actors_.find(claim->id);
    const Token token = context_.token();
    endings_.asked(*claim, token, context_.now.mono);
    context_.effects.push_back(DeactivateActor{token, *claim, actor.name ? *actor.name : std::string(), actor.why});
  }
}

void Node::deactivated(Now now, Token token, const Deactivated& said) {
  begin(now);
  if (token == clean_slate_) {
    clean_slate_answered(said);
  } else if (const auto asked = endings_.answered(token, context_.now.mono)) {
    deactivation_answered(*actors_.find(asked->claim.id), asked->failures, said);
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
  if (actor.why == Deactivation::kIdle) return stay(actor, said);
  if (given_up(actor, said)) {
    context_.log(Level::kError, "deactivation_given_up", {{"actor", name_of(actor)}, {"detail", said.detail}});
    endings_.over(actor.id);
    return hand_over(actor);
  }
  endings_.ask_later(actor.id);
  const Duration pause = doubled(kFirstQuestionAgain, failures, kLastQuestionAgain);
  timers_.add(context_.now.mono + std::max(pause, said.retry_after), {NodeDue::kEnding, actor.id});
}

// What has not ended is never given up, or the id would live twice. The one exception stays in this very app, under a
// greater epoch: an app that answered neither the turn nor the deactivation in time would keep the actor from
// everybody.
bool Node::given_up(const Actor& actor, const Deactivated& said) const {
  const bool stuck = actor.why == Deactivation::kTurnTimeout || actor.why == Deactivation::kOperator;
  const std::string* owner = membership_.ring()->owner(actor.id);
  return stuck && said.kind == Deactivated::Kind::kSilent && owner != nullptr && *owner == membership_.self().host;
}

// The app has not forgotten what nobody used: it goes on. Where it declined, it is asked after another idle time; where
// it failed, sooner, and ever later.
void Node::stay(Actor& actor, const Deactivated& said) {
  endings_.over(actor.id);
  actor.ending = actor.told = false;
  actors_.touch(actor, context_.now.mono);
  if (said.kind == Deactivated::Kind::kNotNow) {
    actor.unforgotten = 0;
  } else {
    const Duration pause = doubled(kFirstIdleAgain, actor.unforgotten, kLastIdleAgain);
    if (actor.unforgotten < 255) ++actor.unforgotten;
    forget_idle_again(actor.id);
    idle_again_[actor.id] =
        timers_.add(context_.now.mono + std::max(pause, said.retry_after), {NodeDue::kIdleAgain, actor.id});
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
  if (actor == nullptr || actor->ending || actor->turn != 0 || actor->queue) return;
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
  handing_over_[actor.id] = {actor.epoch, {}, {}};
  next_hand_over_ = context_.now.mono;
}

// The activation is over: its claim goes, its ring owner hears of it, and what waited for it is routed afresh.
void Node::release(Actor& actor) {
  untold_.push_back({actor.id, actor.epoch, {}});
  forget_idle_again(actor.id);
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
    if (actor->queue && actor->turn != 0) {
      leave_behind(actor->turn, *actor->queue);
    } else if (actor->queue) {
      queues.push_back(std::move(actor->queue));
    }
    forget_idle_again(actor->id);
    actors_.erase(*actor);
  }
  endings_.clear();
  handing_over_.clear();
  for (auto& queue : queues) requeue(std::move(queue));
}

// The app may say of the lost turn that it never got it: those behind it go when that is known, so as not to overtake
// it.
void Node::leave_behind(Token turn, std::deque<Token>& queue) {
  turns_waiting_ -= queue.size();
  for (const Token token : queue) calls_.at(token).stage = CallStage::kLane;
  left_behind_[turn] = std::move(queue);
}

void Node::let_follow(Token turn) {
  const auto left = left_behind_.extract(turn);
  if (left.empty()) return;
  std::set<LaneId> lanes;
  for (const Token token : left.mapped()) {
    const auto call = calls_.find(token);  // nothing: its deadline has passed meanwhile
    if (call == calls_.end()) continue;
    if (call->second.call->origin == Origin::kLocal) {
      const LaneId lane = lane_of(*call->second.call);
      lanes_[lane].push_back(token);
      lanes.insert(lane);
    } else {
      route(token);
    }
  }
  for (const LaneId lane : lanes) advance_lane(lane);
}

void Node::requeue(std::unique_ptr<std::deque<Token>> queue) {
  turns_waiting_ -= queue->size();
  std::map<LaneId, std::deque<Token>> local;
  for (const Token token : *queue) {
    PendingCall& pending = calls_.at(token);
    if (pending.call->origin == Origin::kLocal) {
      pending.stage = CallStage::kLane;
      local[lane_of(*pending.call)].push_back(token);
    } else {
      route(token);
    }
  }
  for (const auto& [id, tokens] : local) {
    std::deque<Token>& lane = lanes_[id];
    lane.insert(lane.begin(), tokens.begin(), tokens.end());
    advance_lane(id);
  }
}

void Node::expire_idle() {
  Actor* actor = actors_.oldest();
  for (std::size_t i = 0; actor != nullptr && i < kExpireAtOnce; ++i) {
    if (context_.now.mono - actor->last_used < config_.idle_timeout) break;
    Actor* next = actor->newer;
    // What the app has failed to forget has a time of its own (idle_again).
    if (actor->turn != 0 || actor->queued() != 0 || actor->ending || idle_again_.contains(actor->id)) {
      actors_.touch(*actor, context_.now.mono);
    } else {
      end_actor(*actor, Deactivation::kIdle);
    }
    actor = next;
  }
  send_deactivations();
}

}  // namespace ringside::core
