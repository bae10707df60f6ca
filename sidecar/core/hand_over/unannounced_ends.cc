#include "sidecar/core/hand_over/unannounced_ends.h"

#include <utility>

namespace ringside::core {
namespace {

constexpr Duration kRepeat{200'000};
constexpr Duration kLeastBetween{2'000};
constexpr Duration kMostBetween{64'000};

}  // namespace

UnannouncedEnds::UnannouncedEnds() : spacing_(kLeastBetween, kMostBetween) {}

void UnannouncedEnds::add_again(const std::vector<Claim>& claims, Instant now) {
  if (claims_.size() > kMost) return;
  claims_.insert(claims_.end(), claims.begin(), claims.end());
  next_ = now + kRepeat;
}

UnannouncedEnds::Due UnannouncedEnds::due(Instant now) {
  Due due;
  if (!is_due(now)) return due;
  if (now < spacing_.next()) {
    due.next = spacing_.next();
  } else {
    due.claims = std::exchange(claims_, {});
  }
  return due;
}

}  // namespace ringside::core
