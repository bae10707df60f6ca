#include "sidecar/core/membership/member_clocks.h"

#include <algorithm>
#include <vector>

namespace ringside::core {
namespace {

std::int64_t in_ms(Instant when) { return when.time_since_epoch().count() / 1000; }

ClockReading further(const ClockReading& one, const ClockReading& other) {
  return {std::max(one.epoch, other.epoch), std::max(one.by_time, other.by_time)};
}

}  // namespace

void MemberClocks::judge(const Members& members, Now now) {
  const std::int64_t mono_ms = in_ms(now.mono);
  std::vector<std::int64_t> walls{now.wall_ms};
  std::int64_t furthest = 0;
  for (const auto& [host, member] : members) {
    if (member.wall_lead_ms) walls.push_back(mono_ms + *member.wall_lead_ms);
    if (member.clock.epoch != 0) furthest = std::max(furthest, mono_ms + member.clock.lead_ms);
  }
  // Of two the one that shows less.
  const auto middle = walls.begin() + static_cast<std::ptrdiff_t>((walls.size() - 1) / 2);
  std::nth_element(walls.begin(), middle, walls.end());
  own_.judge_by(std::max(*middle, furthest));
}

bool MemberClocks::read(Member& member, const PingAnswer& says, Instant now) {
  const ClockReading& clock = says.clock;
  if (says.unix_time != 0) member.wall_lead_ms = says.unix_time * 1000 - in_ms(now);
  if (clock.epoch == 0) return true;
  // One that goes on as clocks do is followed, although this host's own may have been set back meanwhile.
  const bool goes_on = member.clock.epoch != 0 && own_.follow(clock.epoch, member.clock, now - member.lease);
  if (!goes_on && !own_.observe(clock.epoch)) return false;
  member.clock = own_.bound(clock, member.rtt);
  return true;
}

void MemberClocks::pass(const Member& gone, const Members& others, Instant now) {
  own_.pass(further(furthest(others, now), furthest(gone, now)));
}

ClockReading MemberClocks::furthest(const Members& members, Instant now) const {
  ClockReading most = own_.reading_in_full();
  for (const auto& [host, member] : members) most = further(most, furthest(member, now));
  return most;
}

ClockReading MemberClocks::furthest(const Member& member, Instant now) const {
  return own_.furthest(member.clock, now - member.lease);
}

void MemberClocks::hear_furthest(const ClockReading& said, Duration round_trip) {
  if (!own_.too_far_ahead(said.epoch)) furthest_.widen(own_.bound(said, round_trip));
}

}  // namespace ringside::core
