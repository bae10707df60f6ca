#include "sidecar/process/memory_limit.h"

#include <algorithm>
#include <fstream>

namespace ringside::process {

namespace {

// Version 1 writes a number near 2^63 for "no limit", version 2 a word.
constexpr std::size_t kNoLimit = std::size_t{1} << 60;

void take_least(const std::string& file, std::optional<std::size_t>& least) {
  std::ifstream in(file);
  std::size_t limit = 0;
  if (in >> limit && limit < kNoLimit) least = std::min(least.value_or(limit), limit);
}

}  // namespace

std::optional<std::size_t> memory_limit(const std::string& proc, const std::string& mounted) {
  std::optional<std::size_t> least;
  std::ifstream groups(proc);
  for (std::string line; std::getline(groups, line);) {
    // hierarchy:controllers:path; version 2 has hierarchy 0 and names no controllers.
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const bool version2 = controllers == ",,";
    if (!version2 && controllers.find(",memory,") == std::string::npos) continue;
    const std::string root = mounted + (version2 ? "" : "/memory");
    const std::string file = version2 ? "/memory.max" : "/memory.limit_in_bytes";
    // Every group above limits as well. In a container the path may be one that is not mounted: its root is.
    std::string path = line.substr(second + 1);
    while (!path.empty() && path != "/") {
      take_least(std::string(root).append(path).append(file), least);
      path.resize(path.rfind('/'));
    }
    take_least(root + file, least);
  }
  return least;
}

}  // namespace ringside::process
