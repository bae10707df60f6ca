// Node: --peer-apply own. A peer that keeps another ring has resolved this host as the owner of an id that by our ring
// is another Ringside host's. That one would claim the id at its next touch, so it is asked first: it grants what it
// does not hold and knows nobody to hold, and sends later calls here, as with any stray.
#include <algorithm>

#include "sidecar/core/node.h"

namespace ringside::core {

bool Node::owns_by_legacy_word(const Call& call) const {
  if (!config_.peer_apply_own || call.origin != Origin::kPeer || call.hops) return false;
  const std::string* holder = hints_.find(call.id);  // what a living member is known to hold is that member's
  return membership_.phase() == Phase::kReady && (holder == nullptr || membership_.find(*holder) == nullptr);
}

// The call waits meanwhile, like all others of this id.
void Node::adopt(ActorId id) {
  const auto [entry, fresh] = adoptions_.try_emplace(id);
  const std::string* owner = membership_.ring()->owner(id);
  if (!fresh || owner == nullptr) return;
  entry->second.epoch = clock_.next();
  const Token token = context_.token();
  const std::vector<Claim> claims{{id, entry->second.epoch}};
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
    Stray stray;
    if (const Actor* actor = actors_.find(claim.id)) {
      ack.rejected.push_back({claim.id, membership_.self().host, actor->epoch});
    } else if (strays_.find(claim.id, stray) && stray.holder != by) {
      ack.rejected.push_back({claim.id, stray.holder.host, stray.epoch});
    } else if (!open || !strays_.put(claim.id, by, claim.epoch)) {
      ack.message = "not for this host to grant just now";
    }
  }
  ack.accepted = ack.rejected.empty() && ack.message.empty();
  return ack;
}

void Node::adoption_answered(const NodeQuestion& asked, const PeerAnswer& answer) {
  const ActorId id = asked.claims.front().id;
  const auto found = adoptions_.find(id);
  if (found == adoptions_.end() || found->second.epoch != asked.claims.front().epoch) return;
  const auto* ack = std::get_if<AckAnswer>(&answer);
  if (ack != nullptr && ack->accepted) {
    found->second.granted = true;
    topology_changed_ = true;  // what waits for it is routed at the end of this event, and claims it
    return;
  }
  adoptions_.erase(found);
  if (ack == nullptr || ack->rejected.empty()) return;  // the next call asks again
  hints_.put(id, ack->rejected.front().owner);
  topology_changed_ = true;
}

}  // namespace ringside::core
