#include "sidecar/core/hand_over/succession.h"

#include <map>
#include <utility>

#include "sidecar/base/check.h"

namespace ringside::core {

Succession::Succession(const NodeConfig& config, Context& context, Timers& timers, const ClusterView& cluster)
    : config_(config), context_(context), timers_(timers), cluster_(cluster) {}

void Succession::hand_over(const Claim& claim) { hand_over_.add(claim, context_.now.mono); }

void Succession::announce(const Claim& claim) { ends_.add(claim); }

void Succession::look_again() { hand_over_.look_again(context_.now.mono); }

void Succession::lose_all() { hand_over_.clear(); }

// What is being handed over has been an activation, and each question is about one at least.
void Succession::check() const {
  hand_over_.check();
  questions_.each([](const Question& question) { RINGSIDE_CHECK(!question.claims.empty()); });
}

// Whoever may activate the id next, and knows that it may. One that has not seen this host leave does not.
std::vector<HandOver::Successor> Succession::successors_of(ActorId id) const {
  const bool leaving = !on_ring(cluster_.phase());
  std::vector<HandOver::Successor> successors;
  for (const std::string& host : cluster_.successors(id).hosts) {
    successors.push_back({host, cluster_.is_owner(host, id), !leaving || cluster_.leave_seen_by(host)});
  }
  return successors;
}

void Succession::ask(const std::string& host, About about, std::vector<Claim> claims, EndedRequest request) {
  const QuestionId token = context_.next<QuestionId>();
  questions_.asked(token, {about, host, std::move(claims)});
  context_.effects.push_back(AskPeer{token, host, std::move(request), config_.dead_after});
}

void Succession::look_again_at(Instant when) {
  if (due_ == kNoTimer) due_ = timers_.add(when, due::Succession{});
}

Succession::HandedOver Succession::tell_successors(const std::function<Ended(const Claim&)>& ended) {
  HandedOver over;
  if (!is_due()) return over;
  HandOver::Due due = hand_over_.due(context_.now.mono, [this](ActorId id) { return successors_of(id); });
  if (due.next != kNever) {
    look_again_at(due.next);
    return over;
  }
  for (auto& [successor, claims] : due.tell) {
    EndedRequest request;
    for (const Claim& claim : claims) request.ended.push_back(ended(claim));
    ask(successor, About::kHandOver, std::move(claims), std::move(request));
  }
  for (const Claim& claim : due.over) {
    if (!cluster_.successors(claim.id).one_serves) over.kept.push_back(ended(claim));
  }
  over.claims = std::move(due.over);
  return over;
}

// To the hosts that the ring names, and to all legacy hosts.
void Succession::tell_ends() {
  if (!ends_.is_due(context_.now.mono)) return;
  const UnannouncedEnds::Due due = ends_.due(context_.now.mono);
  if (due.next != kNever) return look_again_at(due.next);
  if (due.claims.empty()) return;
  std::vector<ActorId> ids;
  std::map<std::string, std::vector<Claim>> by_owner;
  for (const Claim& claim : due.claims) {
    ids.push_back(claim.id);
    const std::string* owner = cluster_.owner(claim.id);
    if (owner == nullptr || *owner == cluster_.self().host) continue;
    const HostRun* member = cluster_.run_of(*owner);
    if (member != nullptr && member->generation != 0) by_owner[*owner].push_back(claim);
  }
  std::vector<HostRun> legacy = cluster_.runs();
  std::erase_if(legacy, [](const HostRun& member) { return member.generation != 0; });
  if (!by_owner.empty() || !legacy.empty()) ends_.sent(context_.now.mono);
  for (auto& [owner, claims] : by_owner) {
    EndedRequest request;
    for (const Claim& claim : claims) request.ended.push_back({claim.id, claim.epoch, {}});
    ask(owner, About::kEnd, std::move(claims), std::move(request));
  }
  for (const HostRun& member : legacy) {
    context_.effects.push_back(AskPeer{context_.next<QuestionId>(), member.host,
                                       LegacyExpiryRequest{cluster_.self().host, ids}, config_.dead_after});
  }
}

bool Succession::answered(QuestionId token, const PeerAnswer& answer) {
  const std::optional<Question> asked = questions_.answered(token);
  if (!asked) return false;
  const auto* heard = std::get_if<EndedAnswer>(&answer);
  const ReplyStatus status = heard == nullptr ? ReplyStatus::kUnspecified : heard->status;
  if (asked->about == About::kHandOver) {
    hand_over_.answered(asked->host, asked->claims, status, context_.now.mono,
                        [&](ActorId id) { return cluster_.is_owner(asked->host, id); });
  } else if (status != ReplyStatus::kOk) {
    // An end that got lost would leave a displaced activation behind for as long as this host lives: it is told again.
    ends_.add_again(asked->claims, context_.now.mono);
  }
  return true;
}

}  // namespace ringside::core
