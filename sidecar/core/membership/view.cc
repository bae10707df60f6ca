#include "sidecar/core/membership/view.h"

#include <algorithm>
#include <utility>

#include "sidecar/base/check.h"

namespace ringside::core {

View::View(const std::string& host, bool has_app, std::uint32_t points, std::uint32_t own_points)
    : has_app_(has_app), own_points_(own_points), self_{host, 0}, ring_(Ring::make({}, points)) {}

const Member* View::find(const std::string& host) const {
  const auto found = members_.find(host);
  return found == members_.end() ? nullptr : &found->second;
}

Member* View::find(const std::string& host) {
  const auto found = members_.find(host);
  return found == members_.end() ? nullptr : &found->second;
}

Member& View::at(const std::string& host) {
  Member* member = find(host);
  RINGSIDE_CHECK(member != nullptr);
  return *member;
}

Successors View::successors(ActorId id) const {
  Successors successors;
  ring_->walk(id, [&](const std::string& host) {
    const Member* member = find(host);
    if (member == nullptr) return false;
    if (!member->legacy()) successors.hosts.insert(host);
    successors.one_serves = member->phase != Phase::kJoining;
    return !successors.one_serves;
  });
  return successors;
}

bool View::is_successor(ActorId id) const {
  bool mine = false;
  ring_->walk(id, [&](const std::string& host) {
    mine = host == self_.host;
    const Member* member = find(host);
    return member != nullptr && !member->legacy() && member->phase == Phase::kJoining;
  });
  return mine;
}

void View::begin_run(Generation generation) {
  RINGSIDE_CHECK(generation > self_.generation);
  self_.generation = generation;
}

Ring::Ptr View::set_phase(Phase phase) {
  phase_ = phase;
  return follow(self_.host, self_on_ring(), own_points_);
}

Ring::Ptr View::admit(const HostRun& run, Phase phase, bool routes_only, std::uint32_t points) {
  RINGSIDE_CHECK(run.host != self_.host);
  const auto [place, is_new] = members_.try_emplace(run.host);
  RINGSIDE_CHECK(is_new);
  Member& member = place->second;
  member.run = run;
  member.phase = phase;
  member.routes_only = routes_only;
  row_.insert(place_in_row(run.host), &member);
  member.tells_points = points != 0;
  member.points = member.tells_points ? points : ring_->points_per_host();
  return follow(run.host, member.on_ring(), member.points);
}

View::Removed View::remove(const std::string& host) {
  RINGSIDE_CHECK(find(host) != nullptr);
  row_.erase(place_in_row(host));
  auto node = members_.extract(host);
  const std::uint32_t points = node.mapped().points;
  return {std::move(node.mapped()), follow(host, false, points)};
}

View::Advance View::advance(Member& member, Phase phase) {
  if (phase == member.phase || member.legacy()) return {};
  const bool was_on_ring = member.on_ring();
  // A host that states a generation and no phase would count as one that is on the ring.
  if (!was_on_ring && (on_ring(phase) || phase == Phase::kUnspecified)) return {};
  Advance result{true, std::exchange(member.phase, phase), was_on_ring && !member.on_ring(), nullptr};
  if (result.left_ring) result.ring_before = follow(member.run.host, false, member.points);
  return result;
}

std::vector<const Member*>::iterator View::place_in_row(const std::string& host) {
  return std::lower_bound(row_.begin(), row_.end(), host,
                          [](const Member* member, const std::string& name) { return member->run.host < name; });
}

// Brings the one host that changed onto the ring, or takes it off.
Ring::Ptr View::follow(const std::string& host, bool wanted, std::uint32_t points) {
  if (wanted == ring_->contains(host)) return nullptr;
  return std::exchange(ring_, wanted ? ring_->with(host, points) : ring_->without(host));
}

// Both are in the order of names: one walk along both, as it is done at every change.
void View::check() const {
  RINGSIDE_CHECK(self_on_ring() == ring_->contains(self_.host));
  RINGSIDE_CHECK(std::equal(row_.begin(), row_.end(), members_.begin(), members_.end(),
                            [](const Member* one, const auto& other) { return one == &other.second; }));
  auto on_ring = ring_->hosts().begin();
  const auto end = ring_->hosts().end();
  for (const auto& [host, member] : members_) {
    if (on_ring != end && *on_ring == self_.host) ++on_ring;
    if (!member.on_ring()) continue;
    RINGSIDE_CHECK(on_ring != end && *on_ring == host);
    ++on_ring;
  }
  if (on_ring != end && *on_ring == self_.host) ++on_ring;
  RINGSIDE_CHECK(on_ring == end);
}

}  // namespace ringside::core
