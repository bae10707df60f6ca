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

void UnverifiedClaims::ask(About& about, Said said) {
  for (const Claim& claim : said.claims) about.asked_ids.insert(claim.id);
  about.asked.push_back(std::move(said));
}

UnverifiedClaims::Next UnverifiedClaims::add(const std::string& host, Said said) {
  About& about = about_[host];
  const bool idle = about.asked.empty();
  const bool too_many = about.later.size() >= kMost || about.waiting_ids + said.claims.size() > kMostIds;
  if (!idle && too_many) return Next::kRefuse;
  about.waiting_ids += said.claims.size();
  if (!idle) {
    about.later.push_back(std::move(said));
    return Next::kWait;
  }
  ask(about, std::move(said));
  return Next::kAsk;
}

void UnverifiedClaims::holds(const std::string& host, const std::vector<ActorId>& ids) {
  const auto found = about_.find(host);
  RINGSIDE_CHECK(found != about_.end());
  std::copy_if(ids.begin(), ids.end(), std::inserter(found->second.held, found->second.held.end()),
               [&](ActorId id) { return found->second.asked_ids.contains(id); });
}

UnverifiedClaims::Answered UnverifiedClaims::answered(const std::string& host) {
  const auto found = about_.find(host);
  RINGSIDE_CHECK(found != about_.end() && !found->second.asked.empty());
  About& about = found->second;
  about.asked_ids.clear();
  for (const Said& said : about.asked) about.waiting_ids -= said.claims.size();
  return {std::exchange(about.asked, {}), std::exchange(about.held, {})};
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
  for (Said& said : std::exchange(found->second.later, {})) ask(found->second, std::move(said));
  if (!found->second.asked.empty()) return true;
  about_.erase(found);
  return false;
}

}  // namespace ringside::core
