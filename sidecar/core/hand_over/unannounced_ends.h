// Activations that have ended here and of which the ring owners have yet to hear: an owner that did not would route
// calls here, and be sent back, for as long as this host lives. Loop thread only.
#pragma once

#include <cstddef>
#include <vector>

#include "sidecar/core/peer_messages.h"
#include "sidecar/core/spacing.h"
#include "sidecar/core/types.h"

namespace ringside::core {

class UnannouncedEnds {
 public:
  static constexpr std::size_t kMost = 100'000;  // beyond which what got lost is not said again

  struct Due {
    Instant next = kNever;      // something is to be said, and not before then
    std::vector<Claim> claims;  // to be said now: no longer kept here
  };

  UnannouncedEnds();

  void add(const Claim& claim) { claims_.push_back(claim); }
  void add_again(const std::vector<Claim>& claims, Instant now);  // nobody has answered
  bool is_due(Instant now) const { return !claims_.empty() && now >= next_; }
  Due due(Instant now);
  void sent(Instant now) { spacing_.sent(now); }

  std::size_t size() const { return claims_.size(); }

 private:
  std::vector<Claim> claims_;
  Spacing spacing_;
  Instant next_;
};

}  // namespace ringside::core
