#include "sidecar/core/membership/discovery_reading.h"

#include <algorithm>
#include <utility>

namespace ringside::core {

void DiscoveryReading::read(const std::vector<std::string>& addresses, const std::string& self, bool complete,
                            std::string missing) {
  missing_ = std::move(missing);
  if (!complete) return;
  counts_ = true;
  lists_self_ = std::find(addresses.begin(), addresses.end(), self) != addresses.end();
}

void DiscoveryReading::doubt(Instant now) {
  counts_ = false;
  next_ = now;
}

bool DiscoveryReading::begin_reading(Instant now, Duration pause) {
  if (next_ > now) return false;
  next_ = now + pause;
  return true;
}

}  // namespace ringside::core
