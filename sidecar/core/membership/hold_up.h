// How long this joiner has been held up by a host that answers and cannot be dealt with (docs/decisions/0013).
//
// Invariants
//  1. gives_up() is true at most once for each hold-up; from then on until it ends this host asks nobody to take it in.
// Loop thread only.
#pragma once

#include "sidecar/core/types.h"

namespace ringside::core {

class HoldUp {
 public:
  void begin(Instant now);  // or goes on
  void end();
  bool lasts() const { return since_ != kNever; }
  // True: it has lasted longer than that, and nobody has been told so.
  bool gives_up(Instant now, Duration patience);
  bool asks_nobody() const { return asks_nobody_; }
  void check() const;  // ends the process if it asks nobody and is not held up

 private:
  Instant since_ = kNever;
  bool asks_nobody_ = false;
};

}  // namespace ringside::core
