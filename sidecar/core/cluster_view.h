// What the parts may know of the cluster, to read and not to change: who this host is, who is a member, and who owns an
// id. The membership knows; a part never sees more of it than this.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "sidecar/core/peer_messages.h"
#include "sidecar/core/types.h"

namespace ringside::core {

// Who may activate an id next, when an activation of this host ends.
struct Successors {
  std::set<std::string> hosts;
  bool one_serves = false;  // not all of them are joiners; or a legacy host owns the id, which is none of them
};

class ClusterView {
 public:
  virtual ~ClusterView() = default;

  // ---- this host ----
  virtual const HostRun& self() const = 0;
  virtual Phase phase() const = 0;
  virtual bool joined() const = 0;
  virtual bool confirming() const = 0;  // it was stopped, and serves nothing before the others have answered

  // ---- members ----
  virtual const HostRun* run_of(const std::string& host) const = 0;    // nullptr: it is not one
  virtual std::vector<HostRun> runs() const = 0;                       // by name
  virtual bool is_suspected(const std::string& host) const = 0;        // nothing is sent to it for now
  virtual std::uint64_t actors_of(const std::string& host) const = 0;  // active there, as it said last; of a member
  virtual Standing standing_of(const Sender& sender) const = 0;
  virtual bool leave_seen_by(const std::string& host) const = 0;

  // ---- owners ----
  virtual const std::string* owner(ActorId id) const = 0;  // by the ring; nullptr: nobody is on it
  virtual Successors successors(ActorId id) const = 0;
  virtual bool is_successor(ActorId id) const = 0;

  bool owns(ActorId id) const { return is_owner(self().host, id); }
  bool is_owner(const std::string& host, ActorId id) const {
    const std::string* named = owner(id);
    return named != nullptr && *named == host;
  }
  bool is_legacy_member(const std::string& host) const {
    const HostRun* run = run_of(host);
    return run != nullptr && run->generation == 0;
  }
};

}  // namespace ringside::core
