// When a member is suspected, and when it is taken for dead.
//
// After SWIM (Das et al. 2002) and Lifeguard (Dadgar et al. 2017): others are asked before a silent host is taken for
// dead, and a host that was itself late does not accuse. For --dead-after D of silence, without --quorum:
//
//   silence  0 ........ D/2 .................. D ................................ 3 D
//            heard      suspected: no calls    dead, unless a witness heard it    dead
//                       go there, witnesses    within the last D
//                       are asked
//
// A refused connection says at once that no process is there: the second one in a row is death.
//
// Invariants
//  1. Silence counts from the last moment at which the member, or nobody here, could have spoken. One that is not
//     watched is silent from the first ping on that it has not answered, however long ago it was heard.
//  2. With --quorum a majority declares death half of --dead-after later than a minority notices that it is one.
// It keeps nothing but its times: what is known of a member's life is in the Member. Loop thread only.
#pragma once

#include <cstdint>

#include "sidecar/core/membership/member.h"
#include "sidecar/core/types.h"

namespace ringside::core {

class FailureDetector {
 public:
  FailureDetector(Duration dead_after, std::uint32_t quorum) : dead_after_(dead_after), quorum_(quorum) {}

  // ---- what is heard, or not ----
  // It is pinged now.
  void asked(Member& member, Instant now) const;
  // A ping that was sent then has been answered. True: the member was suspected.
  bool answered(Member& member, Instant sent, Instant now) const;
  // A connection was refused. True: the member is dead.
  bool connection_refused(Member& member) const;
  // Another member asks about it, and so has not heard it for half of the time that is death. One that is asked rarely
  // here has been silent for so long, unless it answers the ping that is under way.
  void missed_elsewhere(Member& member, Instant now) const;
  // It is watched from now on, or is not any more.
  void watch(Member& member, bool watched, Instant now) const;
  // A witness heard it last at that moment.
  void heard_elsewhere(Member& member, Instant when) const;
  // What was not heard until now says nothing: this host could not have heard it.
  void excuse(Member& member, Instant now) const;
  void excuse_for(Member& member, Duration lag, Instant now) const;

  // ---- what follows ----
  Duration silence(const Member& member, Instant now) const;
  // Others are to be asked whether they hear it; not again for a while once suspect() was called.
  bool is_due_for_witnesses(const Member& member, Instant now) const;
  bool suspect(Member& member, Instant now) const;  // true: it was not suspected before
  bool is_dead(const Member& member, Instant now) const;
  Duration declares_dead_after() const;
  // Of hosts heard of late, this one included. Nothing is excused here: however late this host is, the majority is not.
  bool has_quorum(const Members& members, Instant now) const;

 private:
  Duration dead_after_;
  std::uint32_t quorum_;
};

}  // namespace ringside::core
