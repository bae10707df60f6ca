#include "sidecar/core/directory/directory.h"

#include <algorithm>

#include "sidecar/base/check.h"
#include "sidecar/core/hash.h"
#include "sidecar/core/spacing.h"

namespace ringside::core {
namespace {

constexpr Duration kInventoryRepeat{200'000};        // to whom has failed to answer
constexpr Duration kLastInventoryRepeat{3'200'000};  // to whom has said nothing so far: it may be busy with many others
constexpr Duration kContestRepeat{500'000};
constexpr Duration kListTime{15'000'000};  // that a list for an inventory may take on its way

}  // namespace

Directory::Directory(const NodeConfig& config, Context& context, const ClusterView& cluster, const LocalClaims& here)
    : config_(config),
      context_(context),
      cluster_(cluster),
      here_(here),
      displaced_(config.max_displaced, config.most_in_slice) {}

void Directory::ask(Question about, PeerRequest request) {
  const QuestionId token = context_.next<QuestionId>();
  const std::string host = about.host;
  // Ten million ids take their time, and one that is asked for again meanwhile is not sent twice.
  const bool of_inventory = about.about == Question::About::kInventory;
  questions_.asked(token, std::move(about));
  context_.effects.push_back(AskPeer{token, host, std::move(request),
                                     of_inventory ? std::max(kListTime, config_.dead_after) : config_.dead_after});
}

bool Directory::keep(ActorId id, const HostRun& holder, Epoch epoch) {
  RINGSIDE_CHECK(cluster_.owns(id));
  return displaced_.put(id, holder, epoch);
}

void Directory::check() const {
  inventory_.check();
  displaced_.check([this](ActorId id) { return cluster_.owns(id); });
}

// ---- the view changes -----------------------------------------------------------------------------------------------

void Directory::begin_run() {
  inventory_.clear();
  displaced_.clear();
  contested_.clear();
}

void Directory::gain(const HashRanges& ranges) {
  if (!ranges.empty()) ++gains_;
  displaced_.gain(ranges);
  inventory_.gain(ranges);
}

void Directory::lose(const HashRanges& lost) {
  inventory_.lose(lost);
  displaced_.lose(lost);
}

void Directory::run_ended(const HostRun& run) {
  displaced_.drop_run(run);
  inventory_.gone(run.host);
}

// ---- inventories ----------------------------------------------------------------------------------------------------

// Asks, and asks again, whoever has not yet told what it holds in the ranges that became this host's. Not while its
// list is being read, which takes its time.
bool Directory::ask_inventory() {
  const bool opens = inventory_.may_open_next();
  if (opens) {
    std::map<std::string, Generation> everybody;
    for (const HostRun& member : cluster_.runs()) everybody[member.host] = member.generation;
    inventory_.open_next(everybody);
    next_inventory_ = ask_all_again_ = context_.now.mono;
    inventory_repeats_ = 0;
  }
  if (inventory_.waiting().empty() || context_.now.mono < next_inventory_) return opens;
  next_inventory_ = context_.now.mono + kInventoryRepeat;
  const bool asks_all = context_.now.mono >= ask_all_again_;
  if (asks_all) {
    ask_all_again_ = context_.now.mono + backoff(kInventoryRepeat, ++inventory_repeats_, kLastInventoryRepeat);
  }
  std::set<std::string> asked;      // and may yet answer
  std::set<std::string> answering;  // its list is being read
  questions_.each([&](const Question& open) {
    if (open.inventory != inventory_.number()) return;
    asked.insert(open.host);
    if (open.begun) answering.insert(open.host);
  });
  for (const auto& [host, generation] : inventory_.waiting()) {
    if (answering.contains(host) || (!asks_all && asked.contains(host))) continue;
    Question question{Question::About::kInventory, host, generation, inventory_.number(), {}, {}};
    if (generation == 0) {
      ask(std::move(question), IdsRequest{0, inventory_.number()});
    } else {
      // A share of the ring is some hundred ranges: who holds little is quicker asked for all of it.
      const bool holds_little = cluster_.actors_of(host) < config_.asked_for_all_below;
      ask(std::move(question), InventoryRequest{generation, inventory_.number(),
                                                holds_little ? HashRanges::everything() : inventory_.ranges(), 0, 0});
    }
  }
  return opens;
}

void Directory::ask_ids(const std::string& host, const std::set<ActorId>& doubted) {
  ask({Question::About::kIds, host, 0, 0, {}, doubted}, IdsRequest{});
}

bool Directory::awaits_ids(const std::string& host) {
  bool awaits = false;
  questions_.each(
      [&](const Question& open) { awaits = awaits || (open.about == Question::About::kIds && open.host == host); });
  return awaits;
}

InventoryAnswer Directory::inventory_for(const Sender& sender, const InventoryRequest& request) const {
  InventoryAnswer says;
  says.number = request.number;
  const Standing standing = cluster_.standing_of(sender);
  // Ids of the asker's ranges may have become this host's since the last slice, and be active among those told by then.
  const bool is_overtaken = request.after != 0 && request.as_of != gains_;
  if (standing == Standing::kDeclaredDead) {
    says.status = ReplyStatus::kDeclaredDead;
  } else if (standing != Standing::kInView || sender.from_elsewhere) {
    // Not on this host's ring: an answer now would promise nothing. And what is held here is told to members alone.
    says.status = ReplyStatus::kUnverified;
  } else if (request.to_generation != cluster_.self().generation || is_overtaken) {
    says.status = ReplyStatus::kStale;
  } else {
    says.status = ReplyStatus::kOk;
    says.as_of = gains_;
    std::size_t seen = 0;
    here_.each_claim_above(request.after, [&](const Claim& claim) {
      says.more = ++seen > config_.most_in_slice;
      if (says.more) return false;
      says.upto = claim.id;
      if (request.ranges.contains(hash_id(claim.id))) says.claims.push_back(claim);
      return true;
    });
  }
  return says;
}

Directory::InventoryHeard Directory::inventory_answered(Question& asked, const PeerAnswer& answer) {
  InventoryHeard heard;
  asked.over = true;
  const HostRun* member = cluster_.run_of(asked.host);
  if (member == nullptr || member->generation != asked.generation) return heard;
  const bool of_inventory = asked.about == Question::About::kInventory;
  // Of the question of an earlier run that is not news.
  const bool open = of_inventory && inventory_.awaits(asked.host, asked.generation, asked.inventory);
  std::vector<Claim> claims;
  const auto* inventory = std::get_if<InventoryAnswer>(&answer);
  if (inventory != nullptr) {
    heard.declared_dead = open && inventory->status == ReplyStatus::kDeclaredDead;
    if (inventory->status != ReplyStatus::kOk || inventory->number != asked.inventory) return heard;
    claims = inventory->claims;
  } else if (const auto* ids = std::get_if<IdsAnswer>(&answer)) {
    claims.reserve(ids->ids.size());
    for (const ActorId id : ids->ids) {
      if (id == 0) continue;
      claims.push_back({id, 0});
      asked.doubted.erase(id);
    }
  } else {
    const auto* failure = std::get_if<PeerFailure>(&answer);
    heard.unheard = !of_inventory && failure != nullptr && failure->unheard();
    heard.refused = failure != nullptr && failure->kind == PeerFailure::Kind::kReset;
    return heard;
  }
  if (of_inventory && !open) return heard;
  std::erase_if(claims, [&](const Claim& claim) { return inventory_.has_ended(asked.host, claim); });
  std::optional<std::vector<Claim>> taken = take_claims(*member, claims);
  if (!taken) {
    // What cannot be remembered must not be claimed: the ranges stay closed, and the question is asked again.
    context_.log(Level::kError, "strays_full", {{"strays", std::to_string(displaced_.size())}, {"host", asked.host}});
    return heard;
  }
  heard.displaced = std::move(*taken);
  if (inventory != nullptr) {
    for (const Ended& ended : inventory->remembered) {
      if (cluster_.owns(ended.id) && !here_.has(ended.id)) heard.inherited.push_back(ended);
    }
  }
  asked.begun = true;
  asked.over = !goes_on(answer);
  if (!asked.over) return heard;
  for (const ActorId id : asked.doubted) displaced_.drop(id, asked.host, 0);
  if (of_inventory) inventory_.answered(asked.host, asked.generation, asked.inventory);
  heard.news = true;
  return heard;
}

// What another holds although the ring names this host. (With --peer-apply own any id may come to this host.) Nothing:
// there is no room for all of it.
std::optional<std::vector<Claim>> Directory::take_claims(const HostRun& holder, const std::vector<Claim>& claims) {
  std::vector<Claim> taken;
  taken.reserve(claims.size());
  for (const Claim& claim : claims) {
    if (!cluster_.owns(claim.id)) {
      if (config_.peer_apply_own) hints_.put(claim.id, holder.host);
      continue;
    }
    if (!displaced_.put(claim.id, holder, claim.epoch)) return std::nullopt;
    taken.push_back(claim);
    if (here_.has(claim.id) || displaced_.has_duplicates(claim.id)) contested_.insert(claim.id);
  }
  return taken;
}

// ---- ids with two holders -------------------------------------------------------------------------------------------

// The greater epoch stays. The lesser is told again and again, until it has ended.
Directory::Contested Directory::resolve_contested() {
  Contested contested;
  if (!is_contest_due()) return contested;
  next_contest_ = context_.now.mono + kContestRepeat;
  for (auto at = contested_.begin(); at != contested_.end();) {
    const ActorId id = *at;
    const std::vector<DisplacedActivation> holders = displaced_.holders(id);
    const std::optional<Epoch> mine = here_.epoch_of(id);
    if (!cluster_.owns(id) || holders.size() + (mine ? 1 : 0) < 2) {
      at = contested_.erase(at);
      continue;
    }
    ++at;
    const DisplacedActivation& greatest = holders.front();
    if (mine && greatest.epoch > *mine) {
      if (auto yielded = yield(id, greatest.holder.host, greatest.epoch)) {
        contested.yielded.push_back(std::move(*yielded));
      }
    } else if (mine) {
      for (const DisplacedActivation& elsewhere : holders) contested.mine[elsewhere.holder.host].push_back({id, *mine});
      continue;
    }
    // In the winner's name, which makes the other look: it announces its claim there, and yields to the answer.
    for (std::size_t i = 1; i < holders.size(); ++i) {
      const bool first_is_legacy = greatest.holder.generation == 0;
      const DisplacedActivation& winner = first_is_legacy || holders[i].holder.generation != 0 ? greatest : holders[i];
      const DisplacedActivation& loser = &winner == &greatest ? holders[i] : greatest;
      OwnershipRequest& claims = contested.of_others[{loser.holder.host, winner.holder.host}];
      claims.host = winner.holder.host;
      claims.generation = winner.holder.generation;
      claims.claims.push_back({id, winner.epoch});
    }
  }
  return contested;
}

void Directory::tell(Contested&& contested) {
  for (auto& [host, claims] : contested.mine) announce(host, std::move(claims));
  for (auto& [hosts, claims] : contested.of_others) {
    context_.effects.push_back(
        AskPeer{context_.next<QuestionId>(), hosts.first, std::move(claims), config_.dead_after});
  }
}

// Another host was first: forget the activation here, and route to that one.
std::optional<Directory::Yielded> Directory::yield(ActorId id, const std::string& owner, Epoch epoch) {
  const HostRun* holder = cluster_.run_of(owner);
  if (!here_.has(id) || owner == cluster_.self().host || holder == nullptr) return std::nullopt;
  if (cluster_.owns(id)) {
    keep(id, *holder, epoch);
  } else {
    hints_.put(id, owner);
  }
  return Yielded{id, owner};
}

// ---- what calls tell ------------------------------------------------------------------------------------------------

void Directory::is_not_at(ActorId id, const std::string& host, Epoch epoch) {
  displaced_.drop(id, host, epoch);
  hints_.drop(id);
}

void Directory::was_answered_by(ActorId id, const std::string& host) {
  if (cluster_.owner(id) == nullptr) return;
  if (cluster_.is_owner(host, id) || host == cluster_.self().host) {
    hints_.drop(id);
  } else {
    hints_.put(id, host);
  }
}

// ---- answers --------------------------------------------------------------------------------------------------------

std::optional<Directory::Heard> Directory::answered(QuestionId token, const PeerAnswer& answer) {
  Question* asked = questions_.find(token);
  if (asked == nullptr) return std::nullopt;
  if (asked->about == Question::About::kAnnouncement) {
    const Question announced = *questions_.answered(token);
    return Heard{announced.host, announcement_answered(announced, answer)};
  }
  Heard heard{asked->host, inventory_answered(*asked, answer)};
  if (asked->over) questions_.answered(token);
  return heard;
}

}  // namespace ringside::core
