#include "sidecar/core/membership/discovery_reading.h"

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

Instant at(int ms) { return Instant(Duration(ms * 1000)); }

TEST(DiscoveryReading, CountsOnceItIsCompleteAndUntilItIsDoubted) {
  DiscoveryReading discovery;
  EXPECT_FALSE(discovery.counts());
  discovery.read({"a", "b"}, "a", false, "dns:x did not answer");
  EXPECT_FALSE(discovery.counts());
  EXPECT_FALSE(discovery.lists_self()) << "an incomplete reading says nothing about that";
  EXPECT_EQ(discovery.missing(), "dns:x did not answer");
  discovery.read({"a", "b"}, "a", true, "");
  EXPECT_TRUE(discovery.counts());
  EXPECT_TRUE(discovery.lists_self());
  EXPECT_EQ(discovery.missing(), "");
  discovery.read({}, "a", false, "dns:x did not answer");
  EXPECT_TRUE(discovery.counts()) << "the last complete one still holds";
  EXPECT_TRUE(discovery.lists_self());
  discovery.read({"b"}, "a", true, "");
  EXPECT_FALSE(discovery.lists_self());
  discovery.doubt(at(0));
  EXPECT_FALSE(discovery.counts());
}

TEST(DiscoveryReading, IsReadAtMostOnceInAPauseAndAtOnceWhenInDoubt) {
  DiscoveryReading discovery;
  EXPECT_TRUE(discovery.begin_reading(at(0), Duration(200'000)));
  EXPECT_FALSE(discovery.begin_reading(at(199), Duration(200'000)));
  EXPECT_TRUE(discovery.begin_reading(at(200), Duration(200'000)));
  discovery.doubt(at(210));
  EXPECT_TRUE(discovery.begin_reading(at(210), Duration(200'000)));
}

}  // namespace
}  // namespace ringside::core
