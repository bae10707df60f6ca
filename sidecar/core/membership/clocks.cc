// Membership: hosts whose wall clocks are far apart (docs/decisions/0009). What counts for epochs is how far a clock
// has come, whoever set it; what a wall clock shows tells only whose is wrong.
#include <algorithm>
#include <vector>

#include "sidecar/core/membership/membership.h"

namespace ringside::core {

std::size_t Membership::hosts_with(Candidate::Clock clock) const {
  return static_cast<std::size_t>(
      std::count_if(candidates_.begin(), candidates_.end(), [this, clock](const auto& entry) {
        const Candidate& candidate = entry.second;
        return candidate.state == Candidate::State::kForeign && candidate.clock == clock && heard_of_late(candidate);
      }));
}

// Of two hosts whose clocks differ nobody can tell whose is wrong; of more, the few are. They must not serve beside the
// others, which do not take them in.
bool Membership::clock_behind_most() const { return hosts_with(Candidate::Clock::kAhead) > members().size() + 1; }

// A few hosts with a wrong clock hold up nobody. Where they serve, this host gives them time to find out that they are
// the few, unless members that know nothing of them have taken it in.
bool Membership::blocks_by_clock(const Candidate& candidate) const {
  if (hosts_with(Candidate::Clock::kBehind) >= members().size() + 1) return true;
  const bool in_time = now() - candidate.behind_since <= config_.join_timeout;
  return candidate.serves && in_time && (candidate.named || !taken_in());
}

}  // namespace ringside::core
