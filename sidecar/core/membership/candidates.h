// The table of candidates: names that this host has heard of and that are not members (yet).
//
// Invariants
//  1. At most kMost names are learned; beyond that a new one is not taken in.
//  2. A listed name stays; one that nobody lists any more is forgotten some time after this host has joined.
//  3. This host's own name is in the table until it has answered, or has failed to: it may lead to somebody else.
//  4. held_by is empty once this host has joined.
// What the candidates mean for joining is decided elsewhere (closure.h). Loop thread only.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sidecar/core/membership/candidate.h"
#include "sidecar/core/types.h"

namespace ringside::core {

class Candidates {
 public:
  static constexpr std::size_t kMost = 4096;
  enum class Source : std::uint8_t { kDiscovery, kHost };     // who names it
  enum class OldVerdict : std::uint8_t { kStands, kIsVoid };  // that it is gone: void if the name asks for attention

  Candidates(std::string self, Duration dead_after) : self_(std::move(self)), dead_after_(dead_after) {}

  const CandidateMap& all() const { return table_; }
  Candidate* find(const std::string& name);  // nullptr: not in the table
  Candidate& get(const std::string& name);   // made if it is not
  template <typename Visit>
  void each(const Visit& visit) {
    for (auto& [name, candidate] : table_) visit(name, candidate);
  }

  void begin_run(Instant now);  // every name is asked (again), this host's own included
  // `name` is neither this host's nor a member's.
  void learn(const std::string& name, Source source, OldVerdict old, Instant now);
  void unlist_all();
  void forget(const std::string& name) { table_.erase(name); }
  void forget_unlisted(Instant now);
  // Somebody who cannot join is released: whoever was held up as well, or refused, is asked again.
  void release(Instant now);

  // ---- who vouches for a name, while this host joins ----
  // Who has been taken in elsewhere is alive until those who took it in say otherwise: here its name may lead nowhere,
  // or to another host. Serving without it would be a second cluster.
  void hold(const std::string& name, const std::string& member, Instant now);
  // One of them has it no more. Those that still have it; nothing: that was not one of them.
  std::optional<std::set<std::string>> let_go(const std::string& name, const std::string& member);
  // A member is gone. The names for which nobody vouches any more.
  std::vector<std::string> lose_holder(const std::string& member);
  void release_all();  // this host has joined

 private:
  const std::string self_;
  const Duration dead_after_;
  CandidateMap table_;
};

}  // namespace ringside::core
