#include "sidecar/core/timer_queue.h"

#include <map>

#include <gtest/gtest.h>

#include "sidecar/core/context.h"

namespace ringside::core {
namespace {

Instant at(std::int64_t us) { return Instant(Duration(us)); }

TEST(TimerQueue, GivesOutWhatIsDueInOrder) {
  TimerQueue<int> timers;
  timers.add(at(30), 3);
  timers.add(at(10), 1);
  timers.add(at(10), 2);
  EXPECT_FALSE(timers.pop_due(at(9)));
  EXPECT_EQ(timers.next(), at(10));
  for (const int expected : {1, 2}) {
    EXPECT_EQ(timers.pop_due(at(10)), expected);
  }
  EXPECT_FALSE(timers.pop_due(at(29)));
}

TEST(TimerQueue, WhatIsCancelledLeavesNothingBehind) {
  TimerQueue<int> timers;
  Random random(3);
  std::multimap<Instant, int> expected;
  std::map<int, TimerQueue<int>::Handle> handles;
  std::map<int, Instant> times;
  for (int i = 0; i < 5000; ++i) {
    const Instant when = at(static_cast<std::int64_t>(random.below(1000)));
    handles[i] = timers.add(when, i);
    times[i] = when;
    if (random.below(3) == 0) {
      auto victim = handles.begin();
      std::advance(victim, static_cast<std::ptrdiff_t>(random.below(handles.size())));
      timers.cancel(victim->second);
      EXPECT_EQ(victim->second, TimerQueue<int>::kNone);
      times.erase(victim->first);
      handles.erase(victim);
    }
  }
  EXPECT_EQ(timers.size(), times.size());
  Instant last = at(0);
  while (const std::optional<int> due = timers.pop_due(kNever)) {
    const int what = *due;
    ASSERT_TRUE(times.contains(what));
    EXPECT_GE(times[what], last);
    last = times[what];
    times.erase(what);
  }
  EXPECT_TRUE(times.empty());
  EXPECT_EQ(timers.next(), kNever);
}

}  // namespace
}  // namespace ringside::core
