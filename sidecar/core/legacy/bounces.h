// Calls that a legacy host sent here and that by our ring belong to a legacy host. Such a host passes no hop count on,
// so two that keep different rings would send a call in circles for ever: of each id only a few are under way at a
// time. Loop thread only.
#pragma once

#include <cstddef>
#include <map>

#include "sidecar/core/types.h"

namespace ringside::core {

class LegacyBounces {
 public:
  static constexpr int kMostOfAnId = 4;
  static constexpr std::size_t kMostDisputed = 4096;
  static constexpr Duration kRemembered{1'000'000};

  // False: too many of this id are under way, which is a disagreement about the ring; it is remembered for a second.
  bool begin(ActorId id, Instant now);
  void end(ActorId id);
  bool first(ActorId id) const;  // of those under way
  std::size_t size() const { return under_way_.size(); }
  // This host has just refused calls of this id for a disagreement. A legacy host passes such a refusal on without its
  // trailers, and then it comes back here.
  bool disputed(ActorId id, Instant now) const;

 private:
  std::map<ActorId, int> under_way_;
  std::map<ActorId, Instant> disputed_;  // until then
};

}  // namespace ringside::core
