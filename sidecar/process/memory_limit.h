// The least of the memory limits of this process's control groups (version 2 or 1); nothing where there is none.
// `proc` and `mounted`: where the kernel says which groups, and their limits.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace ringside::process {

std::optional<std::size_t> memory_limit(const std::string& proc = "/proc/self/cgroup",
                                        const std::string& mounted = "/sys/fs/cgroup");

}  // namespace ringside::process
