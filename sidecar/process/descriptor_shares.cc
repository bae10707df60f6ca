#include "sidecar/process/descriptor_shares.h"

#include <algorithm>

#include <dirent.h>
#include <sys/resource.h>

namespace ringside::process {

namespace {

// Listening sockets, the resolver's, refusals that are being told, a folder or file that is read for a moment.
constexpr std::size_t kReserve = 24;
constexpr std::size_t kMostConnections = 10'000;  // of one kind
constexpr std::size_t kMostPeers = 256;
constexpr rlim_t kMostWanted = 65'536;

}  // namespace

DescriptorShares share_descriptors(std::size_t limit, std::size_t open) {
  const std::size_t taken = open + kReserve;
  const std::size_t free = limit > taken ? limit - taken : 0;
  DescriptorShares shares;
  shares.admin = std::clamp<std::size_t>(free / 10, 4, 64);
  shares.app = std::clamp<std::size_t>(free / 4, 4, kMostConnections);
  shares.peer = std::clamp<std::size_t>(free / 4, 4, kMostConnections);
  const std::size_t to_peers = std::clamp<std::size_t>(free / 8, 4, kMostPeers);
  shares.unexpected_peers = std::max<std::size_t>(2, to_peers / 4);
  const std::size_t others = shares.admin + shares.app + to_peers + shares.peer;
  shares.local = std::clamp<std::size_t>(free > others ? free - others : 0, 4, kMostConnections);
  return shares;
}

std::size_t descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  rlimit most = limit;
  most.rlim_cur = std::max(limit.rlim_cur, std::min(limit.rlim_max, kMostWanted));
  return ::setrlimit(RLIMIT_NOFILE, &most) == 0 ? most.rlim_cur : limit.rlim_cur;
}

std::size_t open_descriptors() {
  DIR* folder = ::opendir("/proc/self/fd");
  if (folder == nullptr) return 0;
  std::size_t entries = 0;
  while (::readdir(folder) != nullptr) ++entries;
  ::closedir(folder);
  return entries - 3;  // ".", ".." and the folder itself
}

}  // namespace ringside::process
