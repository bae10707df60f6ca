// What one host is told when it is made: time-outs, and the bound of every queue and table.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sidecar/core/membership_config.h"
#include "sidecar/core/peer_messages.h"

namespace ringside::core {

struct NodeConfig : MembershipConfig {
  Duration idle_timeout{1'800'000'000};
  Duration hold_timeout{2'000'000};
  Duration turn_timeout{60'000'000};
  Duration drain_timeout{25'000'000};
  std::size_t queue_per_actor = 1000;
  std::size_t queue_bytes = 64 << 20;
  std::size_t remembered_bytes = 32 << 20;  // answers for idempotency keys, of all actors here; half as much inherited
  std::size_t max_turns = 1024;             // under way at once, all actors together
  std::size_t most_turns = 8192;            // the same with calls that turns make, which those wait for
  std::size_t max_displaced = 10'000'000;
  std::size_t most_in_slice = kMostInSlice;  // ids that one event deals with, of a list or table that may have millions
  std::uint64_t asked_for_all_below = 65;    // so many actors is a member asked for all of them, and not by ranges
  bool peer_apply_own = false;               // --peer-apply own
};

}  // namespace ringside::core
