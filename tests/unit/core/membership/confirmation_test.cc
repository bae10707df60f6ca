#include "sidecar/core/membership/confirmation.h"

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

Instant at(int ms) { return Instant(Duration(ms * 1000)); }

TEST(Confirmation, IsOpenUntilEveryMemberHasAnsweredAPingSentSince) {
  Confirmation confirmation;
  EXPECT_FALSE(confirmation.open());
  confirmation.begin({"b", "c"}, at(100));
  EXPECT_TRUE(confirmation.open());
  EXPECT_FALSE(confirmation.answered("b", at(99))) << "it was asked before this process stood still";
  EXPECT_FALSE(confirmation.answered("b", at(100)));
  EXPECT_FALSE(confirmation.answered("b", at(101))) << "twice";
  EXPECT_FALSE(confirmation.answered("d", at(101))) << "it was no member then";
  EXPECT_TRUE(confirmation.open());
  EXPECT_TRUE(confirmation.answered("c", at(101))) << "the last";
  EXPECT_FALSE(confirmation.open());
  EXPECT_FALSE(confirmation.answered("c", at(102))) << "it is over, and is so only once";
}

TEST(Confirmation, WhoIsGoneIsNotWaitedFor) {
  Confirmation confirmation;
  confirmation.begin({"b", "c"}, at(100));
  EXPECT_FALSE(confirmation.gone("b"));
  EXPECT_TRUE(confirmation.gone("c"));
}

TEST(Confirmation, WhoStartedAgainIsStruckOffWithoutConfirmingAnything) {
  Confirmation confirmation;
  confirmation.begin({"b"}, at(100));
  EXPECT_TRUE(confirmation.withdraw("b"));
  EXPECT_FALSE(confirmation.withdraw("b"));
  EXPECT_FALSE(confirmation.gone("b"));
  EXPECT_FALSE(confirmation.open());
}

TEST(Confirmation, AnotherStallAsksAllAnewAndARunThatEndsAsksNobody) {
  Confirmation confirmation;
  confirmation.begin({"b", "c"}, at(100));
  confirmation.begin({"c"}, at(200));
  EXPECT_FALSE(confirmation.answered("c", at(150)));
  EXPECT_TRUE(confirmation.answered("c", at(250)));
  confirmation.begin({"c"}, at(300));
  confirmation.cancel();
  EXPECT_FALSE(confirmation.open());
  confirmation.begin({}, at(400));
  EXPECT_FALSE(confirmation.open()) << "alone: nobody could have taken over";
}

}  // namespace
}  // namespace ringside::core
