// What this host tells about its ring, its actors and its drain, as JSON; the rest is wire/status_json.h.
#pragma once

#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "sidecar/core/ports.h"

namespace ringside::local {

// With the positions of every host, or of `only` alone; without `only` there are none on rings of more than 64 hosts.
nlohmann::json ring_view(const core::HostReader& gateway, bool positions, const std::optional<std::string>& only);
nlohmann::json actors_view(const core::HostReader& gateway, std::size_t limit, core::ActorId after);
nlohmann::json drain_view(const core::HostReader& gateway);

}  // namespace ringside::local
