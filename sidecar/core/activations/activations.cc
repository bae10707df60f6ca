// Activations: how they begin, and their turns. Their ends: activations_deactivating.cc.
#include "sidecar/core/activations/activations.h"

#include <utility>

#include "sidecar/base/check.h"
#include "sidecar/core/chain.h"
#include "sidecar/core/spacing.h"

namespace ringside::core {
namespace {

constexpr Duration kAppRetry{20'000};
constexpr Duration kLastAppRetry{640'000};

}  // namespace

Activations::Activations(const NodeConfig& config, Context& context, Timers& timers, const ClusterView& cluster)
    : config_(config),
      context_(context),
      timers_(timers),
      cluster_(cluster),
      actors_(config.remembered_bytes),
      turns_(config.max_turns, config.most_turns),
      deactivations_(config.max_turns),
      inherited_(config.remembered_bytes / 2) {}

void Activations::activate(ActorId id, Epoch epoch) {
  Actor& actor = actors_.create(id, epoch, context_.now.mono);
  Activation why = Activation::kFirstTouch;
  if (const std::vector<Remembered> answers = inherited_.take(id); !answers.empty()) {
    for (const Remembered& entry : answers) actors_.remember(actor, entry);
    why = Activation::kAfterMove;
  }
  ++context_.counters.activations[static_cast<std::size_t>(why)];
}

// ---- a call comes ---------------------------------------------------------------------------------------------------

Activations::Entered Activations::enter(CallId token, const CallPtr& call, bool serves_while_draining) {
  Actor& actor = at(call->id);
  context_.hot.called(actor.id);
  if (!actor.name && !call->actor_name.empty()) actor.name = std::make_unique<std::string>(call->actor_name);
  // It was to end because nobody used it, and the app has not been asked yet.
  if (actor.deactivating && actor.why == Deactivation::kIdle && deactivations_.withdraw(actor.id)) {
    actor.deactivating = actor.told = false;
  }
  if (auto checked = check_chain(*call, actor); !checked) return std::move(checked.error());
  // A turn waits for this call, as others may for theirs: where there is no room even for those, none may wait.
  if (!call->chain.empty() && turns_.has_room_for_none()) {
    return Answer::failed(Outcome::kNotDelivered, Reason::kTooManyTurns);
  }
  const bool may_go = !actor.deactivating || goes_before_its_end(actor, serves_while_draining);
  if (!actor.turn && may_go && actor.queued() == 0 && may_start(*call)) {
    if (auto known = known_answer(actor, *call)) return std::move(*known);
    if (actor.deactivating) actor.told = !deactivations_.withdraw(actor.id);  // it is asked after this turn
    return begin_turn(actor, token, call);
  }
  return MustWait{actor.queued()};
}

void Activations::wait(CallId token, const CallPtr& call) {
  Actor& actor = actors_.at(call->id);
  if (!actor.queue) actor.queue = std::make_unique<std::deque<QueuedCall>>();
  actor.queue->push_back({token, call, context_.now.mono});
  ++waiting_;
  if (actor.deactivating) deactivations_.hurry(actor.id);
  if (!actor.turn && !actor.deactivating && actor.queued() == 1) turns_.await_room(actor.id);
}

// Where the actor ends, the queue moves on with it.
void Activations::wait_first(CallId token, const CallPtr& call, unsigned attempts) {
  Actor& actor = actors_.at(call->id);
  if (!actor.queue) actor.queue = std::make_unique<std::deque<QueuedCall>>();
  actor.queue->push_front({token, call, context_.now.mono});
  ++waiting_;
  timers_.add(context_.now.mono + backoff(kAppRetry, attempts, kLastAppRetry), due::ActorRetry{actor.id});
}

void Activations::withdraw(ActorId id, CallId token) {
  Actor* actor = actors_.find(id);
  if (actor == nullptr || !actor->queue) return;
  waiting_ -= std::erase_if(*actor->queue, [&](const QueuedCall& queued) {
    if (queued.token != token) return false;
    context_.hot.waited(id, queued.since, context_.now.mono);
    return true;
  });
  if (actor->queue->empty()) actor->queue.reset();
}

// Where this host drains, the app may have many to forget before it comes to this one: no call waits for that. At every
// time one of those that are left is asked, so the drain takes no longer. Once others may hold the id (this run is
// over), or the app is unhealthy, no turn begins any more, as with every other end.
bool Activations::goes_before_its_end(const Actor& actor, bool serves_while_draining) const {
  return serves_while_draining && actor.why == Deactivation::kDrain && deactivations_.not_asked_yet(actor.id);
}

// Not while the peers have yet to say that they still know this host.
bool Activations::may_start(const Call& call) const { return turns_.has_room_for(call) && !cluster_.confirming(); }

// A call that its actor's turn under way waits for could only wait for itself.
base::Result<void, Answer> Activations::check_chain(const Call& call, const Actor& actor) const {
  if (call.chain.empty()) return {};
  const bool loop = actor.turn && is_in_chain(call.chain, turns_.at(actor.turn).link);
  if (!loop && chain_depth(call.chain) < kDeepestChain) return {};
  // Those that are active elsewhere are known here by their numbers.
  const std::string path = chain_path(call.chain, call.id, [this](ActorId id) {
    const Actor* one = actors_.find(id);
    return one != nullptr ? name_of(*one) : to_string(id);
  });
  return base::Error(Answer::failed(Outcome::kInvalid, Reason::kCallLoop,
                                    loop ? "the actor would wait for itself: " + path
                                         : "more than " + std::to_string(kDeepestChain) +
                                               " turns would wait for one another, which is the limit: " + path));
}

// ---- turns ----------------------------------------------------------------------------------------------------------

std::optional<QueuedCall> Activations::take_next(ActorId id) {
  Actor* actor = find(id);
  if (actor == nullptr || actor->turn || actor->deactivating || !actor->queue) return std::nullopt;
  if (!may_start(*actor->queue->front().call)) {
    turns_.await_room(id);
    return std::nullopt;
  }
  QueuedCall next = std::move(actor->queue->front());
  context_.hot.waited(id, next.since, context_.now.mono);
  actor->queue->pop_front();
  --waiting_;
  if (actor->queue->empty()) actor->queue.reset();
  return next;
}

std::optional<ActorId> Activations::next_with_room() {
  const ActorId id = turns_.awaiting_room().front();
  const Actor* next = actors_.find(id);
  const bool waits = next != nullptr && !next->turn && !next->deactivating && next->queue;
  if (waits && !may_start(*next->queue->front().call)) return std::nullopt;
  turns_.pop_awaiting_room();
  return id;
}

TurnId Activations::start_turn(ActorId id, CallId token, const CallPtr& call) {
  return begin_turn(actors_.at(id), token, call);
}

TurnId Activations::begin_turn(Actor& actor, CallId token, const CallPtr& call) {
  RINGSIDE_CHECK(!actor.turn);
  const TurnId turn = context_.next<TurnId>();
  actor.turn = turn;
  actors_.touch(actor, context_.now.mono);
  Turn& entry = turns_.begin(turn, actor.id, token, context_.now.mono);
  entry.epoch = actor.epoch;
  entry.asked = call;
  entry.timeout = timers_.add(context_.now.mono + config_.turn_timeout, due::TurnTimeout{turn});
  const bool may_be_a_step = actor.window && !call->idempotency_key.empty();
  entry.idempotency_key = may_be_a_step ? actor.window->key_of(*call) : call->idempotency_key;
  entry.fingerprint = call->fingerprint;
  entry.link = chain_link(actor.id, actor.epoch, turn);
  context_.effects.push_back(StartTurn{turn, actor.epoch, call, longer_chain(call->chain, entry.link)});
  return turn;
}

std::optional<Answer> Activations::answer_from_window(ActorId id, const Call& call) const {
  return known_answer(actors_.at(id), call);
}

// A repeat within the window gets the answer that the first one got. Another request under the same key is a mistake of
// its caller, who would take that answer for its own.
std::optional<Answer> Activations::known_answer(const Actor& actor, const Call& call) const {
  if (call.idempotency_key.empty() || !actor.window) return std::nullopt;
  const auto known = actor.window->find(actor.window->key_of(call));
  if (!known) return std::nullopt;
  if (known->fingerprint != 0 && call.fingerprint != 0 && known->fingerprint != call.fingerprint) {
    return Answer::failed(
        Outcome::kInvalid, Reason::kKeyReused,
        "actor " + called(call) +
            " has answered another request under this idempotency key; a new request needs a new key");
  }
  if (known->outcome == Outcome::kUnknown) {
    return Answer::failed(Outcome::kUnknown, Reason::kAppTooLarge,
                          "actor " + called(call) +
                              " has carried out the call with this idempotency key, and its answer was too large to be "
                              "kept for repeats");
  }
  Answer answer;
  answer.outcome = known->outcome;
  answer.reason = known->outcome == Outcome::kApplied ? Reason::kNone : Reason::kAppRefused;
  answer.result = known->result;
  answer.replayed = true;
  if (answer.outcome == Outcome::kRefused) {
    answer.detail = "the application refused the first call with this idempotency key for actor " + called(call);
  }
  return answer;
}

std::optional<Activations::TurnEnd> Activations::turn_ended(TurnId token, Answer said) {
  const Instant now = context_.now.mono;
  const Turns::Ended ended = turns_.end(token, now);
  if (!ended) return std::nullopt;
  Turn& turn = *ended;
  timers_.cancel(turn.timeout);
  TurnEnd end;
  end.id = turn.actor;
  end.call = turn.call;
  end.answer = std::move(said);
  Answer& answer = end.answer;
  end.answered = answer.outcome == Outcome::kApplied || answer.outcome == Outcome::kRefused;
  end.took = now - turn.began;
  context_.hot.took(turn.actor, turn.began, turn.told_until, now, true);
  if (auto left = left_behind_.extract(token)) end.followers = std::move(left.mapped());
  Actor* actor = find(turn.actor);
  if (actor == nullptr || actor->turn != token) return end;  // that activation has ended meanwhile
  end.active = true;
  actor->turn = TurnId();
  actor->unforgotten = 0;
  actors_.touch(*actor, now);
  if (end.answered && !answer.passing && !turn.idempotency_key.empty()) {
    actors_.remember(*actor,
                     {turn.idempotency_key, answer.outcome, answer.serialized(), turn.fingerprint, answer.leads_to});
  }
  const bool by_operator = actor->broken && end.took < config_.turn_timeout;
  if (by_operator && answer.reason == Reason::kTurnTimeout) {
    answer.reason = Reason::kEndedByOperator;
    answer.detail = "actor " + name_of(*actor) + " was deactivated on an operator's wish while this turn had run for " +
                    in_seconds(end.took);
  }
  return end;
}

// --turn-timeout: the app is cut off from this turn, and the activation ends, since nobody knows what it still does.
void Activations::due(due::TurnTimeout at) {
  Turn* turn = turns_.find(at.turn);
  if (turn == nullptr) return;
  turn->timeout = kNoTimer;
  Actor* actor = find(turn->actor);
  const std::string name = actor != nullptr ? name_of(*actor) : to_string(turn->actor);
  context_.happened({.kind = EventKind::kTurnTimeout,
                     .actor = name,
                     .why = "a turn has taken longer than --turn-timeout: the application is cut off from it",
                     .lasted = context_.now.mono - turn->began},
                    Level::kError, "turn_timeout", {{"actor", name}});
  if (actor != nullptr && actor->turn == at.turn) {
    actor->broken = true;
    if (!std::exchange(actor->deactivating, true)) actor->why = Deactivation::kTurnTimeout;
  }
  context_.effects.push_back(BreakTurn{at.turn});
}

void Activations::due(due::TurnBreak at) {
  const Turn* under_way = turns_.find(at.turn);
  if (under_way == nullptr) return;
  Actor* actor = actors_.find(under_way->actor);
  if (actor == nullptr || actor->turn != at.turn || !actor->deactivating) return;
  context_.log(Level::kWarn, "turn_broken", {{"actor", name_of(*actor)}, {"why", "operator"}});
  actor->broken = true;
  context_.effects.push_back(BreakTurn{at.turn});
}

// ---- to read --------------------------------------------------------------------------------------------------------

std::size_t Activations::unfinished() const {
  return turns_.size() + turns_.awaiting_room().size() + left_behind_.size() + deactivations_.size();
}

std::string Activations::busy_with(ActorId id) const {
  const Actor* found = actors_.find(id);
  if (found == nullptr) return {};
  const Actor& actor = *found;
  std::string text = "actor " + name_of(actor);
  if (actor.turn) {
    text += " is busy with a turn that has run " + in_seconds(context_.now.mono - turns_.at(actor.turn).began);
  } else if (actor.deactivating) {
    const Deactivations::Failures failures = deactivations_.failures(actor.id);
    text += " is being deactivated (" + std::string(to_string(actor.why)) + ")";
    text += deactivations_.not_asked_yet(actor.id)
                ? "; the app has others to forget first, " + std::to_string(deactivations_.size()) + " in all"
            : failures.times == 0 ? " and the app has not answered that yet"
            : failures.times == 1 ? ", which the app has not done: " + failures.last
                                  : ", which the app has not done when asked " + std::to_string(failures.times) +
                                        " times; at last " + failures.last;
  } else {
    text += " waits for its turn";
  }
  if (actor.queued() > 0)
    text += "; " + std::to_string(actor.queued()) + (actor.queued() == 1 ? " call waits" : " calls wait");
  return text;
}

std::optional<Activations::Delay> Activations::delay_of(const Call& call) const {
  const Actor* actor = actors_.find(call.id);
  if (actor == nullptr) return std::nullopt;
  if (actor->turn || actor->deactivating) return Delay{Reason::kAppSlow, busy_with(call.id)};
  if (may_start(call)) return Delay{Reason::kNone, busy_with(call.id)};
  return Delay{cluster_.confirming() ? Reason::kNotReady : Reason::kTooManyTurns, {}};
}

ActorStatus Activations::status_of(const Actor& actor, Instant now) const {
  ActorStatus status;
  status.id = actor.id;
  status.epoch = actor.epoch;
  if (actor.name) status.name = *actor.name;
  status.busy = actor.turn != TurnId();
  status.idle = status.busy ? Duration(0) : now - actor.last_used;
  if (status.busy) status.turn_age = now - turns_.at(actor.turn).began;
  status.waiting = actor.queued();
  if (actor.deactivating) status.ending = to_string(actor.why);
  status.not_forgotten = actor.unforgotten;
  return status;
}

std::optional<ActivationFacts> Activations::activation_of(ActorId id) const {
  const Actor* actor = actors_.find(id);
  if (actor == nullptr) return std::nullopt;
  const Instant now = context_.now.mono;
  ActivationFacts activation;
  activation.state = status_of(*actor, now);
  if (actor->turn) {
    activation.call = turns_.at(actor->turn).asked;
  } else if (!actor->deactivating && actor->queued() == 0) {
    activation.expires_in = std::max(Duration(0), config_.idle_timeout - activation.state.idle);
  }
  return activation;
}

Top Activations::top(std::size_t most) {
  const Instant now = context_.now.mono;
  const HotTables& tables = context_.hot.look(now);
  turns_.each([&](Turn& turn) {
    context_.hot.took(turn.actor, turn.began, turn.told_until, now, false);
    turn.told_until = now;
  });
  const auto list_of = [&](const SpaceSaving& table) {
    HotList list{{}, table.total(), table.unlisted()};
    for (const SpaceSaving::Entry& entry : table.top(most)) {
      const Actor* actor = actors_.find(entry.id);
      HotActor& hot = list.actors.emplace_back();
      hot.active = actor != nullptr;
      if (actor != nullptr) hot.now = status_of(*actor, now);
      hot.now.id = entry.id;
      hot.sum = entry.sum;
      hot.error = entry.error;
      hot.times = entry.times;
      hot.largest = entry.largest;
    }
    return list;
  };
  return {now - tables.began,    HotActors::kStopsAfter, HotTables::kCounters,
          list_of(tables.calls), list_of(tables.turns),  list_of(tables.waits)};
}

void Activations::check() const {
  deactivations_.check();
  std::size_t queued = 0;
  actors_.each([&](const Actor& actor) {
    if (actor.turn) {
      const Turn& turn = turns_.at(actor.turn);
      RINGSIDE_CHECK(turn.actor == actor.id && turn.epoch == actor.epoch);
    }
    if (actor.told) RINGSIDE_CHECK(actor.deactivating);
    if (actor.queue) RINGSIDE_CHECK(!actor.queue->empty());
    queued += actor.queued();
  });
  RINGSIDE_CHECK(queued == waiting_);
  turns_.each([&](TurnId token, const Turn& turn) {
    const Actor* actor = actors_.find(turn.actor);
    if (actor != nullptr && actor->epoch == turn.epoch) RINGSIDE_CHECK(actor->turn == token);
  });
}

}  // namespace ringside::core
