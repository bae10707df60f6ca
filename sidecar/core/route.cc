#include "sidecar/core/route.h"

#include "sidecar/base/check.h"
#include "sidecar/core/hash.h"

namespace ringside::core {
namespace {

// --peer-apply own: a peer that keeps another ring has sent the call here, because by that ring it belongs here. What a
// living member is known to hold is that member's.
bool owns_by_legacy_word(const Call& call, const RouteFacts& facts) {
  if (!facts.peer_apply_own || call.origin != Origin::kPeer || call.hops) return false;
  const std::string* holder = facts.hints.find(call.id);
  return facts.cluster.phase() == Phase::kReady && (holder == nullptr || facts.cluster.run_of(*holder) == nullptr);
}

}  // namespace

Route route_of(const Call& call, const RouteFacts& facts) {
  const ClusterView& cluster = facts.cluster;
  const auto wait_for = [](Reason reason) { return Route{Route::Kind::kWait, reason, nullptr, 0}; };
  const auto fail = [](Reason reason) { return Route{Route::Kind::kFail, reason, nullptr, 0}; };
  // What is sent to a host that is silent may get lost with it; what waits is sent to whoever comes after it.
  const auto forward_to = [&](const HostRun* run, Epoch epoch) {
    RINGSIDE_CHECK(run != nullptr);
    if (cluster.is_suspected(run->host)) return wait_for(Reason::kPeerUnreachable);
    return Route{Route::Kind::kForward, Reason::kNone, run, epoch};
  };
  if (cluster.confirming()) return wait_for(Reason::kNotReady);
  if (!facts.quorum) return fail(Reason::kNoQuorum);
  const Epoch named = call.target ? call.target->epoch : 0;
  if (const Actor* actor = facts.actors.find(call.id)) {
    if (named != 0 && named != actor->epoch) return fail(Reason::kNotMine);
    return {Route::Kind::kHere, Reason::kNone, nullptr, actor->epoch};
  }
  if (named != 0) {
    // Its ring owner has granted it, and sends calls already: the grant is on its way.
    return facts.grants.asked_for(Claim{call.id, named}) ? wait_for(Reason::kOwnershipMoving) : fail(Reason::kNotMine);
  }

  const std::string* owner = cluster.owner(call.id);
  if (owner == nullptr) {
    if (!cluster.joined()) return wait_for(Reason::kNotReady);
    // Others know, or will, who comes after this host.
    if (facts.closing) return fail(Reason::kShuttingDown);
    // An app, or hosts, that are restarted are back soon.
    if (facts.has_app && !facts.app_up) return wait_for(Reason::kAppDown);
    return wait_for(facts.comes_back ? Reason::kNotReady : Reason::kNoOwner);
  }
  const bool mine = *owner == cluster.self().host || owns_by_legacy_word(call, facts);
  if (mine) {
    if (const std::optional<DisplacedActivation> elsewhere = facts.displaced.find(call.id)) {
      if (const HostRun* holder = cluster.run_of(elsewhere->holder.host)) {
        return forward_to(holder, elsewhere->epoch);
      }
    }
    const bool open = cluster.phase() == Phase::kReady && !facts.inventory.in_doubt(hash_id(call.id));
    if (!open) return wait_for(cluster.joined() ? Reason::kOwnershipMoving : Reason::kNotReady);
    const HostRun* granter = cluster.run_of(*owner);  // not of what is this host's own by the ring
    const bool asks = granter != nullptr && granter->generation != 0 && !facts.grants.granted(call.id);
    return {asks ? Route::Kind::kAskForIt : Route::Kind::kClaim, Reason::kNone, nullptr, 0};
  }
  // Off the ring, but the successor may not know yet that it is one.
  const bool leaving = facts.has_app && !on_ring(cluster.phase());
  if (leaving && !cluster.leave_seen_by(*owner)) return wait_for(Reason::kOwnershipMoving);
  // Only the first host follows a hint: two that hint at each other would send a call in circles.
  const bool first = call.origin == Origin::kLocal || (facts.peer_apply_own && !call.hops);
  const std::string* hinted = first ? facts.hints.find(call.id) : nullptr;
  if (hinted != nullptr) {
    const HostRun* run = cluster.run_of(*hinted);
    if (run != nullptr && !cluster.is_suspected(*hinted)) return forward_to(run, 0);
  }
  // Whoever sent it here followed a hint, and had it perhaps from that very legacy host, which would send it there
  // again.
  if (facts.peer_apply_own && call.hops && cluster.is_legacy_member(*owner)) return fail(Reason::kNotMine);
  return forward_to(cluster.run_of(*owner), 0);
}

}  // namespace ringside::core
