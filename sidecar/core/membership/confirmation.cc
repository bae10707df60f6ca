#include "sidecar/core/membership/confirmation.h"

#include <utility>

#include "sidecar/base/check.h"

namespace ringside::core {

void Confirmation::begin(std::set<std::string> members, Instant now) {
  awaited_ = std::move(members);
  since_ = now;
}

bool Confirmation::answered(const std::string& host, Instant asked) { return asked >= since_ && gone(host); }

void Confirmation::check(const Members& members) const {
  for (const std::string& host : awaited_) RINGSIDE_CHECK(members.contains(host));
}

bool Confirmation::gone(const std::string& host) { return awaited_.erase(host) != 0 && awaited_.empty(); }

}  // namespace ringside::core
