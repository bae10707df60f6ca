// Whether another host belongs to this host's cluster, by what it says of itself and of its ring.
//
// Hosts of different clusters, or with different numbers of points, would disagree about every owner: they never become
// members of one another. Pure functions; each returns why not, for a person, or an empty text: it does.
#pragma once

#include <string>

#include "sidecar/core/membership/config.h"
#include "sidecar/core/peer_messages.h"

namespace ringside::core {

// By its answer to a ping. A legacy host names no cluster, and states no generation.
std::string why_stranger(const MembershipConfig& config, const PingAnswer& says);
// By its wish to be taken in.
std::string why_mismatched(const MembershipConfig& config, const Sender& sender, const JoinRequest& request);
// By what it says when names are exchanged. A legacy host states neither its cluster nor its points.
std::string why_mismatched(const MembershipConfig& config, const NegotiateRequest& request);

}  // namespace ringside::core
