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
// Invariants
//  1. Watching is mutual: where two hosts have the same members, each watches the other or neither does.
//  2. Among hosts with the same members, everybody is watched by kWatched others, or by all of them where there are
//     not as many.
// Loop thread only.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "sidecar/core/hash.h"
#include "sidecar/core/types.h"

namespace ringside::core {

class WatchCircle {
 public:
  static constexpr std::size_t kOnEachSide = 4;
  static constexpr std::size_t kWatched = 2 * kOnEachSide;

  explicit WatchCircle(std::string self);

  void add(const std::string& host);     // a member from now on; once is enough
  void remove(const std::string& host);  // no more; whoever is not on the circle may be named

  bool everybody_is_watched() const { return places_.size() <= kWatched + 1; }
  bool watches(const std::string& host) const { return distance(self_, host) <= kOnEachSide; }
  bool is_next_to(const std::string& host) const { return distance(self_, host) == 1; }
  // How often one that is not watched is asked what the others are asked in every `interval`.
  Duration for_the_others(Duration interval) const;

  void check() const;

 private:
  using Place = std::pair<Hash, std::string>;

  static constexpr std::size_t kFar = static_cast<std::size_t>(-1);  // not on the circle, or the same host

  static Place place_of(const std::string& host) { return {hash_bytes(host), host}; }
  std::size_t index_of(const std::string& host) const;                           // places_.size(): not on the circle
  std::size_t distance(const std::string& one, const std::string& other) const;  // 1: neighbours

  std::string self_;
  std::vector<Place> places_;  // in order
};

}  // namespace ringside::core
