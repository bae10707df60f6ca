#include "sidecar/core/spacing.h"

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

TEST(Spacing, TheFirstIsNotHeldUpAndALongSeriesCostsFew) {
  Spacing spacing(Duration(2'000), Duration(64'000));
  Instant now(Duration(3'600'000'000));
  EXPECT_LE(spacing.next(), now);
  int sent = 0;
  for (const Instant end = now + Duration(1'000'000); now < end; now += Duration(1'000)) {
    if (now < spacing.next()) continue;
    spacing.sent(now);
    ++sent;
  }
  EXPECT_GE(sent, 15);
  EXPECT_LE(sent, 25);
}

TEST(Spacing, AfterAQuietWhileItBeginsAnew) {
  Spacing spacing(Duration(2'000), Duration(64'000));
  Instant now(Duration(3'600'000'000));
  for (int i = 0; i < 10; ++i) {
    now = std::max(now, spacing.next());
    spacing.sent(now);
  }
  EXPECT_EQ(spacing.next() - now, Duration(64'000));
  now += Duration(1'000'000);
  spacing.sent(now);
  EXPECT_EQ(spacing.next() - now, Duration(2'000));
}

}  // namespace
}  // namespace ringside::core
