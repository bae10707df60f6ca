// The clocks of the members: how far each may have come, and whose wall clock is wrong (docs/decisions/0009).
//
// What counts for epochs is how far a clock has come, whoever set it. What a wall clock shows tells only whose is
// wrong: where most hosts agree it is the few, and this host may be one of them.
//
// Invariants
//  1. Whatever a member may have issued until it was taken off the ring is below this host's next epoch (pass()).
//  2. A clock too far ahead is never followed, unless it is within what this host reckoned with for that member.
// The state of one member's clock is in its Member; what those who took this host in told of others is here. Loop
// thread only.
#pragma once

#include "sidecar/core/membership/epoch_clock.h"
#include "sidecar/core/membership/member.h"
#include "sidecar/core/peer_messages.h"
#include "sidecar/core/types.h"

namespace ringside::core {

class MemberClocks {
 public:
  explicit MemberClocks(EpochClock& own) : own_(own) {}

  void begin_run() { furthest_ = {}; }
  // This host's own wall clock may be wrong as well: what the middle one of all members' clocks shows is not from the
  // future, and neither is what a member reckons with.
  void judge(const Members& members, Now now);
  // What a member said of its clock when it answered. False: too far ahead, and not followed.
  bool read(Member& member, const PingAnswer& says, Instant now);
  // It is taken off the ring: whatever it issued since its last answer must stay below what replaces it. It may have
  // heard from any other since, and followed that one's clock.
  void pass(const Member& gone, const Members& others, Instant now);

  // How far the clocks of this host and all members may be: for a joiner.
  ClockReading furthest(const Members& members, Instant now) const;
  // The same, as a host says that took this one in.
  void hear_furthest(const ClockReading& said, Duration round_trip);
  // Of members that were gone before this host could ask them it knows only that: silent for so long.
  void pass_unmet(Duration silence) { own_.pass(own_.furthest(furthest_, silence)); }

 private:
  ClockReading furthest(const Member& member, Instant now) const;

  EpochClock& own_;
  EpochClock::Bound furthest_;  // of any clock that those who took this host in know of
};

}  // namespace ringside::core
