#include "sidecar/core/life/initial_reset.h"

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

using Kind = Deactivated::Kind;

TEST(InitialReset, AsksUntilItIsDone) {
  InitialReset reset;
  EXPECT_FALSE(reset.done());
  reset.asked(DeactivationId(5));
  EXPECT_TRUE(reset.asks(DeactivationId(5)) && reset.under_way());
  EXPECT_FALSE(reset.asks(DeactivationId(6)));
  const auto next = reset.answered({Kind::kFailed, Duration(0), "busy"});
  EXPECT_TRUE(next.to_be_logged);
  EXPECT_GT(next.pause, Duration(0));
  EXPECT_FALSE(reset.done() || reset.under_way());
  EXPECT_EQ(reset.detail(), "busy");
  reset.asked(DeactivationId(6));
  reset.answered({Kind::kDone, Duration(0), ""});
  EXPECT_TRUE(reset.done());
  reset.begin_anew();
  EXPECT_FALSE(reset.done());
}

TEST(InitialReset, WhatHasSucceededIsNoReasonForWaiting) {
  InitialReset reset;
  reset.asked(DeactivationId(1));
  reset.answered({.detail = "DELETE /actors was answered 200"});
  reset.begin_anew();
  EXPECT_EQ(reset.detail(), "");
}

TEST(InitialReset, PausesGrowToABoundAndFewLinesAreLogged) {
  InitialReset reset;
  Duration last{0};
  int lines = 0;
  for (std::uint64_t number = 1; number <= 100; ++number) {
    reset.asked(DeactivationId(number));
    const auto next = reset.answered({Kind::kSilent, Duration(0), "no answer"});
    EXPECT_GE(next.pause, last);
    EXPECT_LE(next.pause, Duration(1'000'000));
    last = next.pause;
    lines += next.to_be_logged ? 1 : 0;
  }
  EXPECT_EQ(last, Duration(1'000'000));
  EXPECT_EQ(lines, 4);
}

TEST(InitialReset, TheAppMaySayWhenToAskAgain) {
  InitialReset reset;
  reset.asked(DeactivationId(1));
  EXPECT_EQ(reset.answered({Kind::kFailed, Duration(9'000'000), ""}).pause, Duration(9'000'000));
}

TEST(InitialReset, NoneIsNotAQuestion) { EXPECT_FALSE(InitialReset().asks(DeactivationId())); }

}  // namespace
}  // namespace ringside::core
