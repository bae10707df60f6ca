// Node: ids that the ring owner grants to another host (legacy/ownership_grants.h).
#include <algorithm>

#include "sidecar/core/node.h"

namespace ringside::core {

void Node::adopt(ActorId id) {
  if (!legacy_.grants().asked_for(id)) legacy_.ask_for({id, clock_.next()});
}

AckAnswer Node::adoption_asked(const HostRun& by, const std::vector<Claim>& claims) {
  AckAnswer ack;
  for (const Claim& claim : claims) {
    const std::string* owner = membership_.ring()->owner(claim.id);
    const bool open = owner != nullptr && *owner == membership_.self().host && membership_.phase() == Phase::kReady &&
                      !inventory_.in_doubt(hash_id(claim.id));
    const std::optional<Stray> stray = strays_.find(claim.id);
    if (const Actor* actor = actors_.find(claim.id)) {
      ack.rejected.push_back({claim.id, membership_.self().host, actor->epoch});
    } else if (stray && stray->holder != by) {
      ack.rejected.push_back({claim.id, stray->holder.host, stray->epoch});
    } else if (!open || !strays_.put(claim.id, by, claim.epoch)) {
      ack.message = "not for this host to grant just now";
    }
  }
  ack.accepted = ack.rejected.empty() && ack.message.empty();
  return ack;
}

void Node::grant_answered(const LegacyHosts::Granted& granted) {
  if (granted.elsewhere) hints_.put(granted.elsewhere->id, granted.holder);
  topology_changed_ = topology_changed_ || granted.reroute;
}

}  // namespace ringside::core
