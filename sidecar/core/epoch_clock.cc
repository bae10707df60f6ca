#include "sidecar/core/epoch_clock.h"

#include <algorithm>

namespace ringside::core {
namespace {

Epoch at_wall(std::int64_t wall_ms) {
  return wall_ms < 0 ? 0 : static_cast<Epoch>(wall_ms) << EpochClock::kCounterBits;
}

}  // namespace

Epoch EpochClock::next(std::int64_t wall_ms) {
  last_ = std::max(last_ + 1, at_wall(wall_ms));
  return last_;
}

Epoch EpochClock::reading(std::int64_t wall_ms) const { return std::max(last_, at_wall(wall_ms)); }

void EpochClock::pass(std::int64_t wall_ms) { last_ = std::max(last_, at_wall(wall_ms + 1)); }

bool EpochClock::observe(Epoch other, std::int64_t wall_ms) {
  if (other > std::max(at_wall(wall_ms + kMaxAheadMs), last_) || other >= kLimit) return false;
  last_ = std::max(last_, other);
  return true;
}

}  // namespace ringside::core
