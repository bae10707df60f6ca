// What was not applied, as JSON for people and scripts: the same from a listener and from a command that refuses before
// it asks one.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "sidecar/core/call.h"

namespace ringside::wire {

// A problem (RFC 9457) of type urn:ringside:<outcome>. `status`: of HTTP.
nlohmann::json problem_json(const core::Answer& answer, int status);

}  // namespace ringside::wire
