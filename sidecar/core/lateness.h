// By how much this host was late of late, for whoever judges others by their silence: a host that does not get to run
// hears nobody. A plain value; loop thread only.
#pragma once

#include <algorithm>

#include "sidecar/core/types.h"

namespace ringside::core {

class Lateness {
 public:
  // It was to be woken so long ago.
  void was_late(Duration late, Instant now) {
    advance(now);
    present_ = std::max(present_, late);
  }
  // The most of the last few seconds.
  Duration worst(Instant now) const {
    if (now - since_ >= 2 * kSpan) return Duration(0);
    return now - since_ >= kSpan ? present_ : std::max(present_, previous_);
  }

 private:
  static constexpr Duration kSpan{5'000'000};
  void advance(Instant now) {
    if (now - since_ < kSpan) return;
    previous_ = now - since_ < 2 * kSpan ? present_ : Duration(0);
    present_ = Duration(0);
    since_ = now;
  }

  Instant since_;
  Duration present_{0};
  Duration previous_{0};
};

}  // namespace ringside::core
