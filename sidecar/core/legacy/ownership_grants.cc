#include "sidecar/core/legacy/ownership_grants.h"

#include "sidecar/base/check.h"

namespace ringside::core {

bool OwnershipGrants::asked_for(const Claim& claim) const {
  const auto found = grants_.find(claim.id);
  return found != grants_.end() && found->second.epoch == claim.epoch;
}

bool OwnershipGrants::granted(ActorId id) const {
  const auto found = grants_.find(id);
  return found != grants_.end() && found->second.granted;
}

void OwnershipGrants::ask(const Claim& claim) {
  const bool fresh = grants_.try_emplace(claim.id, Grant{claim.epoch, false}).second;
  RINGSIDE_CHECK(fresh);
}

bool OwnershipGrants::grant(const Claim& claim) {
  if (!asked_for(claim)) return false;
  grants_[claim.id].granted = true;
  return true;
}

bool OwnershipGrants::refuse(const Claim& claim) {
  if (!asked_for(claim)) return false;
  grants_.erase(claim.id);
  return true;
}

std::optional<Epoch> OwnershipGrants::use(ActorId id) {
  const auto grant = grants_.extract(id);
  return grant.empty() ? std::nullopt : std::optional(grant.mapped().epoch);
}

void OwnershipGrants::drop_unused() {
  std::erase_if(grants_, [](const auto& entry) { return entry.second.granted; });
}

}  // namespace ringside::core
