// Calls: their way to an actor. What becomes of each attempt: calls_attempts.cc.
#include "sidecar/core/calls/calls.h"

#include <deque>
#include <map>

#include "sidecar/base/check.h"

namespace ringside::core {
namespace {

constexpr std::uint32_t kMaxHops = 8;

bool is_for(const Call& call, const HostRun& self, const std::string& cluster) {
  return !call.target || (call.target->host == self.host && call.target->cluster == cluster &&
                          call.target->generation == self.generation);
}

// Not on its way to the app: whatever stands behind it must not overtake it.
bool blocks(const PendingCall* pending) {
  return pending != nullptr && (pending->stage == CallStage::kWaiting || pending->stage == CallStage::kForwarding);
}

}  // namespace

Calls::Calls(const NodeConfig& config, Context& context, Timers& timers, const CallFacts& facts)
    : config_(config), context_(context), timers_(timers), facts_(facts), pending_(config.queue_bytes) {}

// ---- it comes -------------------------------------------------------------------------------------------------------

bool Calls::begin(CallId token, CallPtr call, const HostRun& here) {
  auto admitted = pending_.begin(token, std::move(call));
  PendingCall& pending = pending_.at(token);
  const Call& request = *pending.call;
  retry_budget_.earn();
  if (request.deadline <= context_.now.mono) {
    finish(token, Answer::failed(Outcome::kExpired, Reason::kDeadline));
  } else if (!admitted) {
    finish(token, std::move(admitted.error()));
  } else if (!is_for(request, here, config_.cluster)) {
    finish(token, Answer::failed(Outcome::kNotDelivered, Reason::kWrongTarget,
                                 "this is " + here.host + " of cluster " + config_.cluster));
  } else {
    pending.deadline = timers_.add(request.deadline, due::CallDeadline{token});
    return takes_its_place(token);
  }
  return false;
}

// Behind the calls of its id that came from here before it, where they wait; else it is routed.
bool Calls::takes_its_place(CallId token) {
  const Call& call = *pending_.at(token).call;
  const OrderId order = CallOrder::of(call);
  const std::size_t ahead = call.origin == Origin::kLocal ? order_.size(order) : 0;
  if (ahead > 0) {
    if (auto room = service_times_.has_room(call, ahead, config_.queue_per_actor, context_.now.mono); !room) {
      finish(token, std::move(room.error()));
    } else {
      pending_.enter(token, CallStage::kInOrder);
      order_.add(order, token);
      service_times_.joined(call.id, context_.now.mono);
    }
    return false;
  }
  return true;
}

void Calls::placed(CallId token) {
  const PendingCall* routed = pending_.find(token);
  if (blocks(routed) && routed->call->origin == Origin::kLocal) order_.add(CallOrder::of(*routed->call), token);
}

// ---- it is routed ---------------------------------------------------------------------------------------------------

const CallPtr* Calls::begin_routing(CallId token) {
  PendingCall& pending = pending_.at(token);
  timers_.cancel(pending.retry);
  pending_.enter(token, pending, CallStage::kRouting);
  if (pending.call->deadline > context_.now.mono) return &pending.call;
  finish(token, out_of_time(pending));
  return nullptr;
}

bool Calls::has_hops_left(CallId token) {
  if (pending_.at(token).call->hops.value_or(0) < kMaxHops) return true;
  finish(token, Answer::failed(Outcome::kNotDelivered, Reason::kHopLimit));
  return false;
}

bool Calls::has_room_behind(CallId token, std::size_t others) {
  const Call& call = *pending_.at(token).call;
  if (auto room = service_times_.has_room(call, others, config_.queue_per_actor, context_.now.mono); !room) {
    finish(token, std::move(room.error()));
    return false;
  }
  service_times_.joined(call.id, context_.now.mono);
  return true;
}

void Calls::wait(CallId token, Reason reason) {
  PendingCall& pending = pending_.at(token);
  const Instant now = context_.now.mono;
  if (pending.held_until == kNever) pending.held_until = now + config_.hold_timeout;
  if (now >= pending.held_until) {
    return finish(token, Answer::failed(Outcome::kNotDelivered, reason));
  }
  pending.last = Answer::failed(Outcome::kNotDelivered, reason);
  pending_.enter(token, pending, CallStage::kWaiting);
  pending.retry = timers_.add(pending.held_until, due::CallRetry{token});
}

void Calls::forward(CallId token, const HostRun& to, Epoch epoch, bool bounce) {
  PendingCall& pending = pending_.at(token);
  const bool legacy = to.generation == 0;
  const ForwardId forward = context_.next<ForwardId>();
  forwards_.began(forward, {token, to.host, epoch, legacy, bounce, context_.now.mono});
  pending_.enter(token, pending, CallStage::kForwarding);
  pending.forward = forward;
  pending.last_host = to.host;
  ++context_.counters.forwards;
  Target target{to.host, to.generation, config_.cluster, epoch};
  const std::uint32_t hops = pending.call->hops.value_or(0) + 1;
  context_.effects.push_back(ForwardCall{forward, to.host, legacy, std::move(target), hops, pending.call});
}

// It may be carried out in the midst of a turn, which makes that end: nobody can say later that it did nothing.
void Calls::wish_queued(CallId token) {
  pending_.at(token).may_have_happened = true;
  pending_.enter(token, CallStage::kQueued);
}

void Calls::in_turn(CallId token, TurnId turn) {
  PendingCall& pending = pending_.at(token);
  pending_.enter(token, pending, CallStage::kTurn);
  pending.turn = turn;
}

void Calls::finish(CallId token, Answer answer) {
  const PendingCalls::Ended ended = pending_.end(token);
  RINGSIDE_CHECK(ended);
  PendingCall& pending = *ended;
  timers_.cancel(pending.deadline);
  timers_.cancel(pending.retry);
  if (answer.outcome != Outcome::kApplied && answer.detail.empty()) {
    answer.detail = detail_of(pending, answer.reason);
  }
  if (pending.may_have_happened && surely_not_delivered(answer.outcome)) answer.outcome = Outcome::kUnknown;
  if (answer.holder.empty()) answer.holder = facts_.holder_of(pending.call->id);
  auto& counters = context_.counters;
  ++counters.calls[static_cast<std::size_t>(pending.call->origin)][static_cast<std::size_t>(answer.outcome)];
  if (answer.outcome != Outcome::kApplied) ++counters.refusals[static_cast<std::size_t>(answer.reason)];
  context_.effects.push_back(FinishCall{token, std::move(answer)});
  if (pending.call->origin == Origin::kLocal && pending.stage != CallStage::kTurn) {
    order_.look_at(CallOrder::of(*pending.call));
  }
}

// ---- those that may move on -----------------------------------------------------------------------------------------

std::optional<CallId> Calls::next_in_order() {
  while (true) {
    if (!advancing_) advancing_ = order_.next_to_look_at();
    if (!advancing_) return std::nullopt;
    const std::optional<CallId> head = order_.first(*advancing_);
    const PendingCall* pending = head ? pending_.find(*head) : nullptr;
    if (!head || blocks(pending)) {
      advancing_.reset();
    } else if (pending == nullptr || pending->stage != CallStage::kInOrder) {
      order_.remove(*advancing_, *head);
    } else if (auto in_time = service_times_.is_in_time(*pending->call, context_.now.mono); !in_time) {
      finish(*head, std::move(in_time.error()));
    } else {
      return head;
    }
  }
}

std::vector<CallId> Calls::waiting() const { return {pending_.waiting().begin(), pending_.waiting().end()}; }

bool Calls::may_move_on(CallId token) {
  PendingCall* const pending = pending_.find(token);
  if (pending == nullptr || pending->stage != CallStage::kWaiting) return false;
  const OrderId order = CallOrder::of(*pending->call);
  order_.look_at(order);  // where it moves on, those of the same id behind it follow
  if (!order_.stands_behind_another(order, token)) return true;
  // One that came back has taken its place at the head: this one follows it.
  timers_.cancel(pending->retry);
  pending_.enter(token, *pending, CallStage::kInOrder);
  return false;
}

// ---- its actor here -------------------------------------------------------------------------------------------------

bool Calls::ends_before_turn(CallId token) {
  auto in_time = service_times_.is_in_time(*pending_.at(token).call, context_.now.mono);
  if (in_time) return false;
  finish(token, std::move(in_time.error()));
  return true;
}

std::vector<CallId> Calls::take_back(const std::vector<CallId>& queue) {
  std::vector<CallId> others;
  std::map<OrderId, std::deque<CallId>> local;
  for (const CallId token : queue) {
    const Call& call = *pending_.at(token).call;
    if (call.kind == Call::Kind::kDeactivate || call.origin != Origin::kLocal) {
      others.push_back(token);
    } else {
      pending_.enter(token, CallStage::kInOrder);
      local[CallOrder::of(call)].push_back(token);
    }
  }
  for (const auto& [order, tokens] : local) {
    order_.add_first(order, tokens);
    order_.look_at(order);
  }
  return others;
}

void Calls::left_behind(const std::vector<CallId>& queue) {
  for (const CallId token : queue) pending_.enter(token, CallStage::kInOrder);
}

bool Calls::follows(CallId token) {
  const PendingCall* pending = pending_.find(token);  // nothing: its deadline has passed meanwhile
  if (pending == nullptr) return false;
  if (pending->call->origin != Origin::kLocal) return true;
  const OrderId order = CallOrder::of(*pending->call);
  order_.add(order, token);
  order_.look_at(order);
  return false;
}

// ---- to read --------------------------------------------------------------------------------------------------------

std::size_t Calls::unfinished() const {
  return pending_.size() + forwards_.size() + order_.orders() + pending_.waiting().size();
}

void Calls::check() const {
  pending_.check();
  order_.check();
  std::size_t forwarded = 0;
  pending_.each([&](CallId token, const PendingCall& pending) {
    RINGSIDE_CHECK(pending.stage != CallStage::kRouting);  // only within an event
    if (pending.stage == CallStage::kWaiting || pending.stage == CallStage::kAside) {
      RINGSIDE_CHECK(pending.retry != kNoTimer);
    }
    if (pending.stage != CallStage::kForwarding) return;
    const Forward* forward = forwards_.find(pending.forward);
    RINGSIDE_CHECK(forward != nullptr && forward->call == token);
    ++forwarded;
  });
  RINGSIDE_CHECK(forwarded == forwards_.size());
  order_.each([&](OrderId order, CallId token) { RINGSIDE_CHECK(CallOrder::of(*pending_.at(token).call) == order); });
}

}  // namespace ringside::core
