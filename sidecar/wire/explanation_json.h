// Where an actor is and why, as JSON (docs/protocol.md): the same on the local and on the admin listener.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "sidecar/core/explanation.h"
#include "sidecar/core/ports.h"

namespace ringside::wire {

// What a call asks for, in few words and without anything that may be a secret: "POST add" (no query), or "a batch".
std::string asked_by(const core::Call& call);
// Of its traceparent (W3C Trace Context); empty: it has none.
std::string trace_id_of(const core::Call& call);
// In words what its turn was asked for, where the call itself is known.
void put_into_words(core::ActivationFacts& activation);

nlohmann::json explained_json(const core::HostReader& gateway, const core::Explained& explained);

}  // namespace ringside::wire
