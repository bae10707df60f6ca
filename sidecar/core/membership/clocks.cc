// Membership: hosts whose wall clocks are far apart (docs/decisions/0009). What counts for epochs is how far a clock
// has come, whoever set it; what a wall clock shows tells only whose is wrong.
#include <algorithm>
#include <vector>

#include "sidecar/core/membership/membership.h"

namespace ringside::core {

// This host's own clock may be wrong as well: what the middle one of all members' wall clocks shows is no clock from
// the future, and neither is what a member reckons with.
void Membership::judge_clocks_by_most() {
  const std::int64_t mono_ms = now().time_since_epoch().count() / 1000;
  std::vector<std::int64_t> walls{context_.now.wall_ms};
  std::int64_t furthest = 0;
  for (const auto& [host, member] : members_) {
    if (member.wall_lead_ms) walls.push_back(mono_ms + *member.wall_lead_ms);
    if (member.clock.epoch != 0) furthest = std::max(furthest, mono_ms + member.clock.lead_ms);
  }
  // Of two the one that shows less.
  const auto middle = walls.begin() + static_cast<std::ptrdiff_t>((walls.size() - 1) / 2);
  std::nth_element(walls.begin(), middle, walls.end());
  clock_.judge_by(std::max(*middle, furthest));
}

void Membership::read_clock(Member& member, const PingAnswer& says) {
  const ClockReading& clock = says.clock;
  if (says.unix_time != 0) {
    member.wall_lead_ms = says.unix_time * 1000 - now().time_since_epoch().count() / 1000;
  }
  if (clock.epoch == 0) return;
  // One that goes on as clocks do is followed, although this host's own may have been set back meanwhile.
  const bool goes_on = member.clock.epoch != 0 && clock_.follow(clock.epoch, member.clock, now() - member.lease);
  if (!goes_on && !clock_.observe(clock.epoch)) {
    context_.log(Level::kWarn, "clock_ahead", {{"host", member.run.host}});
    return;
  }
  member.clock = clock_.bound(clock, member.rtt);
}

std::size_t Membership::hosts_with(Candidate::Clock clock) const {
  return static_cast<std::size_t>(
      std::count_if(candidates_.begin(), candidates_.end(), [this, clock](const auto& entry) {
        const Candidate& candidate = entry.second;
        return candidate.state == Candidate::State::kForeign && candidate.clock == clock && heard_of_late(candidate);
      }));
}

// Of two hosts whose clocks differ nobody can tell whose is wrong; of more, the few are. They must not serve beside the
// others, which do not take them in.
bool Membership::clock_behind_most() const { return hosts_with(Candidate::Clock::kAhead) > members_.size() + 1; }

// A few hosts with a wrong clock hold up nobody. Where they serve, this host gives them time to find out that they are
// the few, unless members that know nothing of them have taken it in.
bool Membership::blocks_by_clock(const Candidate& candidate) const {
  if (hosts_with(Candidate::Clock::kBehind) >= members_.size() + 1) return true;
  const bool in_time = now() - candidate.behind_since <= config_.join_timeout;
  return candidate.serves && in_time && (candidate.named || !taken_in());
}

}  // namespace ringside::core
