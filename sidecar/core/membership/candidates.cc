#include "sidecar/core/membership/candidates.h"

#include <algorithm>
#include <utility>

#include "sidecar/base/check.h"
#include "sidecar/core/host_name.h"

namespace ringside::core {

Candidate* Candidates::find(const std::string& name) {
  const auto found = table_.find(name);
  return found == table_.end() ? nullptr : &found->second;
}

Candidate& Candidates::get(const std::string& name) {
  const auto [place, is_new] = table_.try_emplace(name);
  if (is_new && name != config_.host && canonical_host(name) == name) place->second.hash = hash_bytes(name);
  return place->second;
}

void Candidates::begin_run(Instant now) {
  strangers_awaited_ = 0;
  for (auto& [name, candidate] : table_) {
    if (candidate.state == Candidate::State::kAlias || candidate.state == Candidate::State::kForeign) continue;
    candidate.ask_anew(now);
    candidate.first_named = now;
  }
  // Nobody else may name this host, where two have its name: its own name leads to one of them.
  Candidate& own = table_[config_.host];
  own = {};
  own.ask_anew(now);
  own.keep_until = now + 4 * config_.dead_after;
}

void Candidates::learn(const std::string& name, Source source, OldFinding old, Instant now) {
  const bool listed = source == Source::kDiscovery;
  const bool by_stranger = source == Source::kStranger;
  const auto found = table_.find(name);
  if (found == table_.end()) {
    if (table_.size() >= kMost || (by_stranger && of_strangers() >= kMostOfStrangers)) return;
    Candidate& candidate = get(name);
    candidate.listed = listed;
    candidate.named = source == Source::kHost;
    candidate.of_stranger = by_stranger;
    if (by_stranger && strangers_awaited_++ < kMostOfStrangers)
      candidate.awaited_until = now + 2 * config_.ping_interval;
    candidate.ask_anew(now);
    candidate.first_named = now;
    candidate.keep_until = now + 4 * config_.dead_after;
    return;
  }
  Candidate& candidate = found->second;
  candidate.listed = candidate.listed || listed;
  if (source == Source::kHost && !candidate.named) {
    candidate.first_named = now;
    candidate.named = true;
  }
  candidate.of_stranger = candidate.of_stranger && by_stranger;
  const bool away = candidate.gone() || candidate.state == Candidate::State::kClosed;
  if (old == OldFinding::kIsVoid && candidate.held_by.empty() && away) {
    candidate.ask_anew(now);
    candidate.keep_until = now + 4 * config_.dead_after;
  }
}

std::size_t Candidates::of_strangers() const {
  return static_cast<std::size_t>(
      std::count_if(table_.begin(), table_.end(), [](const auto& entry) { return entry.second.of_stranger; }));
}

void Candidates::unlist_all() {
  for (auto& [name, candidate] : table_) candidate.listed = false;
}

void Candidates::forget_unlisted(Instant now) {
  std::erase_if(table_, [now](const auto& entry) { return !entry.second.listed && now > entry.second.keep_until; });
}

void Candidates::excuse_for(Duration lag, Instant now) {
  for (auto& [name, candidate] : table_) {
    if (candidate.open()) candidate.excuse_for(lag, now);
  }
}

void Candidates::release(Instant now) {
  for (auto& [name, candidate] : table_) {
    if (std::exchange(candidate.held_up, false)) candidate.next_try = now;
    // Somebody may have started there, whom nobody can name.
    if (candidate.state == Candidate::State::kNobodyListens) candidate.ask_anew(now);
  }
}

Candidates::Inquiry Candidates::next_inquiry(const std::string& name, const Circumstances& circumstances) {
  const auto found = table_.find(name);
  RINGSIDE_CHECK(found != table_.end());
  Candidate& candidate = found->second;
  const Instant now = circumstances.now;
  const bool hurries = circumstances.joined && circumstances.nobody_owns;
  const Duration quiet = hurries ? config_.ping_interval : Candidate::kQuietRepeat;
  switch (candidate.state) {
    case Candidate::State::kClosed:
      // Where it is still there after a while, somebody else may have said good-bye in its name.
      candidate.ask_anew(now);
      [[fallthrough]];
    case Candidate::State::kAsking:
      candidate.next_try = circumstances.joined ? now + quiet : candidate.next_repeat(now);
      return Inquiry::kPing;
    case Candidate::State::kJoining: {
      candidate.next_try = candidate.next_repeat(now);
      if (candidate.legacy) return Inquiry::kNegotiate;
      // Whoever takes this host in has it on the ring, where it would own what nobody can reach. Who serves may know
      // better than this host who belongs to the cluster.
      const bool may_know_better = candidate.unverified || (candidate.serves && !circumstances.asks_nobody);
      const bool asks = !circumstances.joined && (!circumstances.held_up || may_know_better);
      return asks ? Inquiry::kAskToJoin : Inquiry::kPing;
    }
    case Candidate::State::kAlias:
    case Candidate::State::kForeign: {
      const bool is_unusable = candidate.state == Candidate::State::kAlias && !candidate.problem.empty();
      const bool is_in_the_way = candidate.blocks || candidate.clock != Candidate::Clock::kNear;
      const bool soon = is_unusable || is_in_the_way || !candidate.held_by.empty();
      candidate.next_try = now + (soon ? Candidate::kQuietRepeat : Candidate::kElsewhereRepeat);
      return Inquiry::kLookUpAfreshAndPing;
    }
    default:
      candidate.next_try = now + quiet;
      return Inquiry::kPing;
  }
}

std::vector<std::string> Candidates::to_be_met(bool joining) const {
  std::vector<std::string> names;
  for (const auto& [name, candidate] : table_) {
    if (is_to_be_met(candidate, joining)) names.push_back(name);
  }
  return names;
}

void Candidates::add_to(NamesDigest& digest, bool joining) const {
  for (const auto& [name, candidate] : table_) {
    if (is_to_be_met(candidate, joining)) digest.add(*candidate.hash);
  }
}

void Candidates::all_are_named(Instant now) {
  for (auto& [name, candidate] : table_) {
    if (!is_to_be_met(candidate, true)) continue;
    if (!std::exchange(candidate.named, true)) candidate.first_named = now;
    candidate.of_stranger = false;
  }
}

void Candidates::hold_all(const std::string& member, Instant now) {
  for (auto& [name, candidate] : table_) {
    if (is_to_be_met(candidate, true)) hold(candidate, member, now);
  }
}

void Candidates::hold(const std::string& name, const std::string& member, Instant now) {
  if (Candidate* candidate = find(name)) hold(*candidate, member, now);
}

void Candidates::hold(Candidate& candidate, const std::string& member, Instant now) const {
  if (candidate.held_by.empty()) candidate.next_probe = now + config_.dead_after / 4;
  candidate.held_by.insert(member);
  candidate.held_since = now;
  if (std::exchange(candidate.held_up, false)) candidate.next_try = now;
}

std::optional<std::set<std::string>> Candidates::let_go(const std::string& name, const std::string& member) {
  Candidate* candidate = find(name);
  if (candidate == nullptr || candidate->held_by.erase(member) == 0) return std::nullopt;
  return candidate->held_by;
}

std::vector<std::string> Candidates::lose_holder(const std::string& member) {
  std::vector<std::string> free;
  for (auto& [name, candidate] : table_) {
    if (candidate.held_by.erase(member) != 0 && candidate.held_by.empty()) free.push_back(name);
  }
  return free;
}

void Candidates::check(bool joined) const {
  RINGSIDE_CHECK(of_strangers() <= kMostOfStrangers);
  const auto is_held = [](const auto& entry) { return !entry.second.held_by.empty(); };
  RINGSIDE_CHECK(!joined || std::none_of(table_.begin(), table_.end(), is_held));
}

void Candidates::release_all() {
  for (auto& [name, candidate] : table_) candidate.held_by.clear();
}

}  // namespace ringside::core
