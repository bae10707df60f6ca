// Hosts that were members and are so no more: which of their runs are declared dead, and what became of them.
//
// A declaration is a tombstone: whoever speaks as that run, or an older one, is told that it is dead and has to join
// anew. What became of a host serves only sentences for people.
//
// Invariants
//  1. The generation that is declared dead for a host only grows, until a new run of this host begins.
//     Only a host that has yet to join may take its word back; when it joins, the word stands.
//  2. At most kMost of each: the first by name is forgotten then. A run that is forgotten may join as an unknown one,
//     which has it looked at all the same.
// Loop thread only.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "sidecar/core/membership/member.h"
#include "sidecar/core/types.h"

namespace ringside::core {

// "1.2 s", for people: never more than has passed.
std::string seconds_since(Instant when, Instant now);

class Departed {
 public:
  static constexpr std::size_t kMost = 4096;

  enum class Word : std::uint8_t { kStands, kMayBeTakenBack };
  // `since`: of a silent one its last answer. A legacy host (generation 0) has no runs that could be told apart.
  void add(const HostRun& run, Gone how, Instant since, Word word = Word::kStands);
  void take_back(const std::string& host) { provisional_.erase(host); }  // it is a member again
  void joined();                                                         // what was said so far stands
  // This host's own run is another now: a name that answers answers for itself.
  void begin_run() {
    declared_dead_.clear();
    provisional_.clear();
  }
  // The newest run of the host that is declared dead; 0: none.
  Generation declared_dead(const std::string& host) const;
  // "10.0.0.7 refused connections 1.2 s ago"; empty: it was not a member, as far as is known.
  std::string fate_of(const std::string& host, Instant now) const;
  void check() const;  // ends the process if invariant 2 does not hold

 private:
  struct Fate {
    Gone how = Gone::kInOrder;
    Instant since;
  };
  void declare_dead(const std::string& host, Generation generation);

  std::map<std::string, Generation> declared_dead_;
  std::map<std::string, Generation> provisional_;  // the same, as long as the word may be taken back
  std::map<std::string, Fate> fates_;
};

}  // namespace ringside::core
