// Epochs from a hybrid logical clock (Kulkarni et al. 2014): ms << 12 | counter, below 2^53.
//
// Grows with every call and never falls behind an epoch that was heard of. It follows the wall clock, but differs from
// the monotonic one by at most 1/128: a wall clock that jumps ahead must not carry epochs beyond what the others could
// know of this host when it dies, and one that jumps back must not make it refuse those whose clocks are right. Loop
// thread only.
#pragma once

#include "sidecar/core/types.h"

namespace ringside::core {

class EpochClock {
 public:
  static constexpr int kCounterBits = 12;
  static constexpr std::int64_t kMaxAheadMs = 60'000;  // a clock further ahead than this is not followed
  static constexpr Epoch kLimit{std::uint64_t{1} << 53};

  void advance(Now now);         // before anything else is asked of it, at every event
  void follow_at_once(Now now);  // a wall clock that jumped ahead, where nobody knows this one yet
  std::int64_t wall_ms() const { return wall_us_ / 1000; }

  Epoch next();
  // What next() would be above: tells others how far this clock is.
  Epoch reading() const;
  ClockReading reading_in_full() const;
  // False: the other clock is more than kMaxAheadMs ahead; it is not followed.
  bool observe(Epoch other);
  bool too_far_ahead(Epoch other) const;
  bool too_far_behind(const ClockReading& other) const;  // by its own time
  // Another wall clock that is not from the future either, as far as this host can tell at this moment.
  void judge_by(std::int64_t wall_ms);

  // ---- how far another host's clock may be, which may be gone by the time that this matters ----
  struct Bound {
    Epoch epoch = 0;
    std::int64_t lead_ms = 0;  // of its time to our monotonic clock, which no one can set
    void widen(const Bound& other);
  };
  // Of one that has just answered with `said`, at some moment of the last `round_trip`.
  Bound bound(const ClockReading& said, Duration round_trip) const;
  // The furthest that it may be by now, `silence` later.
  ClockReading furthest(const Bound& bound, Duration silence) const;
  // False: it is beyond that bound; it is not followed.
  bool follow(Epoch said, const Bound& bound, Duration silence);
  // What was issued by a clock that was no further than that is below what comes next.
  void pass(const ClockReading& furthest);

 private:
  static constexpr std::int64_t kGain = 128;
  // Of a millisecond of silence, for the activations in it where time adds nothing: 4096 epochs are a millisecond.
  static constexpr std::int64_t kIssued = 16;
  // By how much two hosts may differ in what they passed for a third: their round trips to it.
  static constexpr std::int64_t kErrorMs = 50;
  // Every host adds that for every host that goes, and hears of what the others added: many changes in a row must not
  // carry the clocks of a large cluster beyond what a newcomer follows.
  static constexpr std::int64_t kMostMarginMs = kMaxAheadMs / 4;

  Epoch last_ = 0;
  bool started_ = false;
  Instant mono_;
  std::int64_t wall_us_ = 0;
  std::int64_t judged_by_us_ = 0;  // goes on with the monotonic clock
};

}  // namespace ringside::core
