#include "sidecar/core/membership/watch_circle.h"

#include <algorithm>
#include <array>
#include <utility>

#include "sidecar/base/check.h"

namespace ringside::core {
namespace {

constexpr std::uint32_t kNoZone = 0;

// The pairs that watch each other where there are zones, of hosts on a circle, each in a zone by its number.
//
// It is one computation over all hosts, so that both of a pair come to the same result. A pair depends on few others,
// those near it, so that a host that comes or goes changes little. Three passes, each from the nearest on the circle to
// the farther ones:
//  1. whoever has room for each other, with at most kMostInZone of one zone for each;
//  2. in one zone, whoever has still room: where a zone is larger than all others together, there is nobody else, and a
//     host that goes with its zone needs no watchers that stay;
//  3. whoever has not enough yet gets some that have; and where that had to be from a zone beyond its limit, one more
//     from outside of it.
class ZonePairs {
 public:
  explicit ZonePairs(const std::vector<std::uint32_t>& zones) {
    hosts_.reserve(zones.size());
    for (const std::uint32_t zone : zones) hosts_.push_back({zone});
    each_near_pair([this](std::size_t one, std::size_t other) {
      if (is_within_limit(one, other) && is_within_limit(other, one)) join(one, other);
    });
    each_near_pair([this](std::size_t one, std::size_t other) {
      if (hosts_[one].zone == hosts_[other].zone) join(one, other);
    });
    bool anybody_lacks = false;
    for (std::size_t host = 0; host < hosts_.size(); ++host) {
      fill(host, [&](std::size_t other) { return is_harmless(host, other) && is_harmless(other, host); });
      anybody_lacks = anybody_lacks || is_open(host);
      fill(host, [](std::size_t) { return true; });
    }
    for (std::size_t host = 0; anybody_lacks && host < hosts_.size(); ++host) add_from_outside(host);
  }

  std::vector<std::size_t> of(std::size_t host) const { return {hosts_[host].begin(), hosts_[host].end()}; }

 private:
  // So far passes 1 and 2 look on each side: with three zones of one size eight would do, and the cost has a bound.
  static constexpr std::size_t kNear = 40;

  struct Host {
    std::uint32_t zone = kNoZone;
    std::uint32_t pairs = 0;
    std::array<std::uint32_t, WatchCircle::kMostWatched> partners{};
    const std::uint32_t* begin() const { return partners.data(); }
    const std::uint32_t* end() const { return partners.data() + pairs; }
  };

  bool is_open(std::size_t host) const { return hosts_[host].pairs < WatchCircle::kWatched; }
  bool is_full(std::size_t host) const { return hosts_[host].pairs == WatchCircle::kMostWatched; }
  bool are_joined(std::size_t one, std::size_t other) const {
    return std::find(hosts_[one].begin(), hosts_[one].end(), other) != hosts_[one].end();
  }
  bool is_within_limit(std::size_t host, std::size_t other) const {
    const std::uint32_t zone = hosts_[other].zone;
    return zone == kNoZone || std::count_if(hosts_[host].begin(), hosts_[host].end(), [&](std::uint32_t partner) {
                                return hosts_[partner].zone == zone;
                              }) < static_cast<std::ptrdiff_t>(WatchCircle::kMostInZone);
  }
  // Another watcher from there leaves the host enough that are outside of that zone: it has enough already, or will.
  bool is_harmless(std::size_t host, std::size_t other) const {
    return !is_open(host) || hosts_[host].zone == hosts_[other].zone || is_within_limit(host, other);
  }
  void join(std::size_t one, std::size_t other) {
    hosts_[one].partners[hosts_[one].pairs++] = static_cast<std::uint32_t>(other);
    hosts_[other].partners[hosts_[other].pairs++] = static_cast<std::uint32_t>(one);
  }

  template <typename Visit>
  void each_near_pair(const Visit& visit) {
    const std::size_t hosts = hosts_.size();
    for (std::size_t apart = 1; apart <= std::min(kNear, hosts / 2); ++apart) {
      for (std::size_t host = 0; host < hosts; ++host) {
        const std::size_t other = (host + apart) % hosts;
        if (is_open(host) && is_open(other) && !are_joined(host, other)) visit(host, other);
      }
    }
  }

  template <typename Fits>
  void fill(std::size_t host, const Fits& fits) {
    const std::size_t hosts = hosts_.size();
    for (std::size_t apart = 1; apart <= hosts / 2 && is_open(host); ++apart) {
      for (const std::size_t other : {(host + apart) % hosts, (host + hosts - apart) % hosts}) {
        if (is_open(host) && !is_full(other) && !are_joined(host, other) && fits(other)) join(host, other);
      }
    }
  }

  // The zone that would leave the host too few, if it vanished; kNoZone: none would.
  std::uint32_t heaviest_zone(std::size_t host) const {
    const Host& one = hosts_[host];
    for (const std::uint32_t partner : one) {
      const std::uint32_t zone = hosts_[partner].zone;
      const auto outside = static_cast<std::size_t>(
          std::count_if(one.begin(), one.end(), [&](std::uint32_t other) { return hosts_[other].zone != zone; }));
      const bool leaves_enough = outside >= WatchCircle::kWatched - WatchCircle::kMostInZone;
      if (zone != kNoZone && zone != one.zone && !leaves_enough) return zone;
    }
    return kNoZone;
  }

  void add_from_outside(std::size_t host) {
    const std::size_t hosts = hosts_.size();
    for (std::size_t apart = 1; apart <= hosts / 2; ++apart) {
      for (const std::size_t other : {(host + apart) % hosts, (host + hosts - apart) % hosts}) {
        const std::uint32_t zone = heaviest_zone(host);
        if (zone == kNoZone || is_full(host)) return;
        if (hosts_[other].zone != zone && !is_full(other) && !are_joined(host, other)) join(host, other);
      }
    }
  }

  std::vector<Host> hosts_;  // in the order of the circle
};

}  // namespace

WatchCircle::WatchCircle(std::string self, std::string zone) : self_(std::move(self)) {
  if (!zone.empty()) zones_[zone] = 1;
  places_.push_back({hash_bytes(self_), self_, std::move(zone)});
}

void WatchCircle::add(const std::string& host, const std::string& zone) {
  Place place{hash_bytes(host), host, zone};
  const auto at = std::lower_bound(places_.begin(), places_.end(), place, stands_before);
  if (at == places_.end() || at->host != host) {
    places_.insert(at, std::move(place));
  } else {
    if (at->zone == zone) return;
    leave_zone(at->zone);
    at->zone = zone;
  }
  if (!zone.empty()) ++zones_[zone];
  choose();
}

void WatchCircle::remove(const std::string& host) {
  RINGSIDE_CHECK(host != self_);
  const auto at = find(host);
  if (at == places_.end()) return;
  leave_zone(at->zone);
  places_.erase(at);
  choose();
}

void WatchCircle::leave_zone(const std::string& zone) {
  const auto found = zones_.find(zone);
  if (found != zones_.end() && --found->second == 0) zones_.erase(found);
}

bool WatchCircle::is_next_to(const std::string& host) const {
  const std::size_t hosts = places_.size();
  const std::size_t self = index_of(self_);
  return host != self_ &&
         (places_[(self + 1) % hosts].host == host || places_[(self + hosts - 1) % hosts].host == host);
}

Duration WatchCircle::for_the_others(Duration interval) const {
  if (everybody_is_watched()) return interval;
  const auto others = static_cast<std::int64_t>(places_.size() - 1 - kWatched);
  return std::max(interval, interval * others / static_cast<std::int64_t>(kWatched));
}

WatchCircle::Places::const_iterator WatchCircle::find(const std::string& host) const {
  const Place place{hash_bytes(host), host};
  const auto at = std::lower_bound(places_.begin(), places_.end(), place, stands_before);
  return at == places_.end() || at->host != host ? places_.end() : at;
}

std::size_t WatchCircle::index_of(const std::string& host) const {
  return static_cast<std::size_t>(find(host) - places_.begin());
}

void WatchCircle::choose() {
  watched_.clear();
  const std::size_t hosts = places_.size();
  const std::size_t self = index_of(self_);
  if (everybody_is_watched()) {
    for (const Place& place : places_) {
      if (place.host != self_) watched_.insert(place.host);
    }
  } else if (zones_.empty()) {
    for (std::size_t apart = 1; apart <= kOnEachSide; ++apart) {
      watched_.insert(places_[(self + apart) % hosts].host);
      watched_.insert(places_[(self + hosts - apart) % hosts].host);
    }
  } else {
    const ZonePairs pairs(zone_numbers());
    for (const std::size_t partner : pairs.of(self)) watched_.insert(places_[partner].host);
  }
}

std::vector<std::uint32_t> WatchCircle::zone_numbers() const {
  std::map<std::string, std::uint32_t> numbers{{"", kNoZone}};
  for (const auto& [zone, hosts] : zones_) numbers.emplace(zone, static_cast<std::uint32_t>(numbers.size()));
  std::vector<std::uint32_t> out;
  out.reserve(places_.size());
  for (const Place& place : places_) {
    const auto number = numbers.find(place.zone);
    RINGSIDE_CHECK(number != numbers.end());
    out.push_back(number->second);
  }
  return out;
}

void WatchCircle::check() const {
  RINGSIDE_CHECK(std::is_sorted(places_.begin(), places_.end(), stands_before));
  RINGSIDE_CHECK(find(self_) != places_.end());
  RINGSIDE_CHECK(!watched_.contains(self_));
  RINGSIDE_CHECK(watched_.size() >= std::min(kWatched, places_.size() - 1));
}

}  // namespace ringside::core
