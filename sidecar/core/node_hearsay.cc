// Node: what is said in the name of a legacy host (legacy/unverified_claims.h).
#include <unordered_set>

#include "sidecar/core/node.h"

namespace ringside::core {

void Node::ask_back(const std::string& host, UnverifiedClaims::Said said) {
  const ReplyId by = said.token;
  switch (unverified_.add(host, std::move(said))) {
    case UnverifiedClaims::Next::kRefuse:
      return answer(by, AckAnswer{false, "too many announcements wait for the word of " + host, {}});
    case UnverifiedClaims::Next::kWait:
      return;
    case UnverifiedClaims::Next::kAsk:
      return ask_for_ids(host);
  }
}

void Node::ask_for_ids(const std::string& host) {
  const QuestionId token = context_.next<QuestionId>();
  asked_[token] = {NodeQuestion::About::kAskBack, host, 0, 0, {}};
  context_.effects.push_back(AskPeer{token, host, IdsRequest{}, config_.dead_after});
}

void Node::asked_back(const NodeQuestion& asked, const PeerAnswer& says) {
  const std::vector<UnverifiedClaims::Said> heard = unverified_.answered(asked.host);
  const auto* list = std::get_if<IdsAnswer>(&says);
  const Member* member = membership_.find(asked.host);
  std::unordered_set<ActorId> held;
  if (list != nullptr) held.insert(list->ids.begin(), list->ids.end());
  for (const UnverifiedClaims::Said& said : heard) {
    const std::vector<Claim> so = said.borne_out_by(held);
    if (list == nullptr || member == nullptr || !member->legacy() || so.empty()) {
      if (!said.expiry) context_.counters.announcements[1][0] += said.claims.size();
      answer(said.token, AckAnswer{false, asked.host + ", asked back, does not say so", {}});
    } else if (said.expiry) {
      std::vector<ActorId> ids;
      ids.reserve(so.size());
      for (const Claim& claim : so) ids.push_back(claim.id);
      hear_expiries(asked.host, ids);
      answer(said.token, AckAnswer{true, "", {}});
    } else {
      answer(said.token, hear_claims(member->run, so, true));
    }
  }
  if (unverified_.ask_again(asked.host)) ask_for_ids(asked.host);
}

}  // namespace ringside::core
