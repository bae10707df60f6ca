// Whether the closure of names is complete, and if it is not, what this host waits for.
//
// A host may serve only when every name that discovery lists, every name that those hosts know, and so on, has
// answered, refused, or been taken for dead: otherwise two clusters could come into being side by side. Everything
// between hosts goes by names, so a host that answers and cannot be reached by the name that it announces is in the way
// as well (docs/decisions/0013).
//
// Invariants
//  1. Nothing here is changed and nothing is asked: each answer follows from the facts alone.
//  2. waiting_for() has something to say as long as complete() is false.
// It looks at the facts as they are at that moment: made for one question, never kept. Loop thread only.
#pragma once

#include <optional>
#include <string>

#include "sidecar/core/membership/candidate.h"
#include "sidecar/core/membership/member.h"
#include "sidecar/core/membership_config.h"
#include "sidecar/core/types.h"

namespace ringside::core {

struct ClosureFacts {
  const MembershipConfig& config;
  const CandidateMap& candidates;
  const Members& members;
  Generation run = 0;  // of this host
  bool joined = false;
  bool has_twin = false;          // another host bears this one's name
  bool has_quorum = true;         // as many hosts as --quorum wants have been heard of late, this one included
  bool discovery_counts = false;  // it was read in full, and nothing has put that in doubt since
  bool lists_self = false;
  std::string missing;  // why discovery was not read in full
  Duration declares_dead_after{0};
  Instant now;
};

class Closure {
 public:
  explicit Closure(ClosureFacts facts);

  // ---- one candidate ----
  // It has been silent for too long: the question to it is no longer waited for.
  bool is_out_of_patience(const Candidate& candidate) const;
  // Neither dealt with under its name, nor about to be.
  bool is_out_of_reach(const Candidate& candidate) const;
  // Empty: what answers there is a member, or is dealt with under its name.
  std::string why_unusable(const std::string& address, const Candidate& candidate) const;

  // ---- all of them ----
  // No question is open, and nobody is in the way. This host's own name is asked beside the others.
  bool complete() const;
  bool own_name_is_open() const;
  // For a person; empty: it has joined, or nothing is missing.
  std::string waiting_for() const;
  // A cluster that serves has answered, and so has every name that it knows: nobody is alone then, whatever discovery
  // says.
  bool taken_in() const { return taken_in_; }
  // A host that answers cannot be dealt with: this one can join only when that has been mended.
  bool held_up() const;
  // By the name of that host, and not by this host's own inability to use any name: hosts with unusable names are not
  // more than those that answer under theirs. The other one is told, and waits then; else it goes on.
  bool is_held_up_by(const std::string& name) const;
  // Of two hosts whose clocks differ nobody can tell whose is wrong; of more, the few are. They must not serve beside
  // the others, which do not take them in.
  bool is_behind_most_clocks() const;
  // A list of names without addresses names nobody: they may be misspelt, and the cluster elsewhere. Those names;
  // empty: it does name somebody, or there is no list.
  std::string names_nobody() const;
  // Whoever joins now without any member bootstraps a cluster that no source lists.
  bool bootstraps_unlisted() const;
  // When the first of those members of others was named that were gone before this host could ask them.
  std::optional<Instant> unmet_since() const;

 private:
  bool awaits(const Candidate& candidate) const;
  bool blocks(const std::string& name, const Candidate& candidate) const;
  bool blocks_by_clock(const Candidate& candidate) const;
  bool heard_of_late(const Candidate& candidate) const;
  std::string why_out_of_reach(const std::string& name, const Candidate& candidate) const;
  std::size_t hosts_with(Candidate::Clock clock) const;
  std::string no_answer_yet() const;

  const ClosureFacts facts_;
  const bool taken_in_;  // it is asked for each candidate
};

}  // namespace ringside::core
