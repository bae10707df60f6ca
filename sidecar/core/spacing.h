// When the next message of a kind may be sent, where many small ones would otherwise follow one another: the first at
// once, then ever later, so that a long series costs few messages and a single one no time. Loop thread only.
#pragma once

#include <algorithm>

#include "sidecar/core/types.h"

namespace ringside::core {

// Exponential backoff: the pause before the next attempt, after that many failures.
inline Duration backoff(Duration first, unsigned failures, Duration most) {
  return std::min(most, first * (1 << std::min(failures, 16U)));
}

class Spacing {
 public:
  // The pause after a message; it doubles from `least` to `most`, and begins anew after a quiet while.
  Spacing(Duration least, Duration most) : least_(least), most_(most), pause_(least) {}

  // No earlier than this: what is to be said meanwhile goes into the same message.
  Instant next() const { return next_; }
  void sent(Instant now) {
    pause_ = now - next_ > 2 * most_ ? least_ : std::min(most_, 2 * pause_);
    next_ = now + pause_;
  }

 private:
  Duration least_, most_, pause_;
  Instant next_;
};

}  // namespace ringside::core
