// Activations: how they end.
#include <algorithm>
#include <utility>

#include "sidecar/base/check.h"
#include "sidecar/core/activations/activations.h"
#include "sidecar/core/spacing.h"

namespace ringside::core {
namespace {

constexpr std::size_t kDeactivateAtOnce = 1024;  // a tick
constexpr Duration kFirstQuestionAgain{50'000};
constexpr Duration kLastQuestionAgain{1'000'000};
constexpr Duration kFirstIdleAgain{1'000'000};
constexpr Duration kLastIdleAgain{64'000'000};
constexpr Duration kPatienceOfAnOperator{1'000'000};
constexpr unsigned kFailuresBetweenLines = 32;  // of one deactivation, in the log

}  // namespace

// ---- somebody or something wants it to end --------------------------------------------------------------------------

void Activations::deactivate_for(CallId token, const CallPtr& call) {
  Actor& actor = at(call->id);
  if (!actor.queue) actor.queue = std::make_unique<std::deque<QueuedCall>>();
  actor.queue->push_front({token, call, context_.now.mono});
  ++waiting_;
  context_.happened({.kind = EventKind::kDeactivate,
                     .actor = name_of(actor),
                     .why = "an operator has asked for it: DELETE, or ringside deactivate",
                     .by = "operator"},
                    Level::kWarn, "deactivate", {{"actor", name_of(actor)}, {"why", "operator"}});
  end_actor(actor, Deactivation::kOperator);
  deactivations_.hurry(actor.id);
  if (actor.turn) {
    const Instant when = std::max(context_.now.mono, turns_.at(actor.turn).began + kPatienceOfAnOperator);
    timers_.add(when, due::TurnBreak{actor.turn});
  }
  send_deactivations();
}

// No turn begins any more; the app is asked to forget the actor once the turn under way has ended.
void Activations::end_actor(Actor& actor, Deactivation why) {
  if (!actor.deactivating || actor.why == Deactivation::kIdle) actor.why = why;
  actor.deactivating = true;
  if (actor.turn || actor.told) return;
  actor.told = true;
  deactivations_.add({actor.id, actor.epoch}, actor.queue != nullptr);
}

void Activations::end(ActorId id, Deactivation why) {
  end_actor(actors_.at(id), why);
  send_deactivations();
}

void Activations::end_all(Deactivation why) {
  if (!ending_all_) ending_all_ = why;
  actors_.begin_walk();
  end_more();
}

void Activations::end_more() {
  for (std::size_t i = 0; ending_all_ && i < config_.most_in_slice; ++i) {
    Actor* actor = actors_.next_in_walk();
    if (actor == nullptr) {
      ending_all_.reset();
    } else {
      end_actor(*actor, *ending_all_);
    }
  }
  send_deactivations();
}

Actor* Activations::find(ActorId id) {
  Actor* actor = actors_.find(id);
  if (actor != nullptr && ending_all_) end_actor(*actor, *ending_all_);
  return actor;
}

Actor& Activations::at(ActorId id) {
  Actor* actor = find(id);
  RINGSIDE_CHECK(actor != nullptr);
  return *actor;
}

bool Activations::end_after_turn(ActorId id, bool app_wants_it) {
  const Actor& actor = actors_.at(id);
  if (!actor.deactivating && !app_wants_it) return false;
  end(id, actor.deactivating ? actor.why : Deactivation::kAppAsked);
  return true;
}

void Activations::deactivate_idle() {
  Actor* actor = actors_.oldest();
  for (std::size_t i = 0; actor != nullptr && i < kDeactivateAtOnce; ++i) {
    if (context_.now.mono - actor->last_used < config_.idle_timeout) break;
    Actor* next = actor->newer;
    // What the app has failed to forget has a time of its own (due::IdleAgain).
    if (actor->turn || actor->queued() != 0 || actor->deactivating || idle_again_.contains(actor->id)) {
      actors_.touch(*actor, context_.now.mono);
    } else {
      end_actor(*actor, Deactivation::kIdle);
    }
    actor = next;
  }
  send_deactivations();
}

// One that has been used meanwhile has another idle time.
void Activations::due(due::IdleAgain at) {
  idle_again_.erase(at.actor);
  Actor* actor = find(at.actor);
  if (actor == nullptr || actor->deactivating || actor->turn || actor->queue) return;
  if (actor->unforgotten == 0 && context_.now.mono - actor->last_used < config_.idle_timeout) return;
  end(at.actor, Deactivation::kIdle);
}

void Activations::forget_idle_again(ActorId id) {
  if (const auto due = idle_again_.extract(id)) timers_.cancel(due.mapped());
}

// ---- the app is asked -----------------------------------------------------------------------------------------------

void Activations::send_deactivations() {
  while (const auto claim = deactivations_.next(context_.now.mono)) {
    const Actor& actor = actors_.at(claim->id);
    const DeactivationId token = context_.next<DeactivationId>();
    deactivations_.asked(*claim, token, context_.now.mono);
    context_.effects.push_back(DeactivateActor{token, *claim, actor.name ? *actor.name : std::string(), actor.why});
  }
}

void Activations::due(due::EndingAgain at) {
  deactivations_.ask_again(at.actor);
  send_deactivations();
}

std::optional<Activations::AfterDeactivation> Activations::deactivated(DeactivationId token, const Deactivated& said) {
  const auto asked = deactivations_.answered(token, context_.now.mono);
  if (!asked) return std::nullopt;
  Actor& actor = actors_.at(asked->claim.id);
  if (said.kind == Deactivated::Kind::kDone) return over(actor);
  const unsigned before = actor.why == Deactivation::kIdle ? actor.unforgotten : asked->failures;
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
    context_.happened({.kind = EventKind::kDeactivationGivenUp,
                       .actor = name_of(actor),
                       .why = "the application has not forgotten it in spite of being asked again and again",
                       .by = "the application"},
                      Level::kError, "deactivation_given_up", {{"actor", name_of(actor)}, {"detail", said.detail}});
    return over(actor);
  }
  deactivations_.ask_later(actor.id, said.detail);
  const Duration pause = backoff(kFirstQuestionAgain, asked->failures, kLastQuestionAgain);
  timers_.add(context_.now.mono + std::max(pause, said.retry_after), due::EndingAgain{actor.id});
  return AfterDeactivation{};
}

// Whoever activates the actor next must know what was answered here, so the claim stays until its ring owner does.
Activations::AfterDeactivation Activations::over(Actor& actor) {
  deactivations_.over(actor.id);
  ++context_.counters.deactivations[static_cast<std::size_t>(actor.why)];
  const bool nothing_to_know =
      !actor.window || actor.why == Deactivation::kIdle || actor.why == Deactivation::kTurnTimeout;
  return {nothing_to_know ? AfterDeactivation::What::kReleased : AfterDeactivation::What::kHandedOver,
          {actor.id, actor.epoch},
          {},
          {}};
}

std::vector<CallId> Activations::operators_at(const Actor& actor) const {
  std::vector<CallId> operators;
  if (!actor.queue) return operators;
  for (const QueuedCall& queued : *actor.queue) {
    if (queued.call->kind == Call::Kind::kDeactivate) operators.push_back(queued.token);
  }
  return operators;
}

// What an operator wants goes no further where the app declines, or where it fails until the operator has gone: calls
// would wait for no reason that anybody knows. Where a turn was broken the app may still work on it, and no other may
// begin in this activation.
bool Activations::goes_on(const Actor& actor, const Deactivated& said) const {
  if (actor.why == Deactivation::kIdle) return true;
  if (actor.why != Deactivation::kOperator || actor.broken) return false;
  return said.kind == Deactivated::Kind::kNotNow ||
         (said.kind == Deactivated::Kind::kFailed && operators_at(actor).empty());
}

// What has not ended is never given up, or the id would live twice. The one exception stays in this very app, under a
// greater epoch: an app that answered neither the turn nor the deactivation in time would keep the actor from
// everybody.
bool Activations::given_up(const Actor& actor, const Deactivated& said) const {
  const bool stuck = actor.why == Deactivation::kTurnTimeout || actor.why == Deactivation::kOperator;
  return stuck && said.kind == Deactivated::Kind::kSilent && cluster_.owns(actor.id);
}

// The app has not forgotten it, and it goes on. Where it declined, it is asked after another idle time; where it
// failed, sooner, and ever later.
Activations::AfterDeactivation Activations::stay(Actor& actor, const Deactivated& said) {
  AfterDeactivation stays{AfterDeactivation::What::kStays, {actor.id, actor.epoch}, operators_at(actor), {}};
  stays.refusal = Answer::failed(Outcome::kRefused, Reason::kAppRefused,
                                 "the application keeps actor " + name_of(actor) + " for now: " + said.detail);
  deactivations_.over(actor.id);
  actor.deactivating = actor.told = false;
  for (const CallId token : stays.operators) withdraw(actor.id, token);
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
  return stays;
}

// ---- it is over -----------------------------------------------------------------------------------------------------

Ended Activations::ended(const Claim& claim) const {
  const Actor& actor = actors_.at(claim.id);
  RINGSIDE_CHECK(actor.window != nullptr && actor.epoch == claim.epoch);
  return {claim.id, claim.epoch, actor.window->all()};
}

std::vector<CallId> Activations::take_queue(Actor& actor) {
  std::vector<CallId> calls;
  if (!actor.queue) return calls;
  for (const QueuedCall& queued : *actor.queue) {
    context_.hot.waited(actor.id, queued.since, context_.now.mono);
    calls.push_back(queued.token);
  }
  waiting_ -= calls.size();
  actor.queue.reset();
  return calls;
}

std::vector<CallId> Activations::release(ActorId id) {
  Actor& actor = actors_.at(id);
  RINGSIDE_CHECK(!actor.turn);
  forget_idle_again(id);
  std::vector<CallId> queue = take_queue(actor);
  actors_.erase(actor);
  return queue;
}

// The app may say of a lost turn that it never got it: those behind it go when that is known, so as not to overtake it.
Activations::Lost Activations::lose_all() {
  Lost lost;
  ending_all_.reset();
  while (Actor* actor = actors_.oldest()) {
    ++context_.counters.deactivations[static_cast<std::size_t>(Deactivation::kAppLoss)];
    lost.claims.push_back({actor->id, actor->epoch});
    std::vector<CallId> queue = take_queue(*actor);
    if (!queue.empty() && actor->turn) {
      lost.left_behind.insert(lost.left_behind.end(), queue.begin(), queue.end());
      left_behind_[actor->turn] = std::move(queue);
    } else if (!queue.empty()) {
      lost.queues.push_back(std::move(queue));
    }
    forget_idle_again(actor->id);
    actors_.erase(*actor);
  }
  deactivations_.clear();
  return lost;
}

}  // namespace ringside::core
