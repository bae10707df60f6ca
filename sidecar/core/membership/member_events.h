// What is told of members for people to look up later: each with the facts that whoever judged them had.
//
// Example, of a host that a network cut hides: "it has not answered for 2.5 s; 2 members were asked whether it is
// heard: 0 said yes, 1 said no (10.0.0.8), 1 did not answer; this host itself was late by 0.0 s at most".
#pragma once

#include <string>

#include "sidecar/core/host_event.h"
#include "sidecar/core/membership/member.h"
#include "sidecar/core/types.h"

namespace ringside::core::member_event {

HostEvent joined(const Member& member);
// `why`: as the log has it. `said_so`: the host itself has told that it would end. `late`: how late this host was
// itself.
HostEvent gone(const Member& member, Gone how, const std::string& why, bool said_so, Instant now, Duration late);
HostEvent suspected(const Member& member, Duration silence, Duration late);
HostEvent suspicion_ended(const std::string& host, const Suspicion& suspicion, const std::string& why,
                          const std::string& by, Instant now);
HostEvent phase_changed(const Member& member, Phase from);

}  // namespace ringside::core::member_event
