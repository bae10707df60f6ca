// Calls: what becomes of an attempt: it ends with the answer, is tried again, or nobody waits for it any more.
#include <algorithm>

#include "sidecar/base/check.h"
#include "sidecar/core/calls/calls.h"
#include "sidecar/core/spacing.h"

namespace ringside::core {
namespace {

constexpr Duration kFirstRetry{5'000};
constexpr Duration kLastRetry{200'000};
constexpr Duration kFirstAside{40'000};
constexpr Duration kLastAside{640'000};

// Only the first host repeats.
bool is_first_host(const Call& call) { return call.origin == Origin::kLocal || !call.hops; }

bool is_sent_back(const Answer& answer) {
  return answer.outcome == Outcome::kNotDelivered &&
         (answer.reason == Reason::kAppBusy || answer.reason == Reason::kTooManyTurns);
}

}  // namespace

// ---- it is tried again ----------------------------------------------------------------------------------------------

// Surely not delivered: tried again until the deadline, and at once when the view changes.
void Calls::retry_later(CallId token, PendingCall& pending, Answer why) {
  ++context_.counters.retries;
  const Duration step = backoff(kFirstRetry, pending.attempts, kLastRetry);
  ++pending.attempts;
  pending.may_have_happened = pending.may_have_happened || why.outcome == Outcome::kUnknown;
  pending.last = std::move(why);
  pending_.enter(token, pending, CallStage::kWaiting);
  pending.retry = timers_.add(context_.now.mono + context_.random.between(step / 2, step), due::CallRetry{token});
}

// The app sent it back, or may have failed at it and the caller allows a repeat. It gives up its place, so that it
// keeps nobody else of its actor from a turn, and is tried again after a pause. Only the first host does that.
void Calls::put_aside(CallId token, PendingCall& pending, Answer why) {
  const Call& call = *pending.call;
  const Duration step = backoff(kFirstAside, pending.attempts, kLastAside);
  const Duration pause = std::max(why.retry_after, context_.random.between(step / 2, step));
  // One that a turn waits for would keep that turn's connection from the others that wait for one.
  const bool holds_another = why.reason == Reason::kTooManyTurns && !call.chain.empty();
  const bool too_late = context_.now.mono + pause >= call.deadline;
  if (!is_first_host(call) || holds_another || too_late) return finish(token, std::move(why));
  order_.remove(CallOrder::of(call), token);
  ++context_.counters.retries;
  ++pending.attempts;
  pending.may_have_happened = pending.may_have_happened || why.outcome == Outcome::kUnknown;
  pending.last = std::move(why);
  pending_.enter(token, pending, CallStage::kAside);
  pending.retry = timers_.add(context_.now.mono + pause, due::CallRetry{token});
  if (call.origin == Origin::kLocal) order_.look_at(CallOrder::of(call));
}

Calls::Retry Calls::retry_due(CallId token) {
  PendingCall* const pending = pending_.find(token);
  if (pending == nullptr) return Retry::kNone;
  pending->retry = kNoTimer;
  if (pending->stage != CallStage::kAside) return Retry::kMayMoveOn;
  return takes_its_place(token) ? Retry::kHasItsPlace : Retry::kNone;
}

// ---- its turn is over -----------------------------------------------------------------------------------------------

std::optional<unsigned> Calls::turn_ended(CallId token, Answer answer, bool active) {
  PendingCall& pending = pending_.at(token);
  const bool may_repeat = pending.call->idempotent && is_worth_a_repeat(answer);
  if (is_sent_back(answer) || may_repeat) {
    put_aside(token, pending, std::move(answer));
  } else if (answer.outcome == Outcome::kNotDelivered && active) {
    ++context_.counters.retries;
    ++pending.attempts;
    pending.last = std::move(answer);
    pending_.enter(token, pending, CallStage::kQueued);
    return pending.attempts;
  } else if (answer.outcome == Outcome::kNotDelivered) {
    if (pending.call->origin == Origin::kLocal) order_.add_first(CallOrder::of(*pending.call), token);
    retry_later(token, pending, std::move(answer));
  } else {
    finish(token, std::move(answer));
  }
  return std::nullopt;
}

// ---- its forward is over --------------------------------------------------------------------------------------------

std::optional<Calls::ForwardEnd> Calls::forward_ended(ForwardId token, Answer answer) {
  std::optional<Forward> ended = forwards_.end(token);
  if (!ended) return std::nullopt;
  const Call& call = *pending_.at(ended->call).call;
  if (answer.reason == Reason::kPeerLost || answer.reason == Reason::kPeerUnreachable) {
    answer.detail = detail_of_loss(call, *ended, answer.detail);
  }
  if (answer.holder.empty()) answer.holder = ended->host;
  if (answer.outcome == Outcome::kApplied || answer.outcome == Outcome::kRefused) {
    service_times_.took(call.id, context_.now.mono - ended->began, context_.now.mono);
  }
  return ForwardEnd{std::move(*ended), call.id, std::move(answer)};
}

void Calls::go_on(ForwardEnd ended) {
  const CallId token = ended.forward.call;
  PendingCall& pending = pending_.at(token);
  const Call& call = *pending.call;
  Answer& answer = ended.answer;
  if (is_sent_back(answer)) return put_aside(token, pending, std::move(answer));
  bool again = false;
  const bool origin = is_first_host(call);
  if (answer.outcome == Outcome::kNotDelivered) {
    again = answer.reason == Reason::kNotMine ||
            (origin && answer.reason != Reason::kHopLimit && answer.reason != Reason::kRingDisagreement &&
             answer.reason != Reason::kNoQuorum && answer.reason != Reason::kNoOwner);
  } else if (answer.outcome == Outcome::kUnknown) {
    again = origin && call.idempotent && is_worth_a_repeat(answer);
  } else if (answer.outcome == Outcome::kOverloaded) {
    again = origin && retry_budget_.spend();
  }
  if (again) {
    retry_later(token, pending, std::move(answer));
  } else {
    finish(token, std::move(answer));
  }
}

// ---- nobody waits for it any more -----------------------------------------------------------------------------------

// Ends it wherever it is. A turn goes on without anybody who waits for it.
Calls::Left Calls::leave(CallId token, const PendingCall& pending, Answer answer) {
  Left left{token, pending.call->id, pending.stage, pending.turn, false};
  if (pending.stage == CallStage::kForwarding) {
    context_.effects.push_back(AbandonForward{pending.forward});
    const std::optional<Forward> forward = forwards_.end(pending.forward);
    left.bounce = forward && forward->bounce;
  } else if (pending.stage != CallStage::kTurn && pending.stage != CallStage::kQueued) {
    order_.remove(CallOrder::of(*pending.call), token);
  }
  finish(token, std::move(answer));
  return left;
}

// The caller's deadline.
std::optional<Calls::Left> Calls::deadline_due(CallId token) {
  PendingCall* const found = pending_.find(token);
  if (found == nullptr) return std::nullopt;
  PendingCall& pending = *found;
  pending.deadline = kNoTimer;
  const Instant deadline = pending.call->deadline;
  if (pending.stage == CallStage::kForwarding && context_.now.mono < deadline + kAnswerGrace) {
    pending.deadline = timers_.add(deadline + kAnswerGrace, due::CallDeadline{token});
    return std::nullopt;
  }
  return leave(token, pending, late(pending));
}

std::optional<Calls::Left> Calls::overdue(CallId token) {
  const PendingCall& pending = pending_.at(token);
  if (pending.call->deadline > context_.now.mono) return std::nullopt;
  return leave(token, pending, late(pending));
}

Answer Calls::late(const PendingCall& pending) const {
  switch (pending.stage) {
    case CallStage::kForwarding:
      return Answer::failed(Outcome::kUnknown, Reason::kPeerLost, detail_of_silence(pending));
    case CallStage::kTurn:
      return Answer::failed(Outcome::kUnknown, Reason::kAppSlow, facts_.busy_with(pending.call->id));
    default:
      return out_of_time(pending);
  }
}

std::optional<Calls::Left> Calls::cancel(CallId token) {
  const PendingCall* pending = pending_.find(token);
  if (pending == nullptr) return std::nullopt;
  const bool sent = pending->stage == CallStage::kTurn || pending->stage == CallStage::kForwarding;
  return give_up(token, sent ? Outcome::kUnknown : Outcome::kNotDelivered, Reason::kCancelled);
}

bool Calls::has_turn(CallId token) const {
  const PendingCall* pending = pending_.find(token);
  return pending != nullptr && pending->stage == CallStage::kTurn;
}

Calls::Left Calls::give_up(CallId token, Outcome outcome, Reason reason) {
  return leave(token, pending_.at(token), Answer::failed(outcome, reason));
}

std::vector<Calls::Left> Calls::give_up_all() {
  std::vector<std::pair<CallId, Outcome>> all;
  for (const CallId token : pending_.in_stage(CallStage::kTurn)) all.emplace_back(token, Outcome::kUnknown);
  for (const CallStage stage : {CallStage::kQueued, CallStage::kAside}) {
    for (const CallId token : pending_.in_stage(stage)) all.emplace_back(token, Outcome::kNotDelivered);
  }
  std::sort(all.begin(), all.end());
  std::vector<Left> left;
  left.reserve(all.size());
  for (const auto& [token, outcome] : all) left.push_back(give_up(token, outcome, Reason::kShuttingDown));
  return left;
}

// ---- why ------------------------------------------------------------------------------------------------------------

// What was tried and refused until the deadline is answered as it was refused: only the rest has expired.
Answer Calls::out_of_time(const PendingCall& pending) const {
  if (pending.attempts > 0 && pending.last.outcome != Outcome::kUnknown) return pending.last;
  if (pending.stage == CallStage::kInOrder) return out_of_time_in_order(pending);
  const Reason reason = pending.last.reason == Reason::kNone ? Reason::kDeadline : pending.last.reason;
  Answer late = Answer::failed(Outcome::kExpired, reason, pending.last.detail);
  return pending.stage == CallStage::kQueued ? facts_.expired_in_queue(pending, std::move(late)) : late;
}

// It stood behind earlier calls of its actor from here: what the first of them waits for, it waited for as well.
Answer Calls::out_of_time_in_order(const PendingCall& pending) const {
  const OrderId order = CallOrder::of(*pending.call);
  const std::optional<CallId> head = order_.first(order);
  const PendingCall* const first = head ? pending_.find(*head) : nullptr;
  if (first == nullptr) return Answer::failed(Outcome::kExpired, Reason::kDeadline);
  const PendingCall& front = *first;
  const std::size_t others = order_.size(order) - 1;
  const std::string behind =
      "; " + std::to_string(others) + (others == 1 ? " call waits" : " calls wait") + " behind it";
  if (front.stage != CallStage::kForwarding) {
    const Reason reason = front.last.reason == Reason::kNone ? Reason::kDeadline : front.last.reason;
    return Answer::failed(Outcome::kExpired, reason, detail_of(front, reason) + behind);
  }
  const Forward& forward = forwards_.at(front.forward);
  return Answer::failed(Outcome::kExpired, facts_.is_heard(forward.host) ? Reason::kAppSlow : Reason::kPeerUnreachable,
                        "actor " + called(*pending.call) + " is busy at " + forward.host +
                            " with a call that was sent there " + in_seconds(context_.now.mono - forward.began) +
                            " ago" + behind);
}

std::string Calls::detail_of(const PendingCall& pending, Reason reason) const {
  if (reason != Reason::kQueueBytesFull) return facts_.detail_of(pending, reason);
  return "calls of " + std::to_string(pending_.bytes()) + " bytes are under way here, and --queue-bytes is " +
         std::to_string(config_.queue_bytes);
}

// "10.0.0.7, to which the call for actor 7 was sent 0.3 s before, is lost: End of file"
std::string Calls::detail_of_loss(const Call& call, const Forward& forward, const std::string& error) const {
  std::string text = forward.host + ", to which the call for actor " + called(call) + " was sent " +
                     in_seconds(context_.now.mono - forward.began) + " before, is lost";
  if (!error.empty()) text += ": " + error;
  if (const std::string fate = facts_.fate_of(forward.host); !fate.empty()) text += "; " + fate;
  return text;
}

// The owner itself answers what is late there, by the deadline and a little more.
std::string Calls::detail_of_silence(const PendingCall& pending) const {
  const Forward& forward = forwards_.at(pending.forward);
  return forward.host + ", to which the call for actor " + called(*pending.call) + " was sent " +
         in_seconds(context_.now.mono - forward.began) + " ago, did not answer by the caller's deadline";
}

}  // namespace ringside::core
