// Node: what is said in the name of a legacy host (legacy/unverified_claims.h).
#include "sidecar/core/node.h"

namespace ringside::core {

void Node::verified(const LegacyHosts::Verified& verified) {
  for (const LegacyHosts::Verified::Claims& said : verified.said) {
    if (said.claims.empty()) {
      answer(said.token, said.refusal);
    } else if (said.expiry) {
      std::vector<ActorId> ids;
      ids.reserve(said.claims.size());
      for (const Claim& claim : said.claims) ids.push_back(claim.id);
      hear_expiries(verified.host.host, ids);
      answer(said.token, AckAnswer{true, "", {}});
    } else {
      answer(said.token, hear_claims(verified.host, said.claims, true));
    }
  }
  legacy_.ask_back_further(verified.host.host);
}

}  // namespace ringside::core
