#include "sidecar/core/lateness.h"

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

constexpr Duration kSecond{1'000'000};

TEST(Lateness, IsTheWorstOfTheLastFewSeconds) {
  Lateness late;
  const Instant start{3600 * kSecond};
  EXPECT_EQ(late.worst(start), Duration(0));
  late.was_late(Duration(700), start);
  late.was_late(Duration(300), start + kSecond);
  EXPECT_EQ(late.worst(start + 2 * kSecond), Duration(700));
  late.was_late(Duration(200), start + 6 * kSecond);
  EXPECT_EQ(late.worst(start + 6 * kSecond), Duration(700)) << "it was not long ago";
  late.was_late(Duration(100), start + 12 * kSecond);
  EXPECT_EQ(late.worst(start + 12 * kSecond), Duration(200));
  EXPECT_EQ(late.worst(start + 60 * kSecond), Duration(0));
}

}  // namespace
}  // namespace ringside::core
