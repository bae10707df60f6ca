// The calls that have come to this host and have not been answered: where each one is on its way, and what was tried.
//
// Invariants
//  1. A call that began ends once: by end().
//  2. waiting() are exactly the calls in stage kWaiting, in the order in which they came.
//  3. bytes() is the weight of all calls that have not ended.
// Loop thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sidecar/base/check.h"
#include "sidecar/base/result.h"
#include "sidecar/core/call.h"
#include "sidecar/core/calls/admission.h"
#include "sidecar/core/taken_out.h"
#include "sidecar/core/timer_queue.h"

namespace ringside::core {

enum class CallStage : std::uint8_t {
  kRouting,     // it is being decided where it goes
  kInOrder,     // behind earlier calls of its actor from here (call_order.h)
  kWaiting,     // until the view changes, or until it is tried again
  kAside,       // the app could not take it just now: it is tried again after a pause
  kForwarding,  // sent to another host
  kQueued,      // at an actor here, behind its turn
  kTurn,        // with the app
};

struct PendingCall {
  CallPtr call;
  CallStage stage = CallStage::kRouting;  // set by PendingCalls::enter alone
  TurnId turn;                            // in stage kTurn
  ForwardId forward;                      // in stage kForwarding
  TimerHandle deadline = kNoTimer;
  TimerHandle retry = kNoTimer;
  Instant held_until = kNever;
  std::uint32_t attempts = 0;
  bool counted = false;  // in its actor's share of what may wait
  // One of the attempts may have been carried out: no later answer can say that it surely was not.
  bool may_have_happened = false;
  std::string last_host;  // to which it was sent last
  Answer last;            // why it could not be delivered so far
};

class PendingCalls {
 public:
  using Ended = TakenOut<std::unordered_map<CallId, PendingCall>>;

  explicit PendingCalls(std::size_t queue_bytes) : admission_(queue_bytes) {}

  // It is among the calls from now on; an answer: it is to end with that at once.
  base::Result<void, Answer> begin(CallId token, CallPtr call);
  // Takes it out; nothing: it has ended before. Its timers are the caller's to cancel.
  Ended end(CallId token);
  void enter(CallId token, PendingCall& pending, CallStage stage);
  void enter(CallId token, CallStage stage) { enter(token, at(token), stage); }

  PendingCall* find(CallId token) {
    const auto found = calls_.find(token);
    return found == calls_.end() ? nullptr : &found->second;
  }
  const PendingCall* find(CallId token) const { return const_cast<PendingCalls*>(this)->find(token); }
  const PendingCall& at(CallId token) const {  // one that has not ended
    const PendingCall* pending = find(token);
    RINGSIDE_CHECK(pending != nullptr);
    return *pending;
  }
  PendingCall& at(CallId token) { return const_cast<PendingCall&>(std::as_const(*this).at(token)); }
  const std::set<CallId>& waiting() const { return waiting_; }
  std::vector<CallId> in_stage(CallStage stage) const;  // in the order in which they came
  std::size_t size() const { return calls_.size(); }
  std::size_t bytes() const { return admission_.bytes(); }
  template <typename Visit>
  void each(const Visit& visit) const {  // in no order
    for (const auto& [token, pending] : calls_) visit(token, pending);
  }
  void check() const;  // ends the process if invariant 2 or 3 does not hold

 private:
  Admission admission_;
  std::unordered_map<CallId, PendingCall> calls_;
  std::set<CallId> waiting_;
};

}  // namespace ringside::core
