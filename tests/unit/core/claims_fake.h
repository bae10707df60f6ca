// What is active here, as a test wants it.
#pragma once

#include <functional>
#include <map>
#include <optional>

#include "sidecar/core/local_claims.h"

namespace ringside::core {

class ClaimsFake final : public LocalClaims {
 public:
  std::map<ActorId, Epoch> claims;

  std::optional<Epoch> epoch_of(ActorId id) const override {
    const auto found = claims.find(id);
    return found == claims.end() ? std::nullopt : std::optional(found->second);
  }
  void each_claim_above(ActorId after, const std::function<bool(const Claim&)>& visit) const override {
    for (auto at = claims.upper_bound(after); at != claims.end() && visit({at->first, at->second}); ++at) {
    }
  }
};

}  // namespace ringside::core
