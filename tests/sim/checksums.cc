#include "tests/sim/checksums.h"

#include <fstream>
#include <iomanip>

namespace ringside::sim {

Checksums read_checksums(const std::string& path) {
  std::ifstream file(path);
  Checksums checksums;
  std::uint64_t seed = 0, checksum = 0;
  while (file >> std::dec >> seed >> std::hex >> checksum) checksums[seed] = checksum;
  return file.eof() ? checksums : Checksums();
}

bool write_checksums(const std::string& path, const Checksums& checksums) {
  std::ofstream file(path);
  for (const auto& [seed, checksum] : checksums) {
    file << std::dec << seed << ' ' << std::hex << std::setw(16) << std::setfill('0') << checksum << '\n';
  }
  return file.flush().good();
}

std::string differences(const Checksums& kept, const Checksums& now) {
  std::string text;
  for (const auto& [seed, checksum] : now) {
    const auto found = kept.find(seed);
    if (found == kept.end()) {
      text += "seed " + std::to_string(seed) + " has no checksum there\n";
    } else if (found->second != checksum) {
      text += "seed " + std::to_string(seed) + " runs otherwise: compare its --trace with that of an earlier build\n";
    }
  }
  return text;
}

}  // namespace ringside::sim
