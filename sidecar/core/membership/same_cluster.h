// Whether another host belongs to this host's cluster, and whether it is the one that was asked: by what it says of
// itself.
//
// Hosts of different clusters, or with different numbers of points, would disagree about every owner: they never become
// members of one another. Pure functions; the error says why not, for a person.
#pragma once

#include <cstdint>
#include <string>

#include "sidecar/base/result.h"
#include "sidecar/core/membership_config.h"
#include "sidecar/core/peer_messages.h"

namespace ringside::core {

// By its answer to a ping. A legacy host names no cluster, and states no generation.
base::Result<void, std::string> is_of_cluster(const MembershipConfig& config, const PingAnswer& says);
// By its wish to be taken in.
base::Result<void, std::string> is_of_cluster(const MembershipConfig& config, const Sender& sender,
                                              const JoinRequest& request);
// By what it says when names are exchanged. A legacy host states neither its cluster nor its points.
base::Result<void, std::string> is_of_cluster(const MembershipConfig& config, const NegotiateRequest& request);

// Who answers a ping at an address.
struct Answerer {
  enum class Kind : std::uint8_t {
    kNameless,   // its name is not one that a host can have
    kStranger,   // of another cluster
    kOwnName,    // it bears this host's name: this host, or a twin
    kElsewhere,  // this host's own name leads to another one
    kAlias,      // a host of this cluster under another name
    kAhead,      // of this cluster, and its clock is too far ahead to be followed
    kAsked,      // of this cluster, and the one that was asked
  };
  Kind kind = Kind::kAsked;
  std::string name;  // that it announces, in its canonical form
  std::string why;   // for a person: nameless, strange or ahead
};
Answerer who_answers(const MembershipConfig& config, const std::string& address, const PingAnswer& says,
                     bool is_clock_ahead);
std::string why_ahead(const MembershipConfig& config, const PingAnswer& says);

}  // namespace ringside::core
