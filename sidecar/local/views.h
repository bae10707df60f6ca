// What this host tells about itself and what it sees, as JSON. Ids, generations and hashes are strings; epochs and
// counts are numbers; every answer says whose view it is.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sidecar/core/ports.h"
#include "sidecar/local/problem.h"

namespace ringside::local {

Json status_view(const core::Gateway& gateway, std::string_view version);
Json members_view(const core::Gateway& gateway, const std::string& view_version);
// Positions of every host, or of `only` alone; without `only` none on rings of more than 64 hosts.
Json ring_view(const core::Gateway& gateway, bool positions, const std::optional<std::string>& only);
Json placement_view(const core::Gateway& gateway, core::ActorId id, const std::string& name);
Json actors_view(const core::Gateway& gateway, std::size_t limit, core::ActorId after);
Json drain_view(const core::Gateway& gateway);

}  // namespace ringside::local
