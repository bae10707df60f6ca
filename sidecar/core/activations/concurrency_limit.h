// How many questions may be under way at once at an application whose speed nobody has told. One that saves many actors
// side by side is done soonest with many questions; one that does one thing at a time is not, and each question stands
// in the way of its turns. Hill climbing over what is answered in a second: twice as many at once are tried, and kept
// where enough more is answered for it; else half as many are, and kept where that costs little. Answers out of order
// say that some take longer than others, by their own work or behind a lock that is not fair, and not that two are
// worked on at once: a judgement takes more of them, and four times as many are tried, whose effect stands out. After
// Heiss and Wagner, "Adaptive Load Control in Transaction Processing Systems" (VLDB 1991). Loop thread only.
#pragma once

#include <cstddef>

#include "sidecar/core/types.h"

namespace ringside::core {

class ConcurrencyLimit {
 public:
  static constexpr std::size_t kFirst = 2;

  explicit ConcurrencyLimit(std::size_t most) : most_(most), limit_(most < kFirst ? most : kFirst) {}

  std::size_t limit() const { return limit_; }
  // All that may be are under way, or will be at once: what is answered from here on tells something.
  void full(Instant now);
  // `overtook`: an earlier question is still open.
  void answered(Instant now, std::size_t still_under_way, bool overtook);
  // There is nothing more to ask: what is answered from here on tells nothing.
  void idle() { measuring_ = false; }

 private:
  enum class Trial { kNone, kMore, kFewer };
  void begin_round(Instant now);
  void judge(double rate);
  void try_more();
  void set(std::size_t limit);

  std::size_t most_, limit_;
  Trial trial_ = Trial::kNone;
  bool measuring_ = false;
  Instant since_;
  std::size_t answers_ = 0;
  bool out_of_order_ = false;  // in this round
  std::size_t times_ = 2;      // the next limit that is tried is this many times the present one
  double rate_before_ = 0;     // answers in a second, before the trial
  unsigned rounds_ = 0;        // without a trial
};

}  // namespace ringside::core
