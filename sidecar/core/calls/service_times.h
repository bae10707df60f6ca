// How long the turns of an actor have taken lately, for actors that calls wait for: so that a call whose deadline would
// pass first is refused while its caller can still do something about it, and does not waste the turn of one that could
// succeed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <unordered_map>

#include "sidecar/base/result.h"
#include "sidecar/core/call.h"
#include "sidecar/core/types.h"

namespace ringside::core {

// Only actors that calls wait for, or did lately, are kept. What counts is the shortest lately: a call that was held up
// once says nothing about the rest.
class ServiceTimes {
 public:
  // A call begins to wait for this actor.
  void joined(ActorId id, Instant now);
  // The app has answered one, so long after it was sent.
  void took(ActorId id, Duration time, Instant now);

  // Whether a call may join a queue with so many calls `ahead` of it: they are fewer than `most`, and its own turn can
  // be expected to end before its deadline.
  base::Result<void, Answer> has_room(const Call& call, std::size_t ahead, std::size_t most, Instant now) const;
  // At the head of a queue, for what has waited too long: a turn that must end after the deadline would only keep
  // others from theirs.
  base::Result<void, Answer> is_in_time(const Call& call, Instant now) const;

  // 0: not known.
  Duration of_one(ActorId id) const;
  Duration of(ActorId id, std::size_t calls) const { return of_one(id) * static_cast<Duration::rep>(calls); }
  std::size_t size() const { return actors_.size(); }

 private:
  struct Recent {
    Instant used;
    Duration before = Duration::max();    // shortest of the last whole block
    Duration shortest = Duration::max();  // of this block
    int seen = 0;                         // in this block
  };
  void sweep(Instant now);

  std::unordered_map<ActorId, Recent> actors_;
  std::size_t sweep_at_ = 1024;
};

}  // namespace ringside::core
