// Node: ids that the ring owner grants to another host (legacy/ownership_grants.h).
#include <algorithm>

#include "sidecar/core/node.h"

namespace ringside::core {

// The call waits meanwhile, like all others of this id.
void Node::adopt(ActorId id) {
  const std::string* owner = membership_.ring()->owner(id);
  if (grants_.asked_for(id) || owner == nullptr) return;
  const std::vector<Claim> claims{{id, clock_.next()}};
  grants_.ask(claims.front());
  const QuestionId token = context_.next<QuestionId>();
  asked_[token] = {NodeQuestion::About::kAdoption, *owner, 0, 0, claims};
  const HostRun& self = membership_.self();
  context_.effects.push_back(
      AskPeer{token, *owner, OwnershipRequest{self.host, self.generation, claims, true}, config_.dead_after});
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

void Node::adoption_answered(const NodeQuestion& asked, const PeerAnswer& answer) {
  const Claim& claim = asked.claims.front();
  const auto* ack = std::get_if<AckAnswer>(&answer);
  if (ack != nullptr && ack->accepted) {
    // What waits for it is routed at the end of this event, and claims it.
    topology_changed_ = grants_.grant(claim) || topology_changed_;
    return;
  }
  if (!grants_.refuse(claim) || ack == nullptr || ack->rejected.empty()) return;  // the next call asks again
  hints_.put(claim.id, ack->rejected.front().owner);
  topology_changed_ = true;
}

}  // namespace ringside::core
