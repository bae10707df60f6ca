// Which ids are active on this host, and under which epochs: for the parts that compare them with what others hold, to
// read and not to change.
#pragma once

#include <functional>
#include <optional>

#include "sidecar/core/peer_messages.h"
#include "sidecar/core/types.h"

namespace ringside::core {

class LocalClaims {
 public:
  virtual ~LocalClaims() = default;

  virtual std::optional<Epoch> epoch_of(ActorId id) const = 0;  // nothing: it is not active here
  // In the order of their ids, above `after`, until `visit` returns false.
  virtual void each_claim_above(ActorId after, const std::function<bool(const Claim&)>& visit) const = 0;

  bool has(ActorId id) const { return epoch_of(id).has_value(); }
  bool holds(const Claim& claim) const { return epoch_of(claim.id) == claim.epoch; }
};

}  // namespace ringside::core
