#include "sidecar/loop/loop.h"

#include <memory>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "sidecar/loop/timer.h"

namespace ringside::loop {
namespace {

using namespace std::chrono_literals;

TEST(Loop, WhatIsPostedRunsInItsOrderAndWhatThatPostsInTheNextIteration) {
  Loop loop;
  std::string ran;
  loop.post([&] {
    ran += 'a';
    loop.post([&] { ran += 'c'; });
  });
  loop.post([&] { ran += 'b'; });
  EXPECT_EQ(loop.run_once(0s), 2U);
  EXPECT_EQ(ran, "ab");
  EXPECT_EQ(loop.run_once(0s), 1U);
  EXPECT_EQ(ran, "abc");
}

TEST(Loop, TheEndOfAnIterationComesAfterAllThatWasPosted) {
  Loop loop;
  std::string ran;
  loop.at_end([&] {
    ran += 'z';
    loop.at_end([&] { ran += "next"; });
  });
  loop.post([&] {
    ran += 'a';
    loop.at_end([&] { ran += 'y'; });
  });
  loop.run_once(0s);
  EXPECT_EQ(ran, "azy");
  loop.run_once(0s);
  EXPECT_EQ(ran, "azynext");
}

TEST(Loop, RunsUntilThereIsNothingLeft) {
  Loop loop;
  Timer timer(loop);
  int ran = 0;
  timer.after(1ms, [&] { loop.post([&] { ++ran; }); });
  loop.run();
  EXPECT_EQ(ran, 1);
}

TEST(Loop, PollRunsAllThatIsReadyAndDoesNotWait) {
  Loop loop;
  Timer never(loop);
  never.after(24h * 365 * 200, [] { ADD_FAILURE(); });
  int ran = 0;
  loop.post([&] { loop.post([&] { loop.at_end([&] { ran = 3; }); }); });
  EXPECT_EQ(loop.poll(), 3U);
  EXPECT_EQ(ran, 3);
}

TEST(Loop, StopsAlsoWhereItIsSaidBeforeItRuns) {
  Loop loop;
  int ran = 0;
  Timer timer(loop);
  timer.after(0s, [&] { ++ran; });
  loop.stop();
  loop.run();
  EXPECT_EQ(ran, 0);
  loop.run();  // once only
  EXPECT_EQ(ran, 1);
}

TEST(Loop, OtherThreadsPostToItAndStopIt) {
  Loop loop;
  Timer never(loop);
  never.after(1h, [] { ADD_FAILURE(); });
  const auto here = std::this_thread::get_id();
  int ran = 0;
  std::thread other([&] {
    for (int i = 0; i < 1000; ++i) {
      loop.post_from_thread([&] { ran += std::this_thread::get_id() == here ? 1 : 0; });
    }
    loop.post_from_thread([&] { loop.stop(); });
  });
  loop.run();
  other.join();
  EXPECT_EQ(ran, 1000);
  std::thread stops([&] { loop.stop(); });
  loop.run();
  stops.join();
}

TEST(Loop, WhatHasNotRunEndsWithTheLoop) {
  const auto kept = std::make_shared<int>();
  {
    Loop loop;
    loop.post([kept] { ADD_FAILURE(); });
    loop.at_end([kept] { ADD_FAILURE(); });
    loop.post_from_thread([kept] { ADD_FAILURE(); });
    EXPECT_EQ(kept.use_count(), 4);
  }
  EXPECT_EQ(kept.use_count(), 1);
}

// Whoever keeps itself alive by a handler, as connections do.
struct KeepsItself : std::enable_shared_from_this<KeepsItself> {
  explicit KeepsItself(Loop& loop) : timer(loop) {}
  void wait() {
    timer.after(1h, [self = shared_from_this()] { ADD_FAILURE(); });
  }
  Timer timer;
};

TEST(Loop, EndsThoseWhoOnlyLiveByAHandler) {
  std::weak_ptr<KeepsItself> seen;
  {
    Loop loop;
    const auto one = std::make_shared<KeepsItself>(loop);
    one->wait();
    seen = one;
  }
  EXPECT_TRUE(seen.expired());
}

TEST(Loop, AHandlerThatWillNotRunEndsAfterTheOneThatDroppedIt) {
  Loop loop;
  auto one = std::make_shared<KeepsItself>(loop);
  one->wait();
  KeepsItself* const raw = one.get();
  const std::weak_ptr<KeepsItself> seen = one;
  one.reset();
  loop.post([&] {
    raw->timer.cancel();
    EXPECT_FALSE(seen.expired());
  });
  loop.run_once(0s);
  EXPECT_TRUE(seen.expired());
}

struct Shared {
  explicit Shared(Loop&) {}
  int value = 0;
};
struct OtherShared {
  explicit OtherShared(Loop&) {}
};

TEST(Loop, HasOneOfEachKindThatIsShared) {
  Loop loop;
  Loop other;
  loop.shared<Shared>().value = 5;
  loop.shared<OtherShared>();
  EXPECT_EQ(loop.shared<Shared>().value, 5);
  EXPECT_EQ(other.shared<Shared>().value, 0);
}

}  // namespace
}  // namespace ringside::loop
