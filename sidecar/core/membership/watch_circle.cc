#include "sidecar/core/membership/watch_circle.h"

#include <algorithm>

#include "sidecar/base/check.h"

namespace ringside::core {

WatchCircle::WatchCircle(std::string self) : self_(std::move(self)) { add(self_); }

void WatchCircle::add(const std::string& host) {
  const Place place = place_of(host);
  const auto at = std::lower_bound(places_.begin(), places_.end(), place);
  if (at == places_.end() || *at != place) places_.insert(at, place);
}

void WatchCircle::remove(const std::string& host) {
  RINGSIDE_CHECK(host != self_);
  const std::size_t at = index_of(host);
  if (at != places_.size()) places_.erase(places_.begin() + static_cast<std::ptrdiff_t>(at));
}

Duration WatchCircle::for_the_others(Duration interval) const {
  if (everybody_is_watched()) return interval;
  const auto others = static_cast<std::int64_t>(places_.size() - 1 - kWatched);
  return std::max(interval, interval * others / static_cast<std::int64_t>(kWatched));
}

std::size_t WatchCircle::index_of(const std::string& host) const {
  const Place place = place_of(host);
  const auto at = std::lower_bound(places_.begin(), places_.end(), place);
  return at == places_.end() || *at != place ? places_.size() : static_cast<std::size_t>(at - places_.begin());
}

std::size_t WatchCircle::distance(const std::string& one, const std::string& other) const {
  const std::size_t from = index_of(one);
  const std::size_t to = index_of(other);
  if (from == places_.size() || to == places_.size() || from == to) return kFar;
  const std::size_t apart = from < to ? to - from : from - to;
  return std::min(apart, places_.size() - apart);
}

void WatchCircle::check() const {
  RINGSIDE_CHECK(std::is_sorted(places_.begin(), places_.end()));
  RINGSIDE_CHECK(index_of(self_) != places_.size());
}

}  // namespace ringside::core
