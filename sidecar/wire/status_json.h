// What a host tells about itself, as JSON: the same on the local and on the admin listener.
//
// Ids, generations and fingerprints are strings; counts and epochs (below 2^53) are numbers. Every state names whose
// view it is and how old it is: age_ms is the time since the host in question last answered, 0 for this host's own
// state, null where it has never been heard.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "sidecar/core/ports.h"

namespace ringside::wire {

// What an actor that is active here does: epoch, name, turn and how long it has run, how many wait.
nlohmann::json actor_json(const core::ActorStatus& actor);

nlohmann::json placement_json(const core::HostReader& gateway, const core::Placement& place);
// {"members":[...],"others":[...],"ring","settled","view_of","not_ready_because"}; others: no members, and why.
nlohmann::json members_json(const core::HostReader& gateway);
nlohmann::json ring_json(
    const core::HostReader&
        gateway);  // {"points","ring","hosts":[{"host","share","points","age_ms"}],"view_of","age_ms"}
nlohmann::json status_json(const core::HostReader& gateway);  // this host, its counts, its members

std::string hex(std::uint64_t number);  // 16 digits

// One of the others, for a person: "10.0.0.8 is not a member: no answer yet". It may be a source that names nobody.
std::string about_other(std::string_view host, std::string_view problem);

}  // namespace ringside::wire
