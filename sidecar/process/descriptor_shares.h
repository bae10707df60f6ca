// Who may have how many of this process's file descriptors, so that a flood at one listener leaves the others, the
// peers and the app what they need.
#pragma once

#include <cstddef>

namespace ringside::process {

struct DescriptorShares {
  std::size_t admin = 0;             // accepted connections
  std::size_t peer = 0;              // accepted connections
  std::size_t local = 0;             // accepted connections, of all local listeners together
  std::size_t app = 0;               // connections to the app; some are kept for those to other hosts besides
  std::size_t unexpected_peers = 0;  // of these, to hosts that are not members, and that the operator has not named
};

// Divides `limit`, less what is `open` already and a reserve. Every share is at least a few, however low the limit is.
DescriptorShares share_descriptors(std::size_t limit, std::size_t open);

// RLIMIT_NOFILE, raised as far as this process may: a shell's 1024 is for programs that use select().
std::size_t descriptor_limit();
// How many this process has open.
std::size_t open_descriptors();

}  // namespace ringside::process
