#include "sidecar/core/membership/watch_circle.h"

#include <algorithm>

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

}  // namespace
}  // namespace ringside::core
