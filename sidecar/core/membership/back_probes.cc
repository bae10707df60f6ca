#include "sidecar/core/membership/back_probes.h"

#include <utility>

#include "sidecar/base/check.h"

namespace ringside::core {

BackProbes::Added BackProbes::add(const std::string& host, const WaitingRequest& request) {
  const auto found = waiting_.find(host);
  if (found == waiting_.end()) {
    if (waiting_.size() >= (request.from_elsewhere ? kMostFromElsewhere : kMost)) return Added::kNoRoom;
    waiting_[host].push_back(request);
    return Added::kFirst;
  }
  if (found->second.size() >= kMost) return Added::kNoRoom;
  found->second.push_back(request);
  return Added::kWaits;
}

void BackProbes::check() const {
  RINGSIDE_CHECK(waiting_.size() <= kMost);
  for (const auto& [host, requests] : waiting_) RINGSIDE_CHECK(!requests.empty() && requests.size() <= kMost);
}

std::vector<WaitingRequest> BackProbes::take(const std::string& host) {
  const auto found = waiting_.find(host);
  if (found == waiting_.end()) return {};
  std::vector<WaitingRequest> waited = std::move(found->second);
  waiting_.erase(found);
  return waited;
}

}  // namespace ringside::core
