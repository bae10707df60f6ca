// What the operator and the program say about this host's place in a cluster. Constant once the host has begun.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "sidecar/core/types.h"

namespace ringside::core {

inline constexpr std::uint32_t kDefaultPoints = 512;  // on the ring, of each host

struct MembershipConfig {
  std::string host;  // canonical
  std::string cluster = "default";
  std::string version;
  std::string zone;                       // that fails as one, for want of power or network; empty: not told
  std::uint32_t points = kDefaultPoints;  // of a host of weight 1
  std::uint32_t weight = kWeightOne;      // of this host
  bool has_app = true;
  bool accept_legacy = true;
  Duration ping_interval{500'000};
  Duration dead_after{2'500'000};
  Duration join_timeout{10'000'000};
  std::uint32_t min_members = 1;
  bool bootstrap_unlisted = false;  // may bootstrap a cluster although no source names anybody: --min-members was given
  std::uint32_t quorum = 0;

  std::uint32_t own_points() const {
    const std::uint64_t thousandths = std::uint64_t{points} * weight;
    return static_cast<std::uint32_t>(std::max<std::uint64_t>(1, (thousandths + kWeightOne / 2) / kWeightOne));
  }
};

}  // namespace ringside::core
