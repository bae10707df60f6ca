#include "sidecar/core/legacy/legacy_hosts.h"

#include <iterator>
#include <utility>

#include "sidecar/base/check.h"

namespace ringside::core {

LegacyHosts::LegacyHosts(const NodeConfig& config, Context& context, const ClusterView& cluster,
                         const LocalClaims& here)
    : config_(config), context_(context), cluster_(cluster), here_(here) {}

void LegacyHosts::ask_ids(const std::string& host, const std::set<ActorId>& doubted) {
  News& news = news_[host];
  news.ask_ids = true;
  news.doubted.insert(doubted.begin(), doubted.end());
}

void LegacyHosts::tell(const std::string& host, const std::vector<Claim>& claims) {
  std::vector<Claim>& all = news_[host].claims;
  all.insert(all.end(), claims.begin(), claims.end());
}

void LegacyHosts::introduce(const std::string& host) {
  ask_ids(host);
  untold_[host] = 0;
  list_claims();
}

// Of this host's claims those that are due next.
void LegacyHosts::list_claims() {
  std::erase_if(untold_, [this](const auto& entry) { return !cluster_.is_legacy_member(entry.first); });
  for (auto at = untold_.begin(); at != untold_.end();) {
    const auto& [host, after] = *at;
    std::vector<Claim> claims;
    ActorId upto = after;
    std::size_t seen = 0;
    here_.each_claim_above(after, [&](const Claim& claim) {
      if (++seen > config_.most_in_slice) return false;
      upto = claim.id;
      if (cluster_.is_owner(at->first, claim.id)) claims.push_back(claim);
      return true;
    });
    tell(host, claims);
    at->second = upto;
    at = seen <= config_.most_in_slice ? untold_.erase(at) : std::next(at);
  }
}

std::map<std::string, LegacyHosts::News> LegacyHosts::take_news() {
  list_claims();
  std::map<std::string, News> news = std::exchange(news_, {});
  std::erase_if(news, [this](const auto& entry) { return !cluster_.is_legacy_member(entry.first); });
  for (auto& [host, of_host] : news) {
    std::erase_if(of_host.claims, [this](const Claim& claim) { return !here_.holds(claim); });
  }
  return news;
}

LegacyHosts::Bounce LegacyHosts::begin_bounce(ActorId id) {
  if (!bounces_.begin(id, context_.now.mono)) return Bounce::kTooMany;
  return bounces_.first(id) ? Bounce::kFirst : Bounce::kAnother;
}

// ---- grants ---------------------------------------------------------------------------------------------------------

// The call that wants it waits meanwhile, like all others of this id.
void LegacyHosts::ask_for(const Claim& claim) {
  const std::string* owner = cluster_.owner(claim.id);
  RINGSIDE_CHECK(owner != nullptr);
  grants_.ask(claim);
  const QuestionId token = context_.next<QuestionId>();
  questions_.asked(token, {*owner, claim});
  const HostRun& self = cluster_.self();
  context_.effects.push_back(
      AskPeer{token, *owner, OwnershipRequest{self.host, self.generation, {claim}, true}, config_.dead_after});
}

LegacyHosts::Granted LegacyHosts::grant_answered(const Claim& claim, const PeerAnswer& answer) {
  Granted granted;
  const auto* ack = std::get_if<AckAnswer>(&answer);
  if (ack != nullptr && ack->accepted) {
    // What waits for it is routed at the end of this event, and claims it.
    granted.reroute = grants_.grant(claim);
  } else if (grants_.refuse(claim) && ack != nullptr && !ack->rejected.empty()) {
    granted.reroute = true;
    granted.elsewhere = claim;
    granted.holder = ack->rejected.front().holder;
  }  // else the next call asks again
  return granted;
}

// ---- unverified claims ----------------------------------------------------------------------------------------------

void LegacyHosts::ask_back(const std::string& host, UnverifiedClaims::Said said) {
  const ReplyId by = said.token;
  switch (unverified_.add(host, std::move(said))) {
    case UnverifiedClaims::Next::kRefuse:
      context_.effects.push_back(
          AnswerPeer{by, AckAnswer{false, "too many announcements wait for the word of " + host, {}}});
      return;
    case UnverifiedClaims::Next::kWait:
      return;
    case UnverifiedClaims::Next::kAsk:
      return ask_for_ids(host);
  }
}

void LegacyHosts::ask_for_ids(const std::string& host) {
  const QuestionId token = context_.next<QuestionId>();
  questions_.asked(token, {host, std::nullopt});
  context_.effects.push_back(AskPeer{token, host, IdsRequest{}, config_.dead_after});
}

LegacyHosts::Verified LegacyHosts::asked_back(const std::string& host, const PeerAnswer& answer) {
  const auto* list = std::get_if<IdsAnswer>(&answer);
  const bool counts = list != nullptr && cluster_.is_legacy_member(host);
  if (counts) unverified_.holds(host, list->ids);
  Verified verified;
  verified.host.host = host;
  const UnverifiedClaims::Answered heard = unverified_.answered(host);
  for (const UnverifiedClaims::Said& said : heard.said) {
    Verified::Claims& claims = verified.said.emplace_back();
    claims.token = said.token;
    claims.expiry = said.expiry;
    if (counts) claims.claims = said.borne_out_by(heard.held);
    if (!claims.claims.empty()) continue;
    claims.refusal = AckAnswer{false, host + ", asked back, does not say so", {}};
    if (!said.expiry) context_.counters.announcements[1][0] += said.claims.size();
  }
  return verified;
}

void LegacyHosts::ask_back_further(const std::string& host) {
  if (unverified_.ask_again(host)) ask_for_ids(host);
}

// ---- answers --------------------------------------------------------------------------------------------------------

std::optional<LegacyHosts::Heard> LegacyHosts::answered(QuestionId token, const PeerAnswer& answer) {
  const Question* open = questions_.find(token);
  if (open == nullptr) return std::nullopt;
  if (goes_on(answer)) {
    if (const auto* list = std::get_if<IdsAnswer>(&answer)) unverified_.holds(open->host, list->ids);
    return SliceTaken{};
  }
  const std::optional<Question> asked = questions_.answered(token);
  if (asked->grant) return grant_answered(*asked->grant, answer);
  return asked_back(asked->host, answer);
}

std::size_t LegacyHosts::unfinished() const {
  return news_.size() + untold_.size() + bounces_.size() + grants_.size() + unverified_.hosts() + questions_.size();
}

}  // namespace ringside::core
