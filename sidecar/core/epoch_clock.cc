#include "sidecar/core/epoch_clock.h"

#include <algorithm>
#include <utility>

namespace ringside::core {
namespace {

Epoch at_wall(std::int64_t wall_ms) {
  return wall_ms < 0 ? 0 : static_cast<Epoch>(wall_ms) << EpochClock::kCounterBits;
}

}  // namespace

void EpochClock::advance(Now now) {
  if (!std::exchange(started_, true)) {
    wall_us_ = now.wall_ms * 1000;
  } else {
    const std::int64_t passed = (now.mono - mono_).count();
    // Back at once, which epochs never follow; ahead by little.
    wall_us_ = std::min(now.wall_ms * 1000, wall_us_ + passed + passed / kGain);
  }
  mono_ = now.mono;
}

Epoch EpochClock::next() {
  last_ = std::max(last_ + 1, at_wall(wall_ms()));
  return last_;
}

Epoch EpochClock::reading() const { return std::max(last_, at_wall(wall_ms())); }

std::int64_t EpochClock::lead_ms(Epoch other) const {
  return static_cast<std::int64_t>(other >> kCounterBits) - mono_.time_since_epoch().count() / 1000;
}

Epoch EpochClock::furthest(std::int64_t lead_ms, Duration silence) const {
  const std::int64_t gained = std::max<std::int64_t>(0, silence.count()) / (kGain * 1000) + 1;
  return at_wall(mono_.time_since_epoch().count() / 1000 + lead_ms + gained);
}

void EpochClock::pass(std::int64_t lead_ms, Duration silence) {
  last_ = std::max(reading(), furthest(lead_ms, silence));
  if (last_ < at_wall(wall_ms() + kMostMarginMs)) last_ += at_wall(kErrorMs);
}

bool EpochClock::too_far_ahead(Epoch other) const {
  return other > std::max(at_wall(wall_ms() + kMaxAheadMs), last_) || other >= kLimit;
}

bool EpochClock::observe(Epoch other) {
  if (too_far_ahead(other)) return false;
  last_ = std::max(last_, other);
  return true;
}

}  // namespace ringside::core
