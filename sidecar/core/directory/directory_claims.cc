// Directory: what hosts say of who holds an id: claims, grants, ends.
#include <algorithm>

#include "sidecar/core/directory/directory.h"
#include "sidecar/core/hash.h"
#include "sidecar/core/host_name.h"

namespace ringside::core {
namespace {

constexpr std::size_t kAnnounceAtOnce = 1000;

// An address that cannot be another's: whoever speaks from it is that host.
bool speaks_from(const std::string& source_ip, const std::optional<HostName>& name) {
  return name && name->is_ip && name->address == source_ip;
}

}  // namespace

// ---- claims of this host --------------------------------------------------------------------------------------------

void Directory::announce(const std::string& host, std::vector<Claim> claims) {
  for (std::size_t at = 0; at < claims.size(); at += kAnnounceAtOnce) {
    const std::size_t count = std::min(kAnnounceAtOnce, claims.size() - at);
    const auto first = claims.begin() + static_cast<std::ptrdiff_t>(at);
    std::vector<Claim> part(first, first + static_cast<std::ptrdiff_t>(count));
    OwnershipRequest request{cluster_.self().host, cluster_.self().generation, part};
    ask({Question::About::kAnnouncement, host, 0, 0, std::move(part), {}}, std::move(request));
  }
}

Directory::AnnouncementHeard Directory::announcement_answered(const Question& asked, const PeerAnswer& answer) {
  AnnouncementHeard heard;
  if (const auto* failure = std::get_if<PeerFailure>(&answer)) {
    // Ours are told again by whoever knows of the two holders.
    if (failure->unheard() && cluster_.is_legacy_member(asked.host)) heard.unheard = asked.claims;
    return heard;
  }
  const auto* ack = std::get_if<AckAnswer>(&answer);
  if (ack == nullptr) return heard;
  context_.counters.announcements[0][ack->accepted ? 1 : 0] += asked.claims.size();
  if (ack->accepted) {
    accepted(asked);
  } else {
    heard.yielded = rejected(asked, *ack);
  }
  return heard;
}

// What ended meanwhile may have been told before this claim arrived there.
void Directory::accepted(const Question& asked) {
  std::vector<ActorId> ended;
  for (const Claim& claim : asked.claims) {
    if (!here_.holds(claim)) ended.push_back(claim.id);
  }
  if (ended.empty() || !cluster_.is_legacy_member(asked.host)) return;
  context_.effects.push_back(AskPeer{context_.next<QuestionId>(), asked.host,
                                     LegacyExpiryRequest{cluster_.self().host, std::move(ended)}, config_.dead_after});
}

std::vector<Directory::Yielded> Directory::rejected(const Question& asked, const AckAnswer& ack) {
  std::vector<Yielded> all;
  const auto yield_to = [&](ActorId id, const std::string& owner, Epoch epoch) {
    if (auto yielded = yield(id, owner, epoch)) all.push_back(std::move(*yielded));
  };
  if (!ack.rejected.empty()) {
    for (const Rejected& rejected : ack.rejected) {
      const auto named = [&](const Claim& claim) { return claim.id == rejected.id; };
      if (std::none_of(asked.claims.begin(), asked.claims.end(), named)) continue;
      // An owner that is not a member here: whoever named it knows more of the actor than this host does.
      const auto owner = canonical_host(rejected.holder);
      const bool known = owner && (cluster_.run_of(*owner) != nullptr || *owner == cluster_.self().host);
      yield_to(rejected.id, known ? *owner : asked.host, rejected.epoch);
    }
  } else if (asked.claims.size() == 1) {
    yield_to(asked.claims.front().id, asked.host, 0);
  } else {
    // A legacy host does not say which: ask again in halves, down to the one.
    const auto middle = asked.claims.begin() + static_cast<std::ptrdiff_t>(asked.claims.size() / 2);
    announce(asked.host, {asked.claims.begin(), middle});
    announce(asked.host, {middle, asked.claims.end()});
  }
  return all;
}

// ---- claims of others -----------------------------------------------------------------------------------------------

// Claims count when the named host is the sender: by its generation, or by its address.
Directory::Judgement Directory::judge(const Sender& sender, const OwnershipRequest& request,
                                      const std::string& source_ip) {
  using Counts = Judgement::Counts;
  const HostRun* member = cluster_.run_of(request.host);
  const auto name = parse_host_name(request.host);
  const bool from_itself = speaks_from(source_ip, name);
  // A ring owner that knows of two holders tells each of the other.
  const bool by_another = sender.host != request.host && cluster_.standing_of(sender) == Standing::kInView;
  Judgement judgement;
  if (request.host == cluster_.self().host) {
    judgement.why_not = "that is this host, which claims nothing elsewhere";
  } else if (request.generation == 0 && !config_.accept_legacy) {
    judgement.why_not = "hosts that do not name their cluster are refused here (--legacy-peers)";
  } else if (member == nullptr && request.generation == 0 && from_itself) {
    // A legacy host takes a "no" for the word of an owner. One that is merely not a member yet (again) is heard, and is
    // asked for all that it holds once it is one.
    judgement.counts = Counts::kOnceAMember;
  } else if (member == nullptr) {
    judgement.why_not = request.host + " is not a member here";
  } else if (member->generation != request.generation) {
    judgement.why_not = "not of the run of " + request.host + " that is a member here";
  } else if (member->generation == 0 && !from_itself && !by_another) {
    judgement.counts = Counts::kIfItSaysSoToo;
  } else if (by_another || (name && name->is_ip && !from_itself)) {
    judgement.why_not = "claims count only from the host itself";
    std::vector<Claim> both;  // that host is asked about what this one holds too
    for (const Claim& claim : request.claims) {
      if (const auto mine = here_.epoch_of(claim.id)) both.push_back({claim.id, *mine});
    }
    announce(request.host, std::move(both));
  }
  if (judgement.why_not.empty()) return judgement;
  judgement.counts = Counts::kNo;
  context_.counters.announcements[1][0] += request.claims.size();
  return judgement;
}

Directory::ClaimsHeard Directory::hear_claims(const HostRun& holder, const std::vector<Claim>& claims, bool remember) {
  ClaimsHeard heard;
  AckAnswer& ack = heard.ack;
  for (const Claim& claim : claims) {
    auto [rejected, yielded] = hear_claim(holder, claim, remember);
    if (rejected) ack.rejected.push_back(std::move(*rejected));
    if (yielded) heard.yielded.push_back(std::move(*yielded));
  }
  ack.accepted = ack.rejected.empty();
  if (!ack.accepted) {
    ack.message = "actor " + to_string(ack.rejected.front().id) + " is owned by " + ack.rejected.front().holder;
  }
  context_.counters.announcements[1][0] += ack.rejected.size();
  context_.counters.announcements[1][1] += claims.size() - ack.rejected.size();
  return heard;
}

// First claim wins. Of two holders that meet, the greater epoch stays.
Directory::Objection Directory::hear_claim(const HostRun& holder, const Claim& claim, bool remember) {
  if (const std::optional<Epoch> mine = here_.epoch_of(claim.id)) {
    if (claim.epoch <= *mine) return {Rejected{claim.id, cluster_.self().host, *mine}, {}};
    return {{}, yield(claim.id, holder.host, claim.epoch)};
  }
  if (const std::optional<DisplacedActivation> elsewhere = displaced_.find(claim.id);
      elsewhere && elsewhere->holder.host != holder.host) {
    return {Rejected{claim.id, elsewhere->holder.host, elsewhere->epoch}, {}};
  }
  const std::string* named = cluster_.owner(claim.id);
  const bool by_ring = named != nullptr && *named == holder.host;
  const bool of_a_third = named != nullptr && !by_ring && *named != cluster_.self().host;
  if (const std::string* known = hints_.find(claim.id); known != nullptr && *known != holder.host && of_a_third) {
    if (cluster_.run_of(*known) != nullptr) return {Rejected{claim.id, *known, 0}, {}};
  }
  if (!remember) return {};
  if (holder.generation == 0) {  // a list that it made before does not name it, and must not take that back
    questions_.each([&](Question& open) {
      if (open.host == holder.host) open.doubted.erase(claim.id);
    });
  }
  if (cluster_.owns(claim.id)) {
    keep(claim.id, holder, claim.epoch);
  } else if (!by_ring || config_.peer_apply_own) {
    hints_.put(claim.id, holder.host);
  }
  return {};
}

AckAnswer Directory::grant(const HostRun& to, const std::vector<Claim>& claims) {
  AckAnswer ack;
  for (const Claim& claim : claims) {
    const bool open =
        cluster_.owns(claim.id) && cluster_.phase() == Phase::kReady && !inventory_.in_doubt(hash_id(claim.id));
    const std::optional<DisplacedActivation> elsewhere = displaced_.find(claim.id);
    if (const std::optional<Epoch> mine = here_.epoch_of(claim.id)) {
      ack.rejected.push_back({claim.id, cluster_.self().host, *mine});
    } else if (elsewhere && elsewhere->holder != to) {
      ack.rejected.push_back({claim.id, elsewhere->holder.host, elsewhere->epoch});
    } else if (!open || !displaced_.put(claim.id, to, claim.epoch)) {
      ack.message = "not for this host to grant just now";
    }
  }
  ack.accepted = ack.rejected.empty() && ack.message.empty();
  return ack;
}

// ---- ends -----------------------------------------------------------------------------------------------------------

Directory::Judgement Directory::judge(const LegacyExpiryRequest& request, const std::string& source_ip) const {
  if (!cluster_.is_legacy_member(request.host)) {
    return {Judgement::Counts::kNo, "such expiries count only from a member that speaks no other protocol"};
  }
  const bool from_itself = speaks_from(source_ip, parse_host_name(request.host));
  return {from_itself ? Judgement::Counts::kYes : Judgement::Counts::kIfItSaysSoToo, {}};
}

void Directory::hear_expiries(const std::string& host, const std::vector<ActorId>& ids) {
  for (const ActorId id : ids) {
    displaced_.drop(id, host, 0);
    inventory_.ended(host, {id, 0});
    if (const std::string* hinted = hints_.find(id); hinted != nullptr && *hinted == host) hints_.drop(id);
  }
}

Directory::EndsHeard Directory::hear_ends(const std::string& host, const std::vector<Ended>& ended) {
  EndsHeard heard;
  for (const Ended& end : ended) {
    displaced_.drop(end.id, host, end.epoch);
    inventory_.ended(host, {end.id, end.epoch});
    if (end.remembered.empty() || here_.has(end.id)) continue;
    // Kept also behind a joiner that owns the id: whoever comes instead of that one, or has not met it, asks this host.
    if (cluster_.is_successor(end.id)) heard.inherited.push_back(end);
    // Whoever gained the id has asked already: the sender has to tell that one.
    if (!cluster_.owns(end.id)) heard.status = ReplyStatus::kStale;
  }
  return heard;
}

}  // namespace ringside::core
