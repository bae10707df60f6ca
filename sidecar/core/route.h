// Where a call goes next, by what this host knows at the moment. It changes nothing, so it may be asked at any time,
// and is asked again whenever something that it reads has changed.
#pragma once

#include <cstdint>

#include "sidecar/core/activations/actor_table.h"
#include "sidecar/core/cluster_view.h"
#include "sidecar/core/directory/displaced_activations.h"
#include "sidecar/core/directory/hints.h"
#include "sidecar/core/directory/inventory.h"
#include "sidecar/core/legacy/ownership_grants.h"
#include "sidecar/core/rule.h"

namespace ringside::core {

struct Route {
  enum class Kind : std::uint8_t {
    kHere,      // to the activation that is here
    kClaim,     // to one that begins here with this call
    kAskForIt,  // to one that begins here once the ring owner has granted it (legacy/ownership_grants.h)
    kForward,   // to another host
    kWait,      // nowhere yet, for `reason`
    kFail,      // nowhere, for `reason`
  } kind;
  Rule rule;  // that has decided it
  Reason reason = Reason::kNone;
  const HostRun* to = nullptr;  // that host, or a silent one that is awaited; as long as the view does not change
  Epoch epoch = 0;              // of the activation that is meant; 0: whichever there is
};

// What a route is decided by.
struct RouteFacts {
  const ClusterView& cluster;
  const ActorTable& actors;
  const Inventory& inventory;
  const DisplacedActivations& displaced;
  const Hints& hints;
  const OwnershipGrants& grants;
  bool has_app = true;
  bool app_up = true;
  bool quorum = true;           // there is one, where one is asked for
  bool closing = false;         // this process is about to end
  bool comes_back = false;      // this host is about to be on the ring again
  bool peer_apply_own = false;  // --peer-apply own
};

Route route_of(const Call& call, const RouteFacts& facts);
// Where the actor is, whether or not this host may route just now: all rules but the first two.
Route place_of(const Call& call, const RouteFacts& facts);

const char* to_string(Route::Kind kind);  // "forward"

}  // namespace ringside::core
