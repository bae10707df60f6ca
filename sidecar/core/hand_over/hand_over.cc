#include "sidecar/core/hand_over/hand_over.h"

#include "sidecar/base/check.h"

namespace ringside::core {
namespace {

constexpr Duration kRepeat{200'000};
constexpr Duration kLeastBetween{2'000};
constexpr Duration kMostBetween{48'000};  // calls may wait for it

}  // namespace

HandOver::HandOver() : spacing_(kLeastBetween, kMostBetween) {}

void HandOver::add(const Claim& claim, Instant now) {
  entries_[claim.id] = {claim.epoch, {}, {}};
  next_ = now;
}

void HandOver::check() const {
  for (const auto& [id, entry] : entries_) RINGSIDE_CHECK(id != 0 && entry.epoch != 0);
}

HandOver::Due HandOver::due(Instant now, const SuccessorsOf& successors_of) {
  Due due;
  if (!is_due(now)) return due;
  if (now < spacing_.next()) {
    due.next = spacing_.next();
    return due;
  }
  next_ = now + kRepeat;
  for (const auto& [id, entry] : entries_) {
    bool known = true;
    for (const Successor& successor : successors_of(id)) {
      const std::string& host = successor.host;
      if (entry.took.contains(host) || (entry.declined.contains(host) && !successor.ring_owner)) continue;
      known = false;
      if (successor.may_be_told) due.tell[host].push_back({id, entry.epoch});
    }
    if (known) due.over.push_back({id, entry.epoch});
  }
  for (const Claim& claim : due.over) entries_.erase(claim.id);
  if (!due.tell.empty()) spacing_.sent(now);
  return due;
}

void HandOver::answered(const std::string& successor, const std::vector<Claim>& claims, ReplyStatus status, Instant now,
                        const std::function<bool(ActorId)>& is_ring_owner) {
  for (const Claim& claim : claims) {
    const auto found = entries_.find(claim.id);
    if (found == entries_.end() || found->second.epoch != claim.epoch) continue;
    if (status == ReplyStatus::kOk) {
      found->second.took.insert(successor);
    } else if (status == ReplyStatus::kStale) {
      found->second.declined.insert(successor);
    }
    // The ring owner itself is right to refuse once it has taken a joiner in: it is told again later.
    if (status == ReplyStatus::kOk || (status == ReplyStatus::kStale && !is_ring_owner(claim.id))) next_ = now;
  }
}

}  // namespace ringside::core
