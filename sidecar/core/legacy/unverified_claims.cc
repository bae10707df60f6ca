#include "sidecar/core/legacy/unverified_claims.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "sidecar/base/check.h"

namespace ringside::core {

std::vector<Claim> UnverifiedClaims::Said::borne_out_by(const std::unordered_set<ActorId>& held) const {
  std::vector<Claim> so;
  std::copy_if(claims.begin(), claims.end(), std::back_inserter(so),
               [&](const Claim& claim) { return held.contains(claim.id) != expiry; });
  return so;
}

UnverifiedClaims::Next UnverifiedClaims::add(const std::string& host, Said said) {
  About& about = about_[host];
  if (about.later.size() >= kMost) return Next::kRefuse;
  if (!about.asked.empty()) {
    about.later.push_back(std::move(said));
    return Next::kWait;
  }
  about.asked.push_back(std::move(said));
  return Next::kAsk;
}

std::vector<UnverifiedClaims::Said> UnverifiedClaims::answered(const std::string& host) {
  const auto found = about_.find(host);
  RINGSIDE_CHECK(found != about_.end() && !found->second.asked.empty());
  return std::exchange(found->second.asked, {});
}

void UnverifiedClaims::check() const {
  for (const auto& [host, about] : about_) {
    RINGSIDE_CHECK(!about.asked.empty());
    RINGSIDE_CHECK(about.asked.size() <= kMost && about.later.size() <= kMost);
  }
}

bool UnverifiedClaims::ask_again(const std::string& host) {
  const auto found = about_.find(host);
  RINGSIDE_CHECK(found != about_.end());
  found->second.asked = std::exchange(found->second.later, {});
  if (!found->second.asked.empty()) return true;
  about_.erase(found);
  return false;
}

}  // namespace ringside::core
