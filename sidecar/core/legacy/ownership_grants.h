// --peer-apply own: a peer that keeps another ring takes this host for the owner of an id that by our ring is another
// Ringside host's. That one would claim the id at its next touch, so it is asked first. It grants what it does not hold
// and knows nobody to hold, and sends later calls here.
//
// An id is asked for, then granted or refused; a grant is used by the claim that it allows, or dropped at the end of
// the event that brought it, where whoever wanted it has gone. Loop thread only.
#pragma once

#include <cstddef>
#include <map>
#include <optional>

#include "sidecar/core/peer_messages.h"
#include "sidecar/core/types.h"

namespace ringside::core {

class OwnershipGrants {
 public:
  bool asked_for(ActorId id) const { return grants_.contains(id); }
  bool asked_for(const Claim& claim) const;  // this very activation
  bool granted(ActorId id) const;

  void ask(const Claim& claim);     // one that is not asked for
  bool grant(const Claim& claim);   // false: it is not asked for any more
  bool refuse(const Claim& claim);  // false: it is not asked for any more
  std::optional<Epoch> use(ActorId id);
  void drop_unused();

  std::size_t size() const { return grants_.size(); }

 private:
  struct Grant {
    Epoch epoch = 0;
    bool granted = false;
  };
  std::map<ActorId, Grant> grants_;
};

}  // namespace ringside::core
