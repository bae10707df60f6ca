// Epochs from a hybrid logical clock (Kulkarni et al. 2014): ms << 12 | counter, below 2^53.
//
// Grows with every call, follows the wall clock, and never falls behind an epoch that was heard of. Loop thread only.
#pragma once

#include "sidecar/core/types.h"

namespace ringside::core {

class EpochClock {
 public:
  static constexpr int kCounterBits = 12;
  static constexpr std::int64_t kMaxAheadMs = 60'000;  // a clock further ahead than this is not followed
  static constexpr Epoch kLimit = Epoch{1} << 53;

  Epoch next(std::int64_t wall_ms);
  // What next() would be above: tells others how far this clock is.
  Epoch reading(std::int64_t wall_ms) const;

  // False: the other clock is more than kMaxAheadMs ahead; it is not followed.
  bool observe(Epoch other, std::int64_t wall_ms);

  // Whatever was issued anywhere up to that wall time is below what comes next.
  void pass(std::int64_t wall_ms);

 private:
  Epoch last_ = 0;
};

}  // namespace ringside::core
