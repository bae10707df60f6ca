#include "sidecar/core/membership/watch_circle.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

constexpr Duration kInterval{500'000};

std::string host(int n) { return "host-" + std::to_string(n); }

WatchCircle circle_of(const std::string& self, int hosts) {
  WatchCircle circle(self);
  for (int n = 0; n < hosts; ++n) circle.add(host(n));
  circle.check();
  return circle;
}

TEST(WatchCircle, WatchesEverybodyInASmallCluster) {
  for (const int hosts : {1, 2, 8, 9}) {
    const WatchCircle circle = circle_of(host(0), hosts);
    EXPECT_TRUE(circle.everybody_is_watched()) << hosts;
    for (int n = 1; n < hosts; ++n) EXPECT_TRUE(circle.watches(host(n))) << n << " of " << hosts;
    EXPECT_EQ(circle.for_the_others(kInterval), kInterval);
  }
}

TEST(WatchCircle, EightAreWatchedInALargeOneAndWatchBack) {
  for (const int hosts : {10, 60, 300}) {
    for (int n = 0; n < hosts; n += 7) {
      const WatchCircle circle = circle_of(host(n), hosts);
      EXPECT_FALSE(circle.everybody_is_watched());
      EXPECT_FALSE(circle.watches(host(n))) << "nobody watches itself";
      std::size_t watched = 0;
      for (int other = 0; other < hosts; ++other) {
        if (!circle.watches(host(other))) continue;
        ++watched;
        EXPECT_TRUE(circle_of(host(other), hosts).watches(host(n))) << n << " and " << other << " of " << hosts;
      }
      EXPECT_EQ(watched, WatchCircle::kWatched) << n << " of " << hosts;
    }
  }
}

TEST(WatchCircle, EverybodyHasTwoNeighbours) {
  for (int n = 0; n < 60; ++n) {
    const WatchCircle circle = circle_of(host(n), 60);
    int neighbours = 0;
    for (int other = 0; other < 60; ++other) {
      if (!circle.is_next_to(host(other))) continue;
      ++neighbours;
      EXPECT_TRUE(circle.watches(host(other)));
    }
    EXPECT_EQ(neighbours, 2) << n;
    EXPECT_FALSE(circle.is_next_to("stranger"));
  }
}

TEST(WatchCircle, TheOthersTogetherCostNoMoreThanThoseThatAreWatched) {
  EXPECT_EQ(circle_of(host(0), 17).for_the_others(kInterval), kInterval);
  EXPECT_EQ(circle_of(host(0), 60).for_the_others(kInterval), Duration(3'187'500));
  EXPECT_EQ(circle_of(host(0), 809).for_the_others(kInterval), 100 * kInterval);
}

TEST(WatchCircle, WhoeverGoesIsWatchedByNobodyAndTheNextOneTakesItsPlace) {
  WatchCircle circle = circle_of(host(0), 60);
  for (int n = 1; n < 60; ++n) {
    if (circle.watches(host(n))) circle.remove(host(n));
    circle.remove("stranger");
    circle.check();
    EXPECT_FALSE(circle.watches("stranger"));
  }
  int watched = 0;
  for (int n = 1; n < 60; ++n) watched += circle.watches(host(n)) ? 1 : 0;
  EXPECT_EQ(watched, static_cast<int>(WatchCircle::kWatched));
}

// ---- zones ----------------------------------------------------------------------------------------------------------

using Zones = std::vector<std::string>;  // of host 0, 1, 2 ...; empty: not told

WatchCircle circle_in(const Zones& zones, std::size_t self) {
  WatchCircle circle(host(static_cast<int>(self)), zones[self]);
  for (std::size_t n = 0; n < zones.size(); ++n) circle.add(host(static_cast<int>(n)), zones[n]);
  circle.check();
  return circle;
}

// Whom each host watches, by its own computation.
std::vector<std::vector<std::size_t>> watched_in(const Zones& zones) {
  std::vector<std::vector<std::size_t>> out(zones.size());
  for (std::size_t n = 0; n < zones.size(); ++n) {
    const WatchCircle circle = circle_in(zones, n);
    for (std::size_t other = 0; other < zones.size(); ++other) {
      if (circle.watches(host(static_cast<int>(other)))) out[n].push_back(other);
    }
  }
  return out;
}

Zones zones_of(const std::vector<std::pair<std::string, std::size_t>>& sizes) {
  Zones zones;
  for (const auto& [zone, hosts] : sizes) zones.insert(zones.end(), hosts, zone);
  return zones;
}

// How many watchers of a host are outside of the zone that would take most of them with it, its own apart.
std::size_t left_by_the_worst(const Zones& zones, std::size_t self, const std::vector<std::size_t>& watched) {
  std::size_t least = watched.size();
  for (const std::string& gone : std::set<std::string>(zones.begin(), zones.end())) {
    if (gone.empty() || gone == zones[self]) continue;
    least = std::min(least, static_cast<std::size_t>(std::count_if(watched.begin(), watched.end(),
                                                                   [&](std::size_t n) { return zones[n] != gone; })));
  }
  return least;
}

struct ZonesCase {
  const char* what;
  Zones zones;
};
// Each host computes it for itself: the time that this takes grows with the third power.
const std::vector<ZonesCase>& zones_cases() {
  static const std::vector<ZonesCase> cases{
      {"three equal ones", zones_of({{"a", 20}, {"b", 20}, {"c", 20}})},
      {"three of the least size", zones_of({{"a", 4}, {"b", 4}, {"c", 4}})},
      {"two equal ones", zones_of({{"a", 30}, {"b", 30}})},
      {"two unequal ones", zones_of({{"a", 50}, {"b", 10}})},
      {"three unequal ones", zones_of({{"a", 30}, {"b", 20}, {"c", 10}})},
      {"one that is most of the cluster", zones_of({{"a", 80}, {"b", 8}, {"c", 8}})},
      {"many small ones", zones_of({{"a", 7}, {"b", 7}, {"c", 7}, {"d", 7}, {"e", 7}, {"f", 7}})},
      {"some that are not told", zones_of({{"a", 20}, {"b", 20}, {"", 20}})},
      {"most are not told", zones_of({{"a", 10}, {"", 50}})},
      {"many hosts", zones_of({{"a", 40}, {"b", 40}, {"c", 40}})},
  };
  return cases;
}

TEST(WatchCircle, WithZonesWatchingIsMutualAndEverybodyIsWatchedByTenOrAFewMore) {
  for (const ZonesCase& one : zones_cases()) {
    const auto watched = watched_in(one.zones);
    std::size_t pairs = 0;
    for (std::size_t n = 0; n < watched.size(); ++n) {
      EXPECT_GE(watched[n].size(), WatchCircle::kWatched) << n << ", " << one.what;
      EXPECT_LE(watched[n].size(), WatchCircle::kMostWatched) << n << ", " << one.what;
      pairs += watched[n].size();
      for (const std::size_t other : watched[n]) {
        EXPECT_EQ(std::count(watched[other].begin(), watched[other].end(), n), 1)
            << n << " and " << other << ", " << one.what;
      }
    }
    EXPECT_LE(pairs, watched.size() * WatchCircle::kWatched + watched.size() / 3) << one.what;
  }
}

TEST(WatchCircle, AZoneThatVanishesLeavesEachHostThatLivesSixWatchers) {
  for (const ZonesCase& one : zones_cases()) {
    const auto watched = watched_in(one.zones);
    for (std::size_t n = 0; n < watched.size(); ++n) {
      EXPECT_GE(left_by_the_worst(one.zones, n, watched[n]), WatchCircle::kWatched - WatchCircle::kMostInZone)
          << n << ", " << one.what;
    }
  }
}

// Else nobody would notice at once that a whole zone is gone.
TEST(WatchCircle, EachHostIsWatchedFromOutsideOfItsZoneToo) {
  for (const Zones& zones : {zones_of({{"a", 20}, {"b", 20}, {"c", 20}}), zones_of({{"a", 30}, {"b", 30}})}) {
    const auto watched = watched_in(zones);
    for (std::size_t n = 0; n < watched.size(); ++n) {
      const auto outside = std::count_if(watched[n].begin(), watched[n].end(),
                                         [&](std::size_t other) { return zones[other] != zones[n]; });
      EXPECT_GE(outside, 3) << n;
    }
  }
}

TEST(WatchCircle, OneZoneForAllIsAsIfNoneWereTold) {
  EXPECT_EQ(watched_in(zones_of({{"a", 60}})), watched_in(zones_of({{"", 60}})));
}

TEST(WatchCircle, AHostThatComesChangesWhomFewWatch) {
  Zones zones;
  for (int n = 0; n < 90; ++n) zones.emplace_back(1, static_cast<char>('a' + n % 3));
  const auto before = watched_in(zones);
  zones.emplace_back("b");
  const auto after = watched_in(zones);
  std::size_t changed = 0;
  for (std::size_t n = 0; n < before.size(); ++n) {
    for (const std::size_t other : before[n]) {
      if (std::count(after[n].begin(), after[n].end(), other) == 0) ++changed;
    }
  }
  EXPECT_LE(changed, 2 * 3 * WatchCircle::kWatched) << "pairs, counted from both sides";
}

TEST(WatchCircle, AHostMayTellAnotherZoneThanBefore) {
  const Zones before = zones_of({{"a", 20}, {"b", 20}, {"c", 20}});
  Zones after = before;
  for (std::size_t n = 0; n < 10; ++n) after[n] = "d";
  for (const std::size_t self : {std::size_t{0}, std::size_t{30}, std::size_t{59}}) {
    WatchCircle moved = circle_in(before, self);
    WatchCircle restarted = circle_in(before, self);
    for (std::size_t n = 0; n < after.size(); ++n) {
      moved.add(host(static_cast<int>(n)), after[n]);
      if (n == self) continue;
      restarted.remove(host(static_cast<int>(n)));
      restarted.add(host(static_cast<int>(n)), after[n]);
    }
    if (self == 0) restarted.add(host(0), after[0]);
    const WatchCircle fresh = circle_in(after, self);
    for (std::size_t n = 0; n < after.size(); ++n) {
      EXPECT_EQ(moved.watches(host(static_cast<int>(n))), fresh.watches(host(static_cast<int>(n)))) << n;
      EXPECT_EQ(restarted.watches(host(static_cast<int>(n))), fresh.watches(host(static_cast<int>(n)))) << n;
    }
    moved.check();
    restarted.check();
  }
}

}  // namespace
}  // namespace ringside::core
