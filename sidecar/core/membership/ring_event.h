// What is told of a change of the ring for people to look up later: who came or went, and how much moved. The two rings
// may be several changes apart.
#pragma once

#include <string>

#include "sidecar/core/host_event.h"
#include "sidecar/core/membership/ring.h"

namespace ringside::core {

// `self`: the host that tells it, and how its own share has changed.
HostEvent ring_event(const Ring& before, const Ring& after, const std::string& self);

}  // namespace ringside::core
