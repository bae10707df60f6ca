// How long the calls of an actor that has a line take of late: so that one whose deadline would pass first is refused
// while its caller can still do something about it, and does not waste the turn of one that could succeed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <unordered_map>

#include "sidecar/core/call.h"
#include "sidecar/core/types.h"

namespace ringside::core {

// Only actors that have or lately had a line are kept. What counts is the shortest of late: a call that was held up
// once says nothing about the rest.
class Pace {
 public:
  // A call begins to wait for this actor.
  void joined(ActorId id, Instant now);
  // The app has answered one, so long after it was sent.
  void took(ActorId id, Duration time, Instant now);

  // Whether a call may join a line of so many: its length is bounded, and the call's own turn has to be expected to end
  // before its deadline.
  std::optional<Answer> no_room(const Call& call, std::size_t ahead, std::size_t most, Instant now) const;
  // At the head of a line, for what has waited too long: a turn that must end after the deadline would only keep others
  // from theirs.
  std::optional<Answer> too_late(const Call& call, Instant now) const;

  // 0: not known.
  Duration of_one(ActorId id) const;
  Duration of(ActorId id, std::size_t calls) const { return of_one(id) * static_cast<Duration::rep>(calls); }
  std::size_t size() const { return lines_.size(); }

 private:
  struct Line {
    Instant used;
    Duration before = Duration::max();    // shortest of the last whole block
    Duration shortest = Duration::max();  // of this block
    int seen = 0;                         // in this block
  };
  void sweep(Instant now);

  std::unordered_map<ActorId, Line> lines_;
  std::size_t sweep_at_ = 1024;
};

}  // namespace ringside::core
