#include "sidecar/core/membership/departed.h"

#include <algorithm>
#include <utility>

#include "sidecar/base/check.h"

namespace ringside::core {

std::string seconds_since(Instant when, Instant now) {
  const Duration::rep tenths = std::max<Duration::rep>(0, (now - when).count()) / 100'000;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

void Departed::add(const HostRun& run, Gone how, Instant since, Word word) {
  if (run.generation != 0 && word == Word::kStands) declare_dead(run.host, run.generation);
  if (run.generation != 0 && word == Word::kMayBeTakenBack) {
    if (provisional_.size() >= kMost) provisional_.erase(provisional_.begin());
    provisional_[run.host] = run.generation;
  }
  if (fates_.size() >= kMost) fates_.erase(fates_.begin());
  fates_[run.host] = {how, since};
}

void Departed::declare_dead(const std::string& host, Generation generation) {
  if (declared_dead_.size() >= kMost) declared_dead_.erase(declared_dead_.begin());
  Generation& newest = declared_dead_[host];
  newest = std::max(newest, generation);
}

void Departed::joined() {
  for (const auto& [host, generation] : std::exchange(provisional_, {})) declare_dead(host, generation);
}

Generation Departed::declared_dead(const std::string& host) const {
  const auto found = declared_dead_.find(host);
  return found == declared_dead_.end() ? 0 : found->second;
}

void Departed::check() const {
  RINGSIDE_CHECK(declared_dead_.size() <= kMost && provisional_.size() <= kMost);
  RINGSIDE_CHECK(fates_.size() <= kMost);
}

std::string Departed::fate_of(const std::string& host, Instant now) const {
  const auto found = fates_.find(host);
  if (found == fates_.end()) return "";
  const std::string since = seconds_since(found->second.since, now);
  switch (found->second.how) {
    case Gone::kInOrder:
      return host + " ended in order " + since + " ago";
    case Gone::kReplaced:
      return host + " was replaced by another run " + since + " ago";
    case Gone::kRefusing:
      return host + " refused connections " + since + " ago";
    case Gone::kSilent:
      return host + " has been silent for " + since;
  }
  return "";
}

}  // namespace ringside::core
