// Node: claims and expiries in the name of a legacy host that is known by a DNS name. A legacy host says no generation,
// and where a name leads, this host cannot tell: the host itself is asked what it holds (GetLocalActorIds), and only
// what its own list bears out counts.
#include <unordered_set>

#include "sidecar/core/node.h"

namespace ringside::core {
namespace {

constexpr std::size_t kMaxHearsay = 256;  // announcements that wait for one host's word

}  // namespace

// One question answers all that was said before it.
void Node::ask_back(const std::string& host, Hearsay said) {
  AskingBack& about = asking_back_[host];
  if (about.later.size() >= kMaxHearsay) {
    return answer(said.token, AckAnswer{false, "too many announcements wait for the word of " + host, {}});
  }
  about.later.push_back(std::move(said));
  if (about.asked.empty()) question(host, about);
}

void Node::question(const std::string& host, AskingBack& about) {
  about.asked = std::exchange(about.later, {});
  const Token token = context_.token();
  asked_[token] = {NodeQuestion::About::kAskBack, host, 0, 0, {}};
  context_.effects.push_back(AskPeer{token, host, IdsRequest{}, config_.dead_after});
}

void Node::asked_back(const NodeQuestion& asked, const PeerAnswer& says) {
  AskingBack& about = asking_back_[asked.host];
  const std::vector<Hearsay> heard = std::exchange(about.asked, {});
  const auto* list = std::get_if<IdsAnswer>(&says);
  const Member* member = membership_.find(asked.host);
  std::unordered_set<ActorId> held;
  if (list != nullptr) held.insert(list->ids.begin(), list->ids.end());
  for (const Hearsay& said : heard) {
    // Of claims, those count that it holds; of expiries, those that it does not. (What it claimed may have ended
    // since.)
    std::vector<Claim> so;
    for (const Claim& claim : said.claims) {
      if (held.contains(claim.id) != said.expiry) so.push_back(claim);
    }
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
  if (about.later.empty()) {
    asking_back_.erase(asked.host);
  } else {
    question(asked.host, about);
  }
}

}  // namespace ringside::core
