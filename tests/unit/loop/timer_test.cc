#include "sidecar/loop/timer.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>

namespace ringside::loop {
namespace {

using namespace std::chrono_literals;

TEST(Timer, ThoseThatAreDueRunByTheirTimeAndThenByWhoWasSetFirst) {
  Loop loop;
  Timer a(loop), b(loop), c(loop);
  std::string ran;
  const auto now = Clock::now();
  c.at(now - 1ms, [&] { ran += 'c'; });
  b.at(now - 1ms, [&] { ran += 'b'; });
  a.at(now - 2ms, [&] { ran += 'a'; });
  EXPECT_EQ(loop.run_once(0s), 3U);
  EXPECT_EQ(ran, "acb");
}

TEST(Timer, DoesNotRunBeforeItsTime) {
  Loop loop;
  Timer timer(loop);
  std::optional<Clock::time_point> ran;
  const auto due = Clock::now() + 5ms;
  timer.at(due, [&] { ran = Clock::now(); });
  loop.run();
  ASSERT_TRUE(ran);
  EXPECT_GE(*ran, due);
}

TEST(Timer, OneThatSetsItselfAgainAndAgainKeepsNobodyOut) {
  Loop loop;
  Timer timer(loop);
  int ran = 0;
  std::function<void()> again = [&] {
    ++ran;
    timer.at(Clock::time_point::min(), [&] { again(); });
  };
  again();
  loop.run_once(0s);
  EXPECT_EQ(ran, 2);
}

TEST(Timer, WhatIsCancelledOrSetAnewOrGoneNeverRuns) {
  Loop loop;
  Timer first(loop), second(loop), again(loop);
  auto gone = std::make_unique<Timer>(loop);
  int ran = 0;
  const auto due = Clock::now() - 1s;
  first.at(due, [&] {
    second.cancel();  // due in the same iteration
    gone.reset();
  });
  second.at(due, [] { ADD_FAILURE(); });
  gone->at(due, [] { ADD_FAILURE(); });
  again.at(due, [] { ADD_FAILURE(); });
  again.at(due, [&] { ++ran; });
  loop.run();
  EXPECT_EQ(ran, 1);
}

TEST(Timer, ItsHandlerMayEndIt) {
  Loop loop;
  auto timer = std::make_unique<Timer>(loop);
  timer->after(0s, [&] { timer.reset(); });
  loop.run();
  EXPECT_FALSE(timer);
}

TEST(Timer, ATimeBeyondTheClocksEndIsNever) {
  Loop loop;
  Timer timer(loop);
  timer.after(Clock::duration::max(), [] { ADD_FAILURE(); });
  EXPECT_EQ(loop.poll(), 0U);
}

}  // namespace
}  // namespace ringside::loop
