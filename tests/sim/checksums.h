// The checksums of many runs' traces, as a file keeps them: a line for each seed. Where one has changed, the core
// behaves otherwise than when the file was written, which a change that only moves code must not.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace ringside::sim {

using Checksums = std::map<std::uint64_t, std::uint64_t>;  // by seed

// Empty where there is no such file, or it holds anything else.
Checksums read_checksums(const std::string& path);
// False: it cannot be written.
bool write_checksums(const std::string& path, const Checksums& checksums);
// A line for a person for each seed of `now` that `kept` does not have, or has with another checksum.
std::string differences(const Checksums& kept, const Checksums& now);

}  // namespace ringside::sim
