// This host's own name: which runs were this process, and whether another host bears the name too.
//
// Two hosts of one name cannot be told apart by the others, so neither may serve. What answers under this name is this
// very process only if it states the generation of one of its last runs.
//
// Invariants
//  1. The present run is always among those that are remembered.
//  2. least_generation() only grows.
// Loop thread only.
#pragma once

#include <deque>
#include <optional>

#include "sidecar/core/types.h"

namespace ringside::core {

class OwnName {
 public:
  static constexpr std::size_t kRunsRemembered = 8;  // what an earlier run has asked may still be on its way
  static constexpr Duration kTwinLasts{3'000'000};   // a twin that cannot join asks once a second

  void begin_run(Generation generation);
  bool is_this_process(Generation run) const;
  void check(Generation present) const;  // ends the process if invariant 1 does not hold; 0: no run yet

  // Others have declared a run up to this one dead: the next must be above it.
  void must_exceed(Generation declared_dead);
  Generation least_generation() const { return least_generation_; }

  // True: there was none before.
  bool hear_twin(Instant now);
  bool has_twin(Instant now) const { return twin_heard_ && now - *twin_heard_ <= kTwinLasts; }

 private:
  std::deque<Generation> last_runs_;  // the present one last
  Generation least_generation_ = 0;
  std::optional<Instant> twin_heard_;
};

}  // namespace ringside::core
