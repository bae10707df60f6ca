// Activations that have ended here with answers that whoever activates the actor next must know: those under
// idempotency keys. The claim stays until each successor says that it has them, and each is told again until it does.
//
// A successor is whoever may activate the id next: the ring owner, and beside a ring owner that is still joining also
// whoever owns the id without it.
// Loop thread only.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "sidecar/core/peer_messages.h"
#include "sidecar/core/spacing.h"
#include "sidecar/core/types.h"

namespace ringside::core {

class HandOver {
 public:
  struct Successor {
    std::string host;
    bool ring_owner = false;
    bool may_be_told = false;  // it knows that it is one
  };
  using SuccessorsOf = std::function<std::vector<Successor>(ActorId)>;
  struct Due {
    Instant next = kNever;                           // something is to be said, and not before then
    std::map<std::string, std::vector<Claim>> tell;  // by successor
    std::vector<Claim> over;                         // every successor knows: these are no longer kept here
  };

  HandOver();

  void add(const Claim& claim, Instant now);
  // Who succeeds whom may have changed: looked at again at once.
  void look_again(Instant now) { next_ = now; }
  bool is_due(Instant now) const { return !entries_.empty() && now >= next_; }
  // What is to be said now, if it is due. What is said counts as said.
  Due due(Instant now, const SuccessorsOf& successors_of);
  // A successor refuses rightly (kStale) where it takes another for the owner; that counts while this host does so too.
  void answered(const std::string& successor, const std::vector<Claim>& claims, ReplyStatus status, Instant now,
                const std::function<bool(ActorId)>& is_ring_owner);
  void clear() { entries_.clear(); }

  bool contains(ActorId id) const { return entries_.contains(id); }
  std::size_t size() const { return entries_.size(); }
  void check() const;  // ends the process if something is handed over that has not been an activation

 private:
  struct Entry {
    Epoch epoch = 0;
    std::set<std::string> took, declined;
  };

  std::map<ActorId, Entry> entries_;
  Spacing spacing_;
  Instant next_;
};

}  // namespace ringside::core
