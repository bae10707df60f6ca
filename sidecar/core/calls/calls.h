// The calls that have come to this host: each one's way from its first moment to its one answer.
//
//   pending_calls  where each call is, and what was tried here
//   admission      how much may be under way
//   call_order     no call overtakes an earlier one from here
//   forwards       what was sent to other hosts
//   service_times  how long a queue takes
//   retry_budget   repeats must not feed an overload
//
// Where a call goes is decided outside (core/route.h), and the node tells what came of it: queued, in a turn,
// forwarded, waiting. Nothing here routes a call or begins a turn. What is to be routed next is asked for
// (next_in_order), so no end of a call leads into the next one.
//
// Example: call 1 for actor 42 is begun and routed; the ring owner is not known yet, so it waits(). Call 2 comes and
// stands behind it. The view changes: 1 is routed again and forwarded; it ends; next_in_order() is 2.
//
// Invariants
//  1. Every call that begins ends in exactly one FinishCall: by finish().
//  2. Between two events each call is in one place from which something will move it on: a timer, a forward, a turn, a
//     queue, or a call in front of it.
//  3. Calls of one id from local callers are routed one after another.
// Loop thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sidecar/core/calls/call_facts.h"
#include "sidecar/core/calls/call_order.h"
#include "sidecar/core/calls/forwards.h"
#include "sidecar/core/calls/pending_calls.h"
#include "sidecar/core/calls/retry_budget.h"
#include "sidecar/core/calls/service_times.h"
#include "sidecar/core/config.h"
#include "sidecar/core/context.h"
#include "sidecar/core/timers.h"

namespace ringside::core {

class Calls {
 public:
  Calls(const NodeConfig& config, Context& context, Timers& timers, const CallFacts& facts);

  // ---- it comes ----
  // True: it is to be routed, and placed() afterwards. Else it has ended, or stands behind others.
  bool begin(CallId token, CallPtr call, const HostRun& here);
  void placed(CallId token);

  // ---- it is routed, and goes where the route says ----
  const CallPtr* begin_routing(CallId token);              // nullptr: its deadline has passed, and it has ended
  bool has_hops_left(CallId token);                        // false: it has ended
  bool has_room_behind(CallId token, std::size_t others);  // false: it has ended
  void wait(CallId token, Reason reason);                  // until the view changes; it may end
  void forward(CallId token, const HostRun& to, Epoch epoch, bool bounce);
  void queued(CallId token) { pending_.enter(token, CallStage::kQueued); }
  void wish_queued(CallId token);  // an operator's
  void in_turn(CallId token, TurnId turn);
  void finish(CallId token, Answer answer);

  // ---- those that may move on ----
  std::optional<CallId> next_in_order();  // to be routed: what stood in front of it has moved on
  std::vector<CallId> waiting() const;    // in the order in which they came
  // True: it still waits, and is to be routed. One that does not stand first stands behind the others from now on.
  bool may_move_on(CallId token);

  // ---- its actor here ----
  const CallPtr& call(CallId token) const { return pending_.at(token).call; }
  bool ends_before_turn(CallId token);  // at the head of its queue, for what would be too late: it has ended
  void answered_by_app(ActorId id, Duration took) { service_times_.took(id, took, context_.now.mono); }
  // The turn is over. A number of attempts: it is to be the first in its actor's queue again. Nothing: it has ended, or
  // waits for another attempt.
  std::optional<unsigned> turn_ended(CallId token, Answer answer, bool active);
  // The activation is over: those from local callers stand in order again. The others are to go on.
  std::vector<CallId> take_back(const std::vector<CallId>& queue);
  void left_behind(const std::vector<CallId>& queue);  // they follow a turn whose activation is lost
  bool follows(CallId token);                          // that turn is over. True: it is to be routed

  // ---- its forward ----
  struct ForwardEnd {
    Forward forward;
    ActorId id = 0;
    Answer answer;
  };
  const Forward* find(ForwardId token) const { return forwards_.find(token); }
  std::vector<ForwardId> forwards_to(const std::string& host) const { return forwards_.to(host); }
  std::optional<ForwardEnd> forward_ended(ForwardId token, Answer answer);
  void go_on(ForwardEnd ended);  // it ends with the answer, or is tried again

  // ---- time, and callers that go away ----
  // Where a call was that has ended: that place is to be given free.
  struct Left {
    CallId token;
    ActorId id = 0;
    CallStage stage = CallStage::kRouting;
    TurnId turn;
    bool bounce = false;
  };
  std::optional<Left> deadline_due(CallId token);
  std::optional<Left> overdue(CallId token);  // before the timer says so; nothing: it is in time
  std::optional<Left> cancel(CallId token);
  bool has_turn(CallId token) const;
  std::vector<Left> give_up_all();  // this process is about to end: those that nobody will hear of
  // The pause is over after which it is tried again.
  enum class Retry : std::uint8_t {
    kNone,         // it has ended, or stands behind others
    kHasItsPlace,  // to be routed, and placed() afterwards
    kMayMoveOn,    // if may_move_on()
  };
  Retry retry_due(CallId token);

  // ---- to read ----
  const PendingCalls& pending() const { return pending_; }
  const CallOrder& order() const { return order_; }
  std::size_t unfinished() const;
  void check() const;  // ends the process if an invariant does not hold, as far as it can be seen here

 private:
  bool takes_its_place(CallId token);
  Left give_up(CallId token, Outcome outcome, Reason reason);
  void retry_later(CallId token, PendingCall& pending, Answer why);
  void put_aside(CallId token, PendingCall& pending, Answer why);
  Answer late(const PendingCall& pending) const;
  Left leave(CallId token, const PendingCall& pending, Answer answer);
  Answer out_of_time(const PendingCall& pending) const;
  Answer out_of_time_in_order(const PendingCall& pending) const;
  std::string detail_of(const PendingCall& pending, Reason reason) const;
  std::string detail_of_loss(const Call& call, const Forward& forward, const std::string& error) const;
  std::string detail_of_silence(const PendingCall& pending) const;

  const NodeConfig& config_;
  Context& context_;
  Timers& timers_;
  const CallFacts& facts_;
  PendingCalls pending_;
  CallOrder order_;
  std::optional<OrderId> advancing_;  // the order that is looked at, until its first call has to wait
  RetryBudget retry_budget_;
  Forwards forwards_;
  ServiceTimes service_times_;  // of the calls that wait for actors, here or in order_
};

}  // namespace ringside::core
