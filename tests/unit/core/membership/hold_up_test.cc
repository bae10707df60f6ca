#include "sidecar/core/membership/hold_up.h"

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

Instant at(int ms) { return Instant(Duration(ms * 1000)); }

TEST(HoldUp, GivesUpOnceAfterItsPatience) {
  HoldUp hold_up;
  EXPECT_FALSE(hold_up.lasts());
  hold_up.begin(at(0));
  hold_up.begin(at(900));  // it goes on: its time does not begin again
  EXPECT_TRUE(hold_up.lasts());
  EXPECT_FALSE(hold_up.gives_up(at(1000), Duration(1'000'000)));
  EXPECT_FALSE(hold_up.asks_nobody());
  EXPECT_TRUE(hold_up.gives_up(at(1001), Duration(1'000'000)));
  EXPECT_TRUE(hold_up.asks_nobody());
  EXPECT_FALSE(hold_up.gives_up(at(2000), Duration(1'000'000))) << "once";
}

TEST(HoldUp, WhoIsReleasedAsksAgainAndTheNextOneHasItsOwnTime) {
  HoldUp hold_up;
  hold_up.begin(at(0));
  ASSERT_TRUE(hold_up.gives_up(at(1001), Duration(1'000'000)));
  hold_up.end();
  EXPECT_FALSE(hold_up.lasts());
  EXPECT_FALSE(hold_up.asks_nobody());
  hold_up.begin(at(1500));
  EXPECT_FALSE(hold_up.gives_up(at(2000), Duration(1'000'000)));
}

}  // namespace
}  // namespace ringside::core
