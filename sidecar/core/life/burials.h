// Who has said how often that this host's run was buried, and how long this host rests before it begins the next one.
//
// Whoever says so may hold this host's ids by now, so it is always obeyed at once: nothing is served on. It cannot be
// verified (docs/decisions/0025). But each word of one host costs this host a longer rest, or one that lies, or cannot
// hear it, would have it join anew as often as it likes. The word of several hosts is that of each, and what was said
// long ago is forgotten.
// A plain value; loop thread only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>

#include "sidecar/core/types.h"

namespace ringside::core {

class Burials {
 public:
  static constexpr std::size_t kMost = 64;             // hosts that are remembered
  static constexpr Duration kRemembered{300'000'000};  // since a host said so last
  static constexpr unsigned kLongest = 4;              // times --dead-after

  struct Rest {
    unsigned times = 0;  // that host has said so, with this one
    Duration rest{0};
  };
  // The first word of a host is obeyed without a rest; after that --dead-after, twice as long, and so on.
  Rest said_by(const std::string& host, Instant now, Duration dead_after) {
    std::erase_if(said_, [now](const auto& entry) { return now - entry.second.last > kRemembered; });
    if (said_.size() >= kMost && !said_.contains(host)) {
      said_.erase(std::min_element(said_.begin(), said_.end(),
                                   [](const auto& a, const auto& b) { return a.second.last < b.second.last; }));
    }
    Said& said = said_[host];
    said.last = now;
    ++said.times;
    if (said.times == 1) return {1, Duration(0)};
    return {said.times, dead_after * std::min(kLongest, 1U << std::min(said.times - 2, 8U))};
  }

 private:
  struct Said {
    unsigned times = 0;
    Instant last;
  };
  std::map<std::string, Said> said_;
};

}  // namespace ringside::core
