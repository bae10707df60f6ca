// What a node keeps of the things that are under way.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "sidecar/core/membership/member.h"

namespace ringside::core {

inline constexpr std::uint64_t kUnasked = ~std::uint64_t{0};

struct NodeQuestion {
  enum class About : std::uint8_t { kInventory, kAnnouncement, kExpiry, kHandOver, kAskBack, kAdoption } about;
  std::string host;
  Generation generation = 0;
  std::uint64_t inventory = 0;  // its number; kUnasked: ids beside any inventory
  std::vector<Claim> claims;
};
// What is to be said to a legacy host, until it has answered.
struct LegacyNews {
  bool ask_ids = false;
  std::set<ActorId> doubted;  // it may hold them no more
  std::vector<Claim> claims;  // of this host
};
}  // namespace ringside::core
