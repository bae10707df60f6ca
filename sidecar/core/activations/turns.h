// The turns under way, and which actors wait until there is room for one more.
//
// A bound (--max-actors-in-flight) holds for turns that nobody waits for. A turn waits for the calls that it makes, so
// these find room beyond it, up to a second bound. A turn may also wait without saying so: where all are taken and none
// has ended for a while, some more begin, ever more until something moves (docs/actors_that_call_actors.md).
//
// Invariants
//  1. A turn that began ends once: by end().
//  2. An actor has one turn under way at most; whoever begins one sees to that.
// Loop thread only.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <string>
#include <unordered_map>

#include "sidecar/core/call.h"
#include "sidecar/core/taken_out.h"
#include "sidecar/core/timer_queue.h"
#include "sidecar/core/types.h"

namespace ringside::core {

struct Turn {
  ActorId actor = 0;
  Epoch epoch = 0;  // of the activation
  CallId call;      // none: the caller has heard already
  CallPtr asked;    // what it is for, also when the caller has heard: for people
  Instant began;
  Instant told_until;  // so much of it is in the context's HotActors
  TimerHandle timeout = kNoTimer;
  std::string idempotency_key;  // under which the answer is kept
  Fingerprint fingerprint = 0;
  std::string link;  // of this turn, in the chains of the calls that it makes
};

class Turns {
 public:
  // `most`: turns that nobody waits for; `most_of_all`: all together.
  Turns(std::size_t most, std::size_t most_of_all) : most_(most), most_of_all_(most_of_all) {}

  using Ended = TakenOut<std::unordered_map<TurnId, Turn>>;

  Turn& begin(TurnId token, ActorId actor, CallId call, Instant now);
  Ended end(TurnId token, Instant now);  // nothing: it was over before
  Turn* find(TurnId token);
  const Turn& at(TurnId token) const;  // one that is under way
  void forget_caller(TurnId token);    // its call has been answered; the turn goes on
  std::size_t size() const { return turns_.size(); }
  template <typename Visit>
  void each(const Visit& visit) {
    for (auto& [token, turn] : turns_) visit(turn);
  }
  template <typename Visit>
  void each(const Visit& visit) const {  // in no order
    for (const auto& [token, turn] : turns_) visit(token, turn);
  }

  bool has_room_for(const Call& call) const;
  bool has_room_for_none() const { return turns_.size() >= most_of_all_; }
  // Whether some more may begin from now on, since none has ended for so long. Asked from time to time.
  bool make_room(Instant now);

  // Actors that have a call and no room for its turn, in the order in which they came.
  void await_room(ActorId actor) { waiting_.push_back(actor); }
  const std::deque<ActorId>& awaiting_room() const { return waiting_; }
  void pop_awaiting_room() { waiting_.pop_front(); }

 private:
  const std::size_t most_, most_of_all_;
  std::size_t extra_ = 0;  // beyond most_, since none of those ended
  Instant last_end_;
  std::unordered_map<TurnId, Turn> turns_;
  std::deque<ActorId> waiting_;
};

}  // namespace ringside::core
