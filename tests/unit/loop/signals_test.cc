#include "sidecar/loop/signals.h"

#include <csignal>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

namespace ringside::loop {
namespace {

TEST(Signals, AreHeardOnTheLoopAlsoThoseThatCameBefore) {
  Loop loop;
  Signals signals(loop, {SIGUSR1, SIGUSR2});
  ::kill(::getpid(), SIGUSR1);
  std::vector<int> heard;
  signals.hear([&](int number) {
    heard.push_back(number);
    number == SIGUSR1 ? static_cast<void>(::kill(::getpid(), SIGUSR2)) : loop.stop();
  });
  loop.run();
  EXPECT_EQ(heard, (std::vector{SIGUSR1, SIGUSR2}));
}

}  // namespace
}  // namespace ringside::loop
