#include "sidecar/base/token_bucket.h"

#include <gtest/gtest.h>

namespace ringside::base {
namespace {

using namespace std::chrono_literals;

const TokenBucket::Time kStart{1s};

int taken(TokenBucket& bucket, TokenBucket::Time now) {
  int times = 0;
  while (bucket.take(1, now)) ++times;
  return times;
}

TEST(TokenBucket, ABurstAndThenItsRate) {
  TokenBucket bucket(5, 500);
  EXPECT_EQ(taken(bucket, kStart), 5);
  EXPECT_EQ(taken(bucket, kStart + 1ms), 0);
  EXPECT_EQ(taken(bucket, kStart + 2ms), 1);
  EXPECT_EQ(taken(bucket, kStart + 1h), 5) << "never more than a burst";
}

TEST(TokenBucket, TimeInWhichNothingIsTakenAddsNothingToAFullOne) {
  TokenBucket bucket(5, 500);
  EXPECT_TRUE(bucket.take(1, kStart));
  EXPECT_EQ(taken(bucket, kStart + 1h), 5);
}

TEST(TokenBucket, WhatIsGivenBackCanBeTakenAgain) {
  TokenBucket bucket(10, 1);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(bucket.take(1, kStart)) << i;
    bucket.give_back(1);
  }
  EXPECT_EQ(taken(bucket, kStart), 10);
  EXPECT_EQ(taken(bucket, kStart + 2s), 2);
}

}  // namespace
}  // namespace ringside::base
