// Epochs from a hybrid logical clock (Kulkarni et al. 2014): ms << 12 | counter, below 2^53.
//
// Grows with every call and never falls behind an epoch that was heard of. It follows the wall clock, but gains on the
// monotonic one by at most 1/128: a wall clock that jumps ahead must not carry epochs beyond what the others could
// know of this host when it dies. Loop thread only.
#pragma once

#include "sidecar/core/types.h"

namespace ringside::core {

class EpochClock {
 public:
  static constexpr int kCounterBits = 12;
  static constexpr std::int64_t kMaxAheadMs = 60'000;  // a clock further ahead than this is not followed
  static constexpr Epoch kLimit = Epoch{1} << 53;

  void advance(Now now);  // before anything else is asked of it, at every event
  std::int64_t wall_ms() const { return wall_us_ / 1000; }

  Epoch next();
  // What next() would be above: tells others how far this clock is.
  Epoch reading() const;
  // False: the other clock is more than kMaxAheadMs ahead; it is not followed.
  bool observe(Epoch other);
  bool too_far_ahead(Epoch other) const;

  // How far a clock that reads `other` now is ahead of our monotonic one, which no one can set.
  std::int64_t lead_ms(Epoch other) const;
  // The furthest that a clock may be by now which had that lead when last heard of, `silence` ago.
  Epoch furthest(std::int64_t lead_ms, Duration silence) const;
  // Whatever that one's host issued is below what comes next.
  void pass(std::int64_t lead_ms, Duration silence);

 private:
  static constexpr std::int64_t kGain = 128;
  // By how much two hosts may differ in what they passed for a third: their round trips to it.
  static constexpr std::int64_t kErrorMs = 50;
  // Every host adds that for every host that goes, and hears of what the others added: many changes in a row must not
  // carry the clocks of a large cluster beyond what a newcomer follows.
  static constexpr std::int64_t kMostMarginMs = kMaxAheadMs / 4;

  Epoch last_ = 0;
  bool started_ = false;
  Instant mono_;
  std::int64_t wall_us_ = 0;
};

}  // namespace ringside::core
