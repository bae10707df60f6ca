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

Route place_of(const Call& call, const RouteFacts& facts) {
  const ClusterView& cluster = facts.cluster;
  const auto wait_for = [](Rule rule, Reason reason) { return Route{Route::Kind::kWait, rule, reason, nullptr, 0}; };
  const auto fail = [](Rule rule, Reason reason) { return Route{Route::Kind::kFail, rule, reason, nullptr, 0}; };
  // What is sent to a host that is silent may get lost with it; what waits is sent to whoever comes after it.
  const auto forward_to = [&](Rule rule, const HostRun* run, Epoch epoch) {
    RINGSIDE_CHECK(run != nullptr);
    if (cluster.is_suspected(run->host)) return Route{Route::Kind::kWait, rule, Reason::kPeerUnreachable, run, epoch};
    return Route{Route::Kind::kForward, rule, Reason::kNone, run, epoch};
  };
  const Actor* actor = facts.actors.find(call.id);
  const Epoch active = actor != nullptr ? actor->epoch : Epoch(0);
  const Epoch named = call.target ? call.target->epoch : 0;
  if (named != 0 && named != active) {
    // Its ring owner has granted it, and sends calls already: the grant is on its way.
    const bool is_granted = active == 0 && facts.grants.asked_for(Claim{call.id, named});
    return is_granted ? wait_for(Rule::kNamed, Reason::kOwnershipMoving) : fail(Rule::kNamed, Reason::kNotMine);
  }
  if (actor != nullptr) return {Route::Kind::kHere, Rule::kClaim, Reason::kNone, nullptr, active};

  const std::string* owner = cluster.owner(call.id);
  if (owner == nullptr) {
    if (!cluster.joined()) return wait_for(Rule::kNoOwner, Reason::kNotReady);
    // Others know, or will, who comes after this host.
    if (facts.closing) return fail(Rule::kNoOwner, Reason::kShuttingDown);
    // An app, or hosts, that are restarted are back soon.
    if (facts.has_app && !facts.app_up) return wait_for(Rule::kNoOwner, Reason::kAppDown);
    return wait_for(Rule::kNoOwner, facts.comes_back ? Reason::kNotReady : Reason::kNoOwner);
  }
  const bool mine = *owner == cluster.self().host || owns_by_legacy_word(call, facts);
  if (!mine) {
    // Off the ring, but the successor may not know yet that it is one.
    const bool leaving = facts.has_app && !on_ring(cluster.phase());
    if (leaving && !cluster.leave_seen_by(*owner)) return wait_for(Rule::kLeaving, Reason::kOwnershipMoving);
    // Only the first host follows a hint: two that hint at each other would send a call in circles.
    const bool first = call.origin == Origin::kLocal || (facts.peer_apply_own && !call.hops);
    const std::string* hinted = first ? facts.hints.find(call.id) : nullptr;
    if (hinted != nullptr) {
      const HostRun* run = cluster.run_of(*hinted);
      if (run != nullptr && !cluster.is_suspected(*hinted)) return forward_to(Rule::kHint, run, 0);
    }
    // Whoever sent it here followed a hint, and had it perhaps from that very legacy host, which would send it there
    // again.
    if (facts.peer_apply_own && call.hops && cluster.is_legacy_member(*owner)) {
      return fail(Rule::kSentBack, Reason::kNotMine);
    }
    return forward_to(Rule::kRing, cluster.run_of(*owner), 0);
  }
  if (const std::optional<DisplacedActivation> elsewhere = facts.displaced.find(call.id)) {
    if (const HostRun* holder = cluster.run_of(elsewhere->holder.host)) {
      return forward_to(Rule::kStray, holder, elsewhere->epoch);
    }
  }
  const Reason not_yet = cluster.joined() ? Reason::kOwnershipMoving : Reason::kNotReady;
  if (cluster.phase() != Phase::kReady) return wait_for(Rule::kNotReady, not_yet);
  if (facts.inventory.in_doubt(hash_id(call.id))) return wait_for(Rule::kInDoubt, not_yet);
  const HostRun* granter = cluster.run_of(*owner);  // not of what is this host's own by the ring
  const bool asks = granter != nullptr && granter->generation != 0 && !facts.grants.granted(call.id);
  if (asks) return {Route::Kind::kAskForIt, Rule::kGrant, Reason::kNone, nullptr, 0};
  return {Route::Kind::kClaim, Rule::kFree, Reason::kNone, nullptr, 0};
}

Route route_of(const Call& call, const RouteFacts& facts) {
  if (facts.cluster.confirming()) return {Route::Kind::kWait, Rule::kStopped, Reason::kNotReady, nullptr, 0};
  if (!facts.quorum) return {Route::Kind::kFail, Rule::kQuorum, Reason::kNoQuorum, nullptr, 0};
  return place_of(call, facts);
}

const char* to_string(Route::Kind kind) {
  switch (kind) {
    case Route::Kind::kHere:
      return "here";
    case Route::Kind::kClaim:
      return "claim";
    case Route::Kind::kAskForIt:
      return "ask";
    case Route::Kind::kForward:
      return "forward";
    case Route::Kind::kWait:
      return "wait";
    case Route::Kind::kFail:
      return "fail";
  }
  return "";
}

}  // namespace ringside::core
