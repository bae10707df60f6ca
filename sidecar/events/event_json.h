// One event as JSON, the same wherever it is told.
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "sidecar/events/history.h"

namespace ringside::events {

// Who looks: on this machine all is told; elsewhere single actors are not (decisions/0024).
enum class Sight : std::uint8_t { kHere, kElsewhere };

// {"number","time","kind","host","why","by"}, and where there are such: "lasted_ms", "count", "actor", "facts".
// `self`: this host, which an event is about, and whose word it is, where it names nobody else.
nlohmann::json event_json(const Recorded& one, const std::string& self, Sight sight);

std::string utc(std::int64_t wall_ms);  // "2026-11-23T14:03:11.482Z"

}  // namespace ringside::events
