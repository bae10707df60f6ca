// What a node keeps of the things that are under way.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sidecar/core/membership/member.h"

namespace ringside::core {

inline constexpr std::uint64_t kUnasked = ~std::uint64_t{0};

struct NodeQuestion {
  enum class About : std::uint8_t { kInventory, kAnnouncement } about;
  std::string host;
  Generation generation = 0;
  std::uint64_t inventory = 0;  // its number; kUnasked: ids beside any inventory
  std::vector<Claim> claims;
};
}  // namespace ringside::core
