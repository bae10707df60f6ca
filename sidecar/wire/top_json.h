// The actors of a host that have the most to do, as JSON (docs/protocol.md): the same on the local and on the admin
// listener.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "sidecar/base/result.h"
#include "sidecar/core/ports.h"

namespace ringside::wire {

inline constexpr std::size_t kMostTop = 100;

// ?n= of the query: how many actors each list is to have, 10 where nothing is said. The error says what is allowed.
base::Result<std::size_t, std::string> read_top_count(std::string_view query);
// Looking begins the recording, and keeps it going.
nlohmann::json top_json(core::Gateway& gateway, std::size_t most);

}  // namespace ringside::wire
