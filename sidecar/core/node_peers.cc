// Node: what hosts ask and tell one another about actors, and which part it is for.
#include <utility>

#include "sidecar/base/check.h"
#include "sidecar/base/overloaded.h"
#include "sidecar/core/hash.h"
#include "sidecar/core/node.h"

namespace ringside::core {

// ---- what others ask ------------------------------------------------------------------------------------------------

void Node::peer_asked(Now now, ReplyId token, const Sender& sender, const std::string& source_ip,
                      const PeerRequest& request) {
  on_event(now, [&] {
    const bool is_new = unanswered_.insert(token).second;
    RINGSIDE_CHECK(is_new);
    if (life_cycle_.life().has_run()) {
      dispatch(token, sender, source_ip, request);
    } else {
      answer(token, PeerFailure{PeerFailure::Kind::kRejected, "this host is starting"});
    }
  });
}

void Node::dispatch(ReplyId token, const Sender& sender, const std::string& source_ip, const PeerRequest& request) {
  if (speaks_for_member(sender)) clock_.observe(sender.clock);
  std::visit(
      base::Overloaded{
          [&](const PingRequest&) {
            change_membership([&](Membership& membership) { membership.pinged_by(sender); });
            answer(token, ping_answer(sender));  // after it: this run may be over
          },
          [&](const NegotiateRequest& negotiate) {
            change_membership(
                [&](Membership& membership) { membership.negotiate(token, sender, source_ip, negotiate); });
          },
          [&](const IdsRequest& ids) { answer(token, ids_for(ids)); },
          [&](const OwnershipRequest& claims) { claims_announced(token, sender, claims, source_ip); },
          [&](const LegacyExpiryRequest& expiry) { expiry_announced(token, expiry, source_ip); },
          [&](const ClosingRequest& closing) {
            change_membership([&](Membership& membership) { membership.closing(token, closing.host, source_ip); });
          },
          [&](const JoinRequest& join) {
            change_membership([&](Membership& membership) { membership.join(token, sender, source_ip, join); });
          },
          [&](const LeaveRequest&) {
            change_membership([&](Membership& membership) { membership.leave(token, sender); });
          },
          [&](const InventoryRequest& inventory) { answer(token, inventory_for(sender, inventory)); },
          [&](const ProbeRequest& probe) {
            change_membership([&](Membership& membership) { membership.probe(token, sender, probe); });
          },
          [&](const EndedRequest& ended) { answer(token, hear_ends(sender, ended)); },
          [&](const ExplainRequest& asked) { answer(token, explain_to(sender, asked)); },
      },
      request);
}

// The run that is a member here, and from where that host is.
bool Node::speaks_for_member(const Sender& sender) const {
  return !sender.from_elsewhere && cluster_.standing_of(sender) == Standing::kInView;
}

void Node::answer(ReplyId token, PeerAnswer answer) {
  context_.effects.push_back(AnswerPeer{token, std::move(answer)});
}

PingAnswer Node::ping_answer(const Sender& sender) const {
  PingAnswer says;
  says.host = cluster_.self().host;
  says.generation = cluster_.self().generation;
  says.phase = cluster_.phase();
  says.ring = cluster_.ring()->fingerprint();
  says.ring_hosts = static_cast<std::uint32_t>(cluster_.ring()->hosts().size());
  says.actors = activations_.actors().size();
  says.load = activations_.turns().size() + activations_.waiting();
  says.cluster = config_.cluster;
  says.version = config_.version;
  says.zone = config_.zone;
  says.points = config_.own_points();
  says.clock = clock_.reading_in_full();
  says.standing = sender.host.empty() ? Standing::kUnspecified : cluster_.standing_of(sender);
  says.routes_only = !config_.has_app;
  says.unix_time = context_.now.wall_ms / 1000;
  says.asks_to_join = cluster_.asks_to_join(sender.host);
  if (cluster_.joined()) says.names = cluster_.names_digest();
  return says;
}

IdsAnswer Node::ids_for(const IdsRequest& request) const {
  IdsAnswer says;
  says.total = activations_.actors().size();
  activations_.actors().each_above(request.after, [&](const Actor& actor) {
    says.more = says.ids.size() == config_.most_in_slice;
    if (says.more) return false;
    says.ids.push_back(actor.id);
    says.upto = actor.id;
    return true;
  });
  return says;
}

InventoryAnswer Node::inventory_for(const Sender& sender, const InventoryRequest& request) const {
  InventoryAnswer says = directory_.inventory_for(sender, request);
  if (says.status != ReplyStatus::kOk || says.more) return says;
  activations_.inherited().each([&](const Ended& ended) {
    if (request.ranges.contains(hash_id(ended.id))) says.remembered.push_back(ended);
  });
  return says;
}

void Node::claims_announced(ReplyId token, const Sender& sender, const OwnershipRequest& request,
                            const std::string& ip) {
  using Counts = Directory::Judgement::Counts;
  const Directory::Judgement judgement = directory_.judge(sender, request, ip);
  switch (judgement.counts) {
    case Counts::kNo:
      return answer(token, AckAnswer{false, judgement.why_not, {}});
    case Counts::kIfItSaysSoToo:
      return legacy_.ask_back(request.host, {token, false, request.claims});
    case Counts::kOnceAMember:
      change_membership([&](Membership& membership) { membership.introduce(request.host); });
      break;
    case Counts::kYes:
      break;
  }
  const HostRun holder{request.host, request.generation};
  if (request.asks && request.generation != 0) return answer(token, directory_.grant(holder, request.claims));
  answer(token, hear_claims(holder, request.claims, judgement.counts == Counts::kYes));
}

AckAnswer Node::hear_claims(const HostRun& holder, const std::vector<Claim>& claims, bool remember) {
  Directory::ClaimsHeard heard = directory_.hear_claims(holder, claims, remember);
  end_yielded(heard.yielded);
  reroute_soon();
  return std::move(heard.ack);
}

void Node::expiry_announced(ReplyId token, const LegacyExpiryRequest& request, const std::string& source_ip) {
  using Counts = Directory::Judgement::Counts;
  const Directory::Judgement judgement = directory_.judge(request, source_ip);
  if (judgement.counts == Counts::kNo) return answer(token, AckAnswer{false, judgement.why_not, {}});
  if (judgement.counts == Counts::kIfItSaysSoToo) {
    std::vector<Claim> claims;
    for (const ActorId id : request.ids) claims.push_back({id, 0});
    return legacy_.ask_back(request.host, {token, true, std::move(claims)});
  }
  hear_expiries(request.host, request.ids);
  answer(token, AckAnswer{true, "", {}});
}

void Node::hear_expiries(const std::string& host, const std::vector<ActorId>& ids) {
  directory_.hear_expiries(host, ids);
  reroute_soon();
}

EndedAnswer Node::hear_ends(const Sender& sender, const EndedRequest& request) {
  if (cluster_.standing_of(sender) != Standing::kInView) return {ReplyStatus::kDeclaredDead};
  if (sender.from_elsewhere) return {ReplyStatus::kUnverified};  // else anybody could end its activations here
  const Directory::EndsHeard heard = directory_.hear_ends(sender.host, request.ended);
  for (const Ended& ended : request.ended) clock_.observe(ended.epoch);
  for (const Ended& ended : heard.inherited) activations_.inherit(ended);
  reroute_soon();
  return {heard.status};
}

// ---- what others answer ---------------------------------------------------------------------------------------------

void Node::peer_answered(Now now, QuestionId token, const PeerAnswer& answer) {
  on_event(now, [&] {
    if (const auto said = directory_.answered(token, answer)) {
      std::visit(base::Overloaded{
                     [&](const Directory::InventoryHeard& heard) { inventory_heard(said->host, heard); },
                     [&](const Directory::AnnouncementHeard& heard) { announcement_heard(said->host, heard); },
                 },
                 said->what);
    } else if (const auto heard = legacy_.answered(token, answer)) {
      std::visit(base::Overloaded{
                     [&](const LegacyHosts::Granted& granted) { grant_answered(granted); },
                     [&](const LegacyHosts::Verified& said_by_it) { verified(said_by_it); },
                     [&](const LegacyHosts::SliceTaken&) {},
                 },
                 *heard);
    } else if (explaining_.awaits(token)) {
      if (auto done = explaining_.answered(token, answer)) tell_explanation(std::move(*done));
    } else if (!succession_.answered(token, answer)) {
      change_membership([&](Membership& membership) { membership.answered(token, answer); });
    }
  });
}

void Node::inventory_heard(const std::string& host, const Directory::InventoryHeard& heard) {
  if (heard.declared_dead) carry_out(life_cycle_.must_rejoin("buried by " + host, cluster_.phase(), host));
  if (heard.unheard) legacy_.ask_ids(host);
  if (heard.refused) change_membership([&](Membership& membership) { membership.connection_lost(host); });
  for (const Claim& claim : heard.displaced) clock_.observe(claim.epoch);
  for (const Ended& ended : heard.inherited) activations_.inherit(ended);
  if (heard.news) reroute_soon();
}

void Node::announcement_heard(const std::string& host, const Directory::AnnouncementHeard& heard) {
  if (!heard.unheard.empty()) legacy_.tell(host, heard.unheard);
  end_yielded(heard.yielded);
}

void Node::grant_answered(const LegacyHosts::Granted& granted) {
  if (granted.elsewhere) directory_.hint(granted.elsewhere->id, granted.holder);
  if (granted.reroute) reroute_soon();
}

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

// ---- ids that change hands ------------------------------------------------------------------------------------------

void Node::end_yielded(const std::vector<Directory::Yielded>& yielded) {
  for (const Directory::Yielded& one : yielded) {
    context_.happened({.kind = EventKind::kClaimYielded,
                       .host = one.to,
                       .actor = to_string(one.id),
                       .why = "it was active there as well, and was so first: this host ends its own activation",
                       .by = one.to},
                      Level::kWarn, "claim_yielded", {{"actor", to_string(one.id)}, {"to", one.to}});
    activations_.end(one.id, Deactivation::kYielded);
  }
}

void Node::resolve_contested() {
  if (!directory_.is_contest_due()) return;
  Directory::Contested contested = directory_.resolve_contested();
  end_yielded(contested.yielded);
  directory_.tell(std::move(contested));
}

void Node::tell_successors() {
  if (!succession_.is_due()) return;
  const Succession::HandedOver over =
      succession_.tell_successors([this](const Claim& claim) { return activations_.ended(claim); });
  for (const Ended& ended : over.kept) activations_.inherit(ended);
  for (const Claim& claim : over.claims) release(claim);
  if (!over.claims.empty()) reroute_soon();
}

}  // namespace ringside::core
