#include "sidecar/core/membership/epoch_clock.h"

#include <algorithm>
#include <utility>

namespace ringside::core {
namespace {

Epoch at_wall(std::int64_t wall_ms) {
  return wall_ms < 0 ? Epoch() : Epoch(static_cast<std::uint64_t>(wall_ms) << EpochClock::kCounterBits);
}

// So long after that epoch, as time alone brings a clock on.
Epoch later(Epoch epoch, std::int64_t ms) { return Epoch(epoch.value() + at_wall(ms).value()); }

}  // namespace

void EpochClock::advance(Now now) {
  if (!std::exchange(started_, true)) {
    wall_us_ = now.wall_ms * 1000;
  } else {
    const std::int64_t passed = (now.mono - mono_).count();
    wall_us_ = std::clamp(now.wall_ms * 1000, wall_us_ + passed - passed / kGain, wall_us_ + passed + passed / kGain);
    judged_by_us_ += passed;
  }
  mono_ = now.mono;
}

void EpochClock::follow_at_once(Now now) { wall_us_ = now.wall_ms * 1000; }

Epoch EpochClock::next() {
  last_ = std::max(last_.next(), at_wall(wall_ms()));
  return last_;
}

Epoch EpochClock::reading() const { return std::max(last_, at_wall(wall_ms())); }

ClockReading EpochClock::reading_in_full() const { return {reading(), at_wall(wall_ms())}; }

void EpochClock::Bound::widen(const Bound& other) {
  epoch = std::max(epoch, other.epoch);
  lead_ms = std::max(lead_ms, other.lead_ms);
}

EpochClock::Bound EpochClock::bound(const ClockReading& said, Duration round_trip) const {
  const Epoch by_time = said.by_time == 0 ? said.epoch : std::min(said.by_time, said.epoch);
  const std::int64_t now_ms = mono_.time_since_epoch().count() / 1000;
  return {said.epoch,
          static_cast<std::int64_t>(by_time.value() >> kCounterBits) - now_ms + round_trip.count() / 1000 + 1};
}

ClockReading EpochClock::furthest(const Bound& bound, Duration silence) const {
  const std::int64_t silent_ms = std::max<std::int64_t>(0, silence.count()) / 1000;
  const std::int64_t now_ms = mono_.time_since_epoch().count() / 1000;
  return {later(bound.epoch, silent_ms / kIssued + 1), at_wall(now_ms + bound.lead_ms + silent_ms / kGain + 1)};
}

void EpochClock::pass(const ClockReading& furthest) {
  last_ = std::max({reading(), furthest.epoch, furthest.by_time});
  if (last_ < at_wall(wall_ms() + kMostMarginMs)) last_ = later(last_, kErrorMs);
}

bool EpochClock::too_far_ahead(Epoch other) const {
  const std::int64_t now_ms = std::max(wall_us_, judged_by_us_) / 1000;
  return other > std::max(at_wall(now_ms + kMaxAheadMs), last_) || other >= kLimit;
}

bool EpochClock::too_far_behind(const ClockReading& other) const {
  return later(other.by_time == 0 ? other.epoch : other.by_time, kMaxAheadMs) < reading();
}

void EpochClock::judge_by(std::int64_t wall_ms) { judged_by_us_ = wall_ms * 1000; }

bool EpochClock::follow(Epoch said, const Bound& bound, Duration silence) {
  const ClockReading most = furthest(bound, silence);
  if (said > std::max(most.epoch, most.by_time) || said >= kLimit) return false;
  last_ = std::max(last_, said);
  return true;
}

bool EpochClock::observe(Epoch other) {
  if (too_far_ahead(other)) return false;
  last_ = std::max(last_, other);
  return true;
}

}  // namespace ringside::core
