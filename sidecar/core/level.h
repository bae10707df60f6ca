// How much a line of the log matters. One list for the core, the log and the setting --log-level.
#pragma once

#include <cstdint>

namespace ringside::core {

enum class Level : std::uint8_t { kDebug, kInfo, kWarn, kError };

}  // namespace ringside::core
