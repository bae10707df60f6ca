// Whom this host watches: pings at every --ping-interval, so that its silence is noticed in time.
//
// In a small cluster that is everybody. Where there are more than kWatched members, the hosts stand on a circle by the
// hashes of their names, and each watches the four before it and the four after it, who watch it as well. All others
// are asked so much more rarely that together they cost no more than those that are watched. So what a host sends for
// the sake of liveness does not grow with the cluster, and eight notice the silence of each host and tell the rest.
//
//   8 hosts or fewer beside this one: each is pinged every 500 ms
//   59: eight of them every 500 ms, the 51 others every 500 ms * 51 / 8 = 3.2 s
//
// Akka Cluster chooses whom a node monitors the same way (monitored-by-nr-of-members).
//
// Where hosts tell their zones, a zone that vanishes must not take most of a host's watchers with it. The pairs that
// watch each other are then chosen one after the other, the nearest on the circle first, and a pair is passed over
// where one of the two has kMostInZone in the other's zone already (ZonePairs in watch_circle.cc).
//
// Invariants
//  1. Watching is mutual: where two hosts have the same members, and know the same zones of them, each watches the
//     other or neither does.
//  2. Among hosts with the same members and zones, everybody is watched by kWatched others, or by all of them where
//     there are not as many. Where there are zones, a few are watched by one or two more.
//  3. Whichever zone but its own vanishes, kWatched - kMostInZone watchers of a host are outside of it, as far as there
//     are as many hosts outside. Whoever tells no zone is in none.
// Loop thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "sidecar/core/hash.h"
#include "sidecar/core/types.h"

namespace ringside::core {

class WatchCircle {
 public:
  static constexpr std::size_t kOnEachSide = 4;
  static constexpr std::size_t kWatched = 2 * kOnEachSide;
  static constexpr std::size_t kMostInZone = 3;
  static constexpr std::size_t kMostWatched = kWatched + 2;

  // `zone`, here and below: empty where none is told.
  explicit WatchCircle(std::string self, std::string zone = {});

  // A member from now on, or in that zone from now on; once is enough.
  void add(const std::string& host, const std::string& zone = {});
  void remove(const std::string& host);  // no more; whoever is not on the circle may be named

  bool everybody_is_watched() const { return places_.size() <= kWatched + 1; }
  bool watches(const std::string& host) const { return watched_.contains(host); }
  bool is_next_to(const std::string& host) const;
  // How often one that is not watched is asked what the others are asked in every `interval`.
  Duration for_the_others(Duration interval) const;

  void check() const;

 private:
  struct Place {
    Hash hash;
    std::string host;
    std::string zone = {};
    auto order() const { return std::tie(hash, host); }
  };
  using Places = std::vector<Place>;

  static bool stands_before(const Place& one, const Place& other) { return one.order() < other.order(); }
  Places::const_iterator find(const std::string& host) const;  // end: not on the circle
  std::size_t index_of(const std::string& host) const;         // places_.size(): not on the circle
  void leave_zone(const std::string& zone);
  void choose();
  std::vector<std::uint32_t> zone_numbers() const;  // in the order of places_

  std::string self_;
  Places places_;                             // in order
  std::map<std::string, std::size_t> zones_;  // that are told, and how many hosts are in each
  std::set<std::string> watched_;
};

}  // namespace ringside::core
