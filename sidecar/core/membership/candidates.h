// The table of candidates: names that this host has heard of and that are not members (yet).
//
// Invariants
//  1. At most kMost names are learned, and kMostOfStrangers of those that nobody else names; beyond that a new one is
//     not taken in.
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
#include "sidecar/core/membership_config.h"
#include "sidecar/core/names_digest.h"
#include "sidecar/core/types.h"

namespace ringside::core {

class Candidates {
 public:
  static constexpr std::size_t kMost = 4096;
  // Names that only somebody has given who is not a member: it may be a host of this cluster that this one has yet to
  // meet, or anybody. Each is looked at, and a joiner waits a moment for this many of them; all of them cost little.
  static constexpr std::size_t kMostOfStrangers = 16;
  enum class Source : std::uint8_t { kDiscovery, kHost, kStranger };  // who names it; a host is one of this cluster
  enum class OldFinding : std::uint8_t { kStands, kIsVoid };  // that it is gone: void if the name asks for attention

  explicit Candidates(const MembershipConfig& config) : config_(config) {}

  const CandidateMap& all() const { return table_; }
  Candidate* find(const std::string& name);  // nullptr: not in the table
  Candidate& get(const std::string& name);   // made if it is not
  template <typename Visit>
  void each(const Visit& visit) {
    for (auto& [name, candidate] : table_) visit(name, candidate);
  }

  void begin_run(Instant now);  // every name is asked (again), this host's own included
  // `name` is neither this host's nor a member's.
  void learn(const std::string& name, Source source, OldFinding old, Instant now);
  void unlist_all();
  void forget(const std::string& name) { table_.erase(name); }
  void forget_unlisted(Instant now);
  // For so long this host could have heard nobody: that is not their silence.
  void excuse_for(Duration lag, Instant now);
  // Somebody who cannot join is released: whoever was held up as well, or refused, is asked again.
  void release(Instant now);

  // ---- when each is asked, and what ----
  struct Circumstances {
    Instant now;
    bool joined = false;
    bool nobody_owns = false;  // anything: calls wait for the first host that comes
    bool held_up = false;      // this host cannot join as it is
    bool asks_nobody = false;  // and has been so for too long
  };
  enum class Inquiry : std::uint8_t { kPing, kLookUpAfreshAndPing, kAskToJoin, kNegotiate };
  // What that name, which is in the table, is asked now. It is due again later.
  Inquiry next_inquiry(const std::string& name, const Circumstances& circumstances);
  // Whom others are to ask as well, beside the members.
  std::vector<std::string> to_be_met(bool joining) const;
  void add_to(NamesDigest& digest, bool joining) const;  // those

  // ---- who vouches for a name, while this host joins ----
  // Who has been taken in elsewhere is alive until those who took it in say otherwise: here its name may lead nowhere,
  // or to another host. Serving without it would be a second cluster. What it said before about not being able to join
  // is void (Candidate::cannot_join).
  void hold(const std::string& name, const std::string& member, Instant now);
  // A host that knows just the names that this one knows while it joins: what it would have said by naming them.
  void all_are_named(Instant now);
  void hold_all(const std::string& member, Instant now);
  // One of them has it no more. Those that still have it; nothing: that was not one of them.
  std::optional<std::set<std::string>> let_go(const std::string& name, const std::string& member);
  // A member is gone. The names for which nobody vouches any more.
  std::vector<std::string> lose_holder(const std::string& member);
  void release_all();  // this host has joined

  void check(bool joined) const;  // ends the process if invariant 1 (of strangers) or 4 does not hold

 private:
  std::size_t of_strangers() const;
  void hold(Candidate& candidate, const std::string& member, Instant now) const;
  static bool is_to_be_met(const Candidate& candidate, bool joining) {
    return candidate.open() && (joining || candidate.legacy) && candidate.hash;
  }

  const MembershipConfig& config_;
  CandidateMap table_;
  std::size_t strangers_awaited_ = 0;  // names of strangers that have kept this run waiting
};

}  // namespace ringside::core
