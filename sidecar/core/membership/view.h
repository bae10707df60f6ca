// This host's view: itself, the members, and the ring that follows from both.
//
// Invariants
//  1. The ring has exactly the hosts that are on it by their phase: this one, once it has a run and an application,
//     while it is JOINING or READY, and each member whose on_ring() is true. A change returns the ring before it.
//  2. Within one generation no member comes back onto the ring.
//  3. A member's run, phase, routes_only and points are changed here alone. Whoever gets a Member may change the rest
//     of it.
// It knows nothing of time, of messages, or of how a member came to be one. Loop thread only.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "sidecar/core/cluster_view.h"
#include "sidecar/core/membership/member.h"
#include "sidecar/core/membership/ring.h"
#include "sidecar/core/peer_messages.h"
#include "sidecar/core/types.h"

namespace ringside::core {

class View {
 public:
  // `points`: of a host of weight 1. `own_points`: of this one.
  View(const std::string& host, bool has_app, std::uint32_t points, std::uint32_t own_points);

  const HostRun& self() const { return self_; }
  Phase phase() const { return phase_; }
  const Ring::Ptr& ring() const { return ring_; }
  const Members& members() const { return members_; }
  // The same in the same order. Who goes through all of them waits for memory less often than along the tree.
  const std::vector<const Member*>& row() const { return row_; }
  const Member* find(const std::string& host) const;  // nullptr: not a member
  Member* find(const std::string& host);
  Member& at(const std::string& host);  // of a host that is a member
  template <typename Visit>
  void each(const Visit& visit) {
    for (auto& [host, member] : members_) visit(member);
  }
  // The ring owner, and while that one is joining also whoever owns the id without it, as some member may not have
  // taken it in yet. Legacy hosts and this one are not among them.
  Successors successors(ActorId id) const;
  // This host is the ring owner, or would be without the joiners before it.
  bool is_successor(ActorId id) const;

  // ---- changes: each returns the ring as it was before, or nullptr if it is still the same ----
  void begin_run(Generation generation);  // above the present one
  [[nodiscard]] Ring::Ptr set_phase(Phase phase);
  // The host is neither this one nor a member.
  // `points`: of its own; 0: it tells none, and has those of weight 1.
  [[nodiscard]] Ring::Ptr admit(const HostRun& run, Phase phase, bool routes_only, std::uint32_t points);
  struct Removed {
    Member member;
    Ring::Ptr ring_before;
  };
  [[nodiscard]] Removed remove(const std::string& host);  // a member
  // What a member says of its phase. One that says what cannot be (invariant 2) is overheard.
  struct Advance {
    bool advanced = false;
    Phase from = Phase::kUnspecified;
    bool left_ring = false;
    Ring::Ptr ring_before;
  };
  [[nodiscard]] Advance advance(Member& member, Phase phase);

  void check() const;  // ends the process if invariant 1 does not hold, or row() is not members()

 private:
  bool self_on_ring() const { return has_app_ && self_.generation != 0 && on_ring(phase_); }
  Ring::Ptr follow(const std::string& host, bool wanted, std::uint32_t points);
  std::vector<const Member*>::iterator place_in_row(const std::string& host);

  const bool has_app_;
  const std::uint32_t own_points_;
  HostRun self_;
  Phase phase_ = Phase::kJoining;
  Ring::Ptr ring_;
  Members members_;
  std::vector<const Member*> row_;  // into members_
};

}  // namespace ringside::core
