// Durations and sizes as people write them: always with a unit.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace ringside::base {

// "500ms", "30s", "1.5s", "1h30m": units h m s ms in falling order, each at most once; "0s" is zero. nullopt: anything
// else, what is not a whole number of milliseconds, or more than 10,000 hours.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
std::string format_duration(std::chrono::milliseconds value);  // negative values count as zero

// "512B", "64KiB", "4MiB", "1GiB". nullopt: anything else, or more than 2^60.
std::optional<std::size_t> parse_size(std::string_view text);
std::string format_size(std::size_t bytes);  // in the largest unit that leaves a whole number

}  // namespace ringside::base
