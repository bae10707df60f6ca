// Node: what hosts ask and tell one another about actors: inventories, claims, expiries.
#include <algorithm>

#include "sidecar/core/check.h"
#include "sidecar/core/host_name.h"
#include "sidecar/core/node.h"
#include "sidecar/core/overloaded.h"

namespace ringside::core {
namespace {

constexpr std::size_t kAnnounceAtOnce = 1000;
constexpr Duration kContestRepeat{500'000};

}  // namespace

void Node::answer(ReplyId token, PeerAnswer answer) {
  context_.effects.push_back(AnswerPeer{token, std::move(answer)});
}

void Node::dispatch(ReplyId token, const Sender& sender, const std::string& source_ip, PeerRequest request) {
  if (membership_.standing_of(sender) == Standing::kInView) clock_.observe(sender.clock);
  std::visit(
      Overloaded{
          [&](const PingRequest&) {
            change_membership([&](Membership& membership) { membership.pinged_by(sender); });
            answer(token, ping_answer(sender));  // after it: this run may be over
          },
          [&](const NegotiateRequest& negotiate) {
            change_membership([&](Membership& membership) { membership.negotiate(token, negotiate); });
          },
          [&](const IdsRequest&) {
            IdsAnswer ids;
            actors_.each([&](const Actor& actor) { ids.ids.push_back(actor.id); });
            answer(token, std::move(ids));
          },
          [&](const OwnershipRequest& claims) { ownership_announced(token, sender, claims, source_ip); },
          [&](const ExpiryRequest& expiry) { expiry_announced(token, expiry, source_ip); },
          [&](const ClosingRequest& closing) {
            change_membership([&](Membership& membership) { membership.closing(token, closing.host, source_ip); });
          },
          [&](const JoinRequest& join) {
            change_membership([&](Membership& membership) { membership.join(token, sender, join); });
          },
          [&](const LeaveRequest&) {
            change_membership([&](Membership& membership) { membership.leave(token, sender); });
          },
          [&](const InventoryRequest& inventory) { inventory_asked(token, sender, inventory); },
          [&](const ProbeRequest& probe) {
            change_membership([&](Membership& membership) { membership.probe(token, probe); });
          },
          [&](const ExpireRequest& ended) { expired(token, sender, ended); },
      },
      request);
}

PingAnswer Node::ping_answer(const Sender& sender) const {
  PingAnswer says;
  says.host = membership_.self().host;
  says.generation = membership_.self().generation;
  says.phase = membership_.phase();
  says.ring = membership_.ring()->fingerprint();
  says.ring_hosts = static_cast<std::uint32_t>(membership_.ring()->hosts().size());
  says.actors = actors_.size();
  says.load = turns_.size() + turns_waiting_;
  says.cluster = config_.cluster;
  says.version = config_.version;
  says.clock = clock_.reading_in_full();
  says.standing = sender.host.empty() ? Standing::kUnspecified : membership_.standing_of(sender);
  says.routes_only = !config_.has_app;
  says.unix_time = context_.now.wall_ms / 1000;
  says.asks_to_join = membership_.asks_to_join(sender.host);
  return says;
}

// ---- inventories ----------------------------------------------------------------------------------------------------

void Node::inventory_asked(ReplyId token, const Sender& sender, const InventoryRequest& request) {
  InventoryAnswer says;
  says.number = request.number;
  const Standing standing = membership_.standing_of(sender);
  if (standing == Standing::kBuried) {
    says.verdict = Verdict::kBuried;
  } else if (standing != Standing::kInView) {
    says.verdict = Verdict::kUnverified;  // not on this host's ring: an answer now would promise nothing
  } else if (request.to_generation != membership_.self().generation) {
    says.verdict = Verdict::kStale;
  } else {
    says.verdict = Verdict::kOk;
    actors_.each([&](const Actor& actor) {
      if (request.ranges.contains(hash_id(actor.id))) says.claims.push_back({actor.id, actor.epoch});
    });
    inherited_.each([&](const Ended& ended) {
      if (request.ranges.contains(hash_id(ended.id))) says.remembered.push_back(ended);
    });
  }
  answer(token, std::move(says));
}

void Node::inventory_answered(const NodeQuestion& asked, const PeerAnswer& answer) {
  const Member* member = membership_.find(asked.host);
  if (member == nullptr || member->run.generation != asked.generation) return;
  std::vector<Claim> claims;
  if (const auto* inventory = std::get_if<InventoryAnswer>(&answer)) {
    // Of the question of an earlier run that is not news.
    const bool open = inventory_.awaits(asked.host, asked.generation, asked.inventory);
    if (open && inventory->verdict == Verdict::kBuried) {
      return carry_out(life_cycle_.must_rejoin("buried by " + asked.host, membership_.phase()));
    }
    if (inventory->verdict != Verdict::kOk || inventory->number != asked.inventory) return;
    claims = inventory->claims;
  } else if (const auto* ids = std::get_if<IdsAnswer>(&answer)) {
    for (const ActorId id : ids->ids) {
      if (id != 0) claims.push_back({id, 0});
    }
    for (const Claim& doubted : asked.claims) {
      if (std::find(claims.begin(), claims.end(), doubted) == claims.end()) strays_.drop(doubted.id, asked.host, 0);
    }
  } else {
    const auto* failure = std::get_if<PeerFailure>(&answer);
    if (asked.inventory == kUnasked && failure != nullptr && failure->unheard()) {
      legacy_.for_next_tick(asked.host).ask_ids = true;
    }
    return;
  }
  std::erase_if(claims, [&](const Claim& claim) { return inventory_.has_ended(asked.host, claim); });
  const HostRun holder = member->run;
  if (!strays_.has_room_for(claims.size())) {
    // What cannot be remembered must not be claimed: the ranges stay closed, and the question is asked again.
    context_.log(Level::kError, "strays_full", {{"strays", std::to_string(strays_.size())}, {"host", asked.host}});
    return;
  }
  if (asked.inventory != kUnasked && !inventory_.answered(asked.host, asked.generation, asked.inventory)) return;
  take_claims(holder, claims);
  if (const auto* inventory = std::get_if<InventoryAnswer>(&answer)) {
    for (const Ended& ended : inventory->remembered) {
      if (actors_.find(ended.id) == nullptr) inherited_.put(ended);
    }
  }
  topology_changed_ = true;
}

// What another holds although the ring names this host. (With --peer-apply own any id may come to this host.)
void Node::take_claims(const HostRun& holder, const std::vector<Claim>& claims) {
  const std::string& self = membership_.self().host;
  for (const Claim& claim : claims) {
    const std::string* owner = membership_.ring()->owner(claim.id);
    if (owner == nullptr || *owner != self) {
      if (config_.peer_apply_own) hints_.put(claim.id, holder.host);
      continue;
    }
    clock_.observe(claim.epoch);
    strays_.put(claim.id, holder, claim.epoch);
    if (actors_.find(claim.id) != nullptr || strays_.holders(claim.id).size() > 1) contested_.insert(claim.id);
  }
}

// Two holders met, after a cut: the greater epoch stays. The lesser is told again and again, until it has ended.
void Node::settle_contested() {
  if (contested_.empty() || context_.now.mono < next_contest_) return;
  next_contest_ = context_.now.mono + kContestRepeat;
  const HostRun& self = membership_.self();
  std::map<std::string, std::vector<Claim>> mine;
  std::map<std::pair<std::string, std::string>, OwnershipRequest> of_others;
  for (auto at = contested_.begin(); at != contested_.end();) {
    const ActorId id = *at;
    const std::vector<Stray> holders = strays_.holders(id);
    const Actor* actor = actors_.find(id);
    const std::string* owner = membership_.ring()->owner(id);
    if (owner == nullptr || *owner != self.host || holders.size() + (actor == nullptr ? 0 : 1) < 2) {
      at = contested_.erase(at);
      continue;
    }
    ++at;
    const Stray& greatest = holders.front();
    if (actor != nullptr && greatest.epoch > actor->epoch) {
      yield(id, greatest.holder.host, greatest.epoch);
    } else if (actor != nullptr) {
      for (const Stray& stray : holders) mine[stray.holder.host].push_back({id, actor->epoch});
      continue;
    }
    // In the winner's name, which makes the other look: it announces its claim there, and yields to the answer.
    for (std::size_t i = 1; i < holders.size(); ++i) {
      const bool first_is_legacy = greatest.holder.generation == 0;
      const Stray& winner = first_is_legacy || holders[i].holder.generation != 0 ? greatest : holders[i];
      const Stray& loser = &winner == &greatest ? holders[i] : greatest;
      OwnershipRequest& claims = of_others[{loser.holder.host, winner.holder.host}];
      claims.host = winner.holder.host;
      claims.generation = winner.holder.generation;
      claims.claims.push_back({id, winner.epoch});
    }
  }
  for (auto& [host, claims] : mine) announce(host, std::move(claims));
  for (auto& [hosts, claims] : of_others) {
    context_.effects.push_back(
        AskPeer{context_.next<QuestionId>(), hosts.first, std::move(claims), config_.dead_after});
  }
}

// ---- claims ---------------------------------------------------------------------------------------------------------

void Node::announce(const std::string& host, std::vector<Claim> claims) {
  for (std::size_t at = 0; at < claims.size(); at += kAnnounceAtOnce) {
    const std::size_t count = std::min(kAnnounceAtOnce, claims.size() - at);
    const auto first = claims.begin() + static_cast<std::ptrdiff_t>(at);
    const std::vector<Claim> part(first, first + static_cast<std::ptrdiff_t>(count));
    const QuestionId token = context_.next<QuestionId>();
    asked_[token] = {NodeQuestion::About::kAnnouncement, host, 0, 0, part};
    const HostRun& self = membership_.self();
    context_.effects.push_back(
        AskPeer{token, host, OwnershipRequest{self.host, self.generation, part}, config_.dead_after});
  }
}

void Node::announcement_answered(const NodeQuestion& asked, const PeerAnswer& answer) {
  if (const auto* failure = std::get_if<PeerFailure>(&answer)) {
    const Member* member = membership_.find(asked.host);
    // Ours are told again by whoever knows of the two holders.
    if (!failure->unheard() || member == nullptr || !member->legacy()) return;
    std::vector<Claim>& again = legacy_.for_next_tick(asked.host).claims;
    again.insert(again.end(), asked.claims.begin(), asked.claims.end());
    return;
  }
  if (!std::holds_alternative<AckAnswer>(answer)) return;
  const AckAnswer& ack = std::get<AckAnswer>(answer);
  context_.counters.announcements[0][ack.accepted ? 1 : 0] += asked.claims.size();
  if (ack.accepted) {
    // What ended meanwhile may have been told before this claim arrived there.
    std::vector<ActorId> ended;
    for (const Claim& claim : asked.claims) {
      if (!actors_.holds(claim)) ended.push_back(claim.id);
    }
    const Member* member = membership_.find(asked.host);
    if (ended.empty() || member == nullptr || !member->legacy()) return;
    context_.effects.push_back(AskPeer{context_.next<QuestionId>(), asked.host,
                                       ExpiryRequest{membership_.self().host, std::move(ended)}, config_.dead_after});
    return;
  }
  if (!ack.rejected.empty()) {
    for (const Rejected& rejected : ack.rejected) {
      const auto named = [&](const Claim& claim) { return claim.id == rejected.id; };
      if (std::none_of(asked.claims.begin(), asked.claims.end(), named)) continue;
      // An owner that is not a member here: whoever named it knows more of the actor than this host does.
      const auto owner = canonical_host(rejected.owner);
      const bool known = owner && (membership_.find(*owner) != nullptr || *owner == membership_.self().host);
      yield(rejected.id, known ? *owner : asked.host, rejected.epoch);
    }
  } else if (asked.claims.size() == 1) {
    yield(asked.claims.front().id, asked.host, 0);
  } else {
    // A legacy host does not say which: ask again in halves, down to the one.
    const auto middle = asked.claims.begin() + static_cast<std::ptrdiff_t>(asked.claims.size() / 2);
    announce(asked.host, {asked.claims.begin(), middle});
    announce(asked.host, {middle, asked.claims.end()});
  }
}

// Another host was first: deactivate, forget, route to it.
void Node::yield(ActorId id, const std::string& owner, Epoch epoch) {
  Actor* actor = actors_.find(id);
  if (actor == nullptr || owner == membership_.self().host) return;
  const Member* holder = membership_.find(owner);
  if (holder == nullptr) return;
  context_.log(Level::kWarn, "claim_yielded", {{"actor", std::to_string(id)}, {"to", owner}});
  const std::string* named = membership_.ring()->owner(id);
  if (named != nullptr && *named == membership_.self().host) {
    strays_.put(id, holder->run, epoch);
  } else {
    hints_.put(id, owner);
  }
  end_actor(*actor, Deactivation::kYielded);
  send_deactivations();
}

// Claims count when the named host is the sender: by its generation, or by its address.
void Node::ownership_announced(ReplyId token, const Sender& sender, const OwnershipRequest& request,
                               const std::string& ip) {
  AckAnswer ack;
  const Member* member = membership_.find(request.host);
  const auto name = parse_host_name(request.host);
  const bool from_itself = name && name->is_ip && name->address == ip;
  // A ring owner that knows of two holders tells each of the other.
  const bool by_another = sender.host != request.host && membership_.standing_of(sender) == Standing::kInView;
  if (request.host == membership_.self().host) {
    ack.message = "that is this host, which claims nothing elsewhere";
  } else if (request.generation == 0 && !config_.accept_legacy) {
    ack.message = "hosts that do not name their cluster are refused here (--legacy-peers)";
  } else if (member == nullptr && request.generation == 0 && from_itself) {
    // A legacy host takes a "no" for the word of an owner. One that is merely not a member yet (again) is heard, and is
    // asked for all that it holds once it is one.
    change_membership([&](Membership& membership) { membership.introduce(request.host); });
  } else if (member == nullptr) {
    ack.message = request.host + " is not a member here";
  } else if (member->run.generation != request.generation) {
    ack.message = "not of the run of " + request.host + " that is a member here";
  } else if (member->legacy() && !from_itself && !by_another) {
    return legacy_.ask_back(request.host, {token, false, request.claims});
  } else if (by_another || (name && name->is_ip && !from_itself)) {
    ack.message = "claims count only from the host itself";
    std::vector<Claim> both;  // that host is asked about what this one holds too
    for (const Claim& claim : request.claims) {
      if (const Actor* actor = actors_.find(claim.id)) both.push_back({actor->id, actor->epoch});
    }
    announce(request.host, std::move(both));
  }
  if (!ack.message.empty()) {
    context_.counters.announcements[1][0] += request.claims.size();
    return answer(token, std::move(ack));
  }
  const HostRun holder{request.host, request.generation};
  if (request.asks && request.generation != 0) return answer(token, adoption_asked(holder, request.claims));
  answer(token, hear_claims(holder, request.claims, member != nullptr));
}

AckAnswer Node::hear_claims(const HostRun& holder, const std::vector<Claim>& claims, bool remember) {
  AckAnswer ack;
  for (const Claim& claim : claims) {
    if (auto objection = claim_heard(holder, claim, remember)) ack.rejected.push_back(std::move(*objection));
  }
  ack.accepted = ack.rejected.empty();
  if (!ack.accepted) {
    ack.message = "actor " + std::to_string(ack.rejected.front().id) + " is owned by " + ack.rejected.front().owner;
  }
  context_.counters.announcements[1][0] += ack.rejected.size();
  context_.counters.announcements[1][1] += claims.size() - ack.rejected.size();
  topology_changed_ = true;
  return ack;
}

// First claim wins. Of two holders that meet, the greater epoch stays.
std::optional<Rejected> Node::claim_heard(const HostRun& holder, const Claim& claim, bool remember) {
  if (const Actor* mine = actors_.find(claim.id)) {
    if (claim.epoch <= mine->epoch) return Rejected{claim.id, membership_.self().host, mine->epoch};
    yield(claim.id, holder.host, claim.epoch);
    return std::nullopt;
  }
  if (const std::optional<Stray> stray = strays_.find(claim.id); stray && stray->holder.host != holder.host) {
    return Rejected{claim.id, stray->holder.host, stray->epoch};
  }
  const std::string* named = membership_.ring()->owner(claim.id);
  const bool by_ring = named != nullptr && *named == holder.host;
  const bool of_a_third = named != nullptr && !by_ring && *named != membership_.self().host;
  if (const std::string* known = hints_.find(claim.id); known != nullptr && *known != holder.host && of_a_third) {
    if (membership_.find(*known) != nullptr) return Rejected{claim.id, *known, 0};
  }
  if (!remember) return std::nullopt;
  if (named != nullptr && *named == membership_.self().host) {
    strays_.put(claim.id, holder, claim.epoch);
  } else if (!by_ring || config_.peer_apply_own) {
    hints_.put(claim.id, holder.host);
  }
  return std::nullopt;
}

// ---- expiries -------------------------------------------------------------------------------------------------------

void Node::expiry_announced(ReplyId token, const ExpiryRequest& request, const std::string& source_ip) {
  const Member* member = membership_.find(request.host);
  if (member == nullptr || !member->legacy()) {
    return answer(token, AckAnswer{false, "such expiries count only from a member that speaks no other protocol", {}});
  }
  const auto name = parse_host_name(request.host);
  if (!name || !name->is_ip || name->address != source_ip) {
    std::vector<Claim> claims;
    for (const ActorId id : request.ids) claims.push_back({id, 0});
    return legacy_.ask_back(request.host, {token, true, std::move(claims)});
  }
  hear_expiries(request.host, request.ids);
  answer(token, AckAnswer{true, "", {}});
}

void Node::hear_expiries(const std::string& host, const std::vector<ActorId>& ids) {
  for (const ActorId id : ids) {
    strays_.drop(id, host, 0);
    inventory_.ended(host, {id, 0});
    if (const std::string* hinted = hints_.find(id); hinted != nullptr && *hinted == host) hints_.drop(id);
  }
  topology_changed_ = true;
}

void Node::expired(ReplyId token, const Sender& sender, const ExpireRequest& request) {
  if (membership_.standing_of(sender) != Standing::kInView) {
    return answer(token, ExpireAnswer{Verdict::kBuried});
  }
  Verdict verdict = Verdict::kOk;
  for (const Ended& ended : request.ended) {
    strays_.drop(ended.id, sender.host, ended.epoch);
    inventory_.ended(sender.host, {ended.id, ended.epoch});
    clock_.observe(ended.epoch);
    if (ended.remembered.empty() || actors_.find(ended.id) != nullptr) continue;
    // Kept also behind a joiner that owns the id: whoever comes instead of that one, or has not met it, asks this host.
    if (membership_.is_successor(ended.id)) inherited_.put(ended);
    const std::string* owner = membership_.ring()->owner(ended.id);
    if (owner == nullptr || *owner != membership_.self().host) {
      verdict = Verdict::kStale;  // whoever gained the id has asked already: the sender has to tell that one
    }
  }
  topology_changed_ = true;
  answer(token, ExpireAnswer{verdict});
}

void Node::tell_successors() {
  const Succession::Over over = succession_.tell_successors([this](const Claim& claim) {
    const Actor& actor = actors_.at(claim.id);
    RINGSIDE_CHECK(actor.window != nullptr);
    return Ended{claim.id, claim.epoch, actor.window->all()};
  });
  for (const Ended& ended : over.unclaimed) inherited_.put(ended);
  for (const Claim& claim : over.claims) release(actors_.at(claim.id));
  topology_changed_ = topology_changed_ || !over.claims.empty();
}

}  // namespace ringside::core
