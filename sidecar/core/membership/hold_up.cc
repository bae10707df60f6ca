#include "sidecar/core/membership/hold_up.h"

#include "sidecar/base/check.h"

namespace ringside::core {

void HoldUp::begin(Instant now) {
  if (!lasts()) since_ = now;
}

void HoldUp::end() {
  since_ = kNever;
  asks_nobody_ = false;
}

void HoldUp::check() const { RINGSIDE_CHECK(lasts() || !asks_nobody_); }

bool HoldUp::gives_up(Instant now, Duration patience) {
  RINGSIDE_CHECK(lasts());
  if (asks_nobody_ || now - since_ <= patience) return false;
  asks_nobody_ = true;
  return true;
}

}  // namespace ringside::core
