// What discovery said when it was read last, and when it is to be read again.
//
// Invariants
//  1. counts() is true only after a complete reading that nothing has put in doubt since: a host may take itself for
//     the only one only then.
// Loop thread only.
#pragma once

#include <string>
#include <vector>

#include "sidecar/core/types.h"

namespace ringside::core {

class DiscoveryReading {
 public:
  // Not complete: what it names counts, and what it does not name says nothing. `missing`: why, for a person.
  void read(const std::vector<std::string>& addresses, const std::string& self, bool complete, std::string missing);
  // What was read does not count any more: a run begins, or somebody has refused a connection.
  void doubt(Instant now);

  bool counts() const { return counts_; }
  bool lists_self() const { return lists_self_; }
  const std::string& missing() const { return missing_; }

  // True: it is to be read now, and not again for `pause`.
  bool begin_reading(Instant now, Duration pause);

 private:
  bool counts_ = false;
  bool lists_self_ = false;  // this host by its own name
  std::string missing_;
  Instant next_;
};

}  // namespace ringside::core
