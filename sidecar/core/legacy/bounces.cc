#include "sidecar/core/legacy/bounces.h"

namespace ringside::core {

bool LegacyBounces::begin(ActorId id, Instant now) {
  int& count = under_way_[id];
  if (count < kMostOfAnId) {
    ++count;
    return true;
  }
  std::erase_if(disputed_, [now](const auto& entry) { return entry.second < now; });
  if (disputed_.size() < kMostDisputed) disputed_[id] = now + kRemembered;
  return false;
}

void LegacyBounces::end(ActorId id) {
  const auto found = under_way_.find(id);
  if (found != under_way_.end() && --found->second == 0) under_way_.erase(found);
}

bool LegacyBounces::first(ActorId id) const {
  const auto found = under_way_.find(id);
  return found != under_way_.end() && found->second == 1;
}

bool LegacyBounces::disputed(ActorId id, Instant now) const {
  const auto found = disputed_.find(id);
  return found != disputed_.end() && now <= found->second;
}

}  // namespace ringside::core
