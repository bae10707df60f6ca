#include "sidecar/core/membership/candidates.h"

#include <utility>

namespace ringside::core {

Candidate* Candidates::find(const std::string& name) {
  const auto found = table_.find(name);
  return found == table_.end() ? nullptr : &found->second;
}

Candidate& Candidates::get(const std::string& name) { return table_[name]; }

void Candidates::begin_run(Instant now) {
  for (auto& [name, candidate] : table_) {
    if (candidate.state == Candidate::State::kAlias || candidate.state == Candidate::State::kForeign) continue;
    candidate.ask_anew(now);
    candidate.first_named = now;
  }
  // Nobody else may name this host, where two have its name: its own name leads to one of them.
  Candidate& own = table_[self_];
  own = {};
  own.ask_anew(now);
  own.keep_until = now + 4 * dead_after_;
}

void Candidates::learn(const std::string& name, Source source, OldVerdict old, Instant now) {
  const bool listed = source == Source::kDiscovery;
  const auto found = table_.find(name);
  if (found == table_.end()) {
    if (table_.size() >= kMost) return;
    Candidate& candidate = table_[name];
    candidate.listed = listed;
    candidate.named = !listed;
    candidate.ask_anew(now);
    candidate.first_named = now;
    candidate.keep_until = now + 4 * dead_after_;
    return;
  }
  Candidate& candidate = found->second;
  candidate.listed = candidate.listed || listed;
  if (!listed && !candidate.named) candidate.first_named = now;
  candidate.named = candidate.named || !listed;
  const bool away = candidate.gone() || candidate.state == Candidate::State::kClosed;
  if (old == OldVerdict::kIsVoid && candidate.held_by.empty() && away) {
    candidate.ask_anew(now);
    candidate.keep_until = now + 4 * dead_after_;
  }
}

void Candidates::unlist_all() {
  for (auto& [name, candidate] : table_) candidate.listed = false;
}

void Candidates::forget_unlisted(Instant now) {
  std::erase_if(table_, [now](const auto& entry) { return !entry.second.listed && now > entry.second.keep_until; });
}

void Candidates::release(Instant now) {
  for (auto& [name, candidate] : table_) {
    if (std::exchange(candidate.held_up, false)) candidate.next_try = now;
    // Somebody may have started there, whom nobody can name.
    if (candidate.state == Candidate::State::kRefused) candidate.ask_anew(now);
  }
}

void Candidates::hold(const std::string& name, const std::string& member, Instant now) {
  Candidate* candidate = find(name);
  if (candidate == nullptr) return;
  if (candidate->held_by.empty()) candidate->next_probe = now + dead_after_ / 4;
  candidate->held_by.insert(member);
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

void Candidates::release_all() {
  for (auto& [name, candidate] : table_) candidate.held_by.clear();
}

}  // namespace ringside::core
