// What a host tells about itself, as JSON: the same on the local and on the admin listener.
//
// 64-bit numbers are strings, epochs are numbers (below 2^53). Every state names whose view it is and how old it is.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "sidecar/core/ports.h"

namespace ringside::wire {

nlohmann::json placement_json(const core::Placement& place);
// {"members":[...],"others":[...],"ring","settled","view_of","not_ready_because"}; others: no members, and why.
nlohmann::json members_json(const core::Gateway& gateway);
nlohmann::json ring_json(const core::Gateway& gateway);    // {"points","ring","hosts":[{"host","share"}],"view_of"}
nlohmann::json status_json(const core::Gateway& gateway);  // this host, its counts, its members

std::string hex(core::Hash fingerprint);  // 16 digits

}  // namespace ringside::wire
