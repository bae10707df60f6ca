#include "sidecar/events/history.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace ringside::events {
namespace {

struct Kept {
  std::int64_t wall_ms = 1'790'000'000'000;
  History history{[this] { return wall_ms; }};

  void happens(int times = 1) {
    for (int i = 0; i < times; ++i) history.happened({.kind = core::EventKind::kMemberJoined, .host = "10.0.0.8"});
  }
  std::vector<std::uint64_t> numbers_after(std::uint64_t number) const {
    std::vector<std::uint64_t> numbers;
    while (const Recorded* one = history.after(number)) numbers.push_back(number = one->number);
    return numbers;
  }
};

TEST(History, NumbersGrowFromOneAndAreNeverGivenTwice) {
  Kept kept;
  EXPECT_EQ(kept.history.newest(), 0U);
  EXPECT_EQ(kept.history.oldest(), 0U);
  EXPECT_EQ(kept.history.after(0), nullptr);
  kept.happens(3);
  EXPECT_EQ(kept.numbers_after(0), (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_EQ(kept.numbers_after(2), (std::vector<std::uint64_t>{3}));
  EXPECT_TRUE(kept.numbers_after(3).empty());
  EXPECT_TRUE(kept.numbers_after(300).empty());
}

TEST(History, KeepsTheLastFiveHundredAndTwelve) {
  Kept kept;
  kept.happens(512 + 88);
  const auto numbers = kept.numbers_after(0);
  ASSERT_EQ(numbers.size(), 512U);
  EXPECT_EQ(numbers.front(), 89U);
  EXPECT_EQ(numbers.back(), 600U);
  EXPECT_EQ(kept.history.oldest(), 89U);
  EXPECT_EQ(kept.numbers_after(88).front(), 89U);
  EXPECT_EQ(kept.numbers_after(89).front(), 90U);
}

TEST(History, SinceIsByTheWallClock) {
  Kept kept;
  kept.happens(2);
  kept.wall_ms += 60'000;
  kept.happens(2);
  EXPECT_EQ(kept.history.before_last(0), 2U);
  EXPECT_EQ(kept.history.before_last(59'999), 2U);
  EXPECT_EQ(kept.history.before_last(60'000), 0U);
  kept.wall_ms += 1;
  EXPECT_EQ(kept.history.before_last(0), 4U) << "nothing so young";
}

TEST(History, WhatOthersSaidIsCutAndReadable) {
  Kept kept;
  kept.history.happened({.kind = core::EventKind::kAppDown,
                         .host = "a\nb",
                         .why = std::string(1 << 20, 'x'),
                         .facts = {{"text", std::string("\x1b[2J")}}});
  const core::HostEvent& event = kept.history.after(0)->event;
  EXPECT_EQ(event.host, "a?b");
  EXPECT_LE(event.why.size(), 1024U + 3) << "and what shows that it was cut";
  EXPECT_EQ(std::get<std::string>(event.facts[0].second), "?[2J");
}

TEST(History, AnActorsNameIsKeptToTheLetter) {
  Kept kept;
  const std::string name = "name:a\nb\x1b\xe2\x80\xae";
  kept.history.happened({.kind = core::EventKind::kDeactivate, .actor = name});
  kept.history.happened({.kind = core::EventKind::kDeactivate, .actor = std::string(1 << 20, 'x')});
  EXPECT_EQ(kept.history.after(0)->event.actor, name);
  EXPECT_LE(kept.history.after(1)->event.actor.size(), 1024U + 3);
}

TEST(History, AWatcherMayForgetItselfAndOthers) {
  Kept kept;
  std::vector<std::uint64_t> first, second;
  std::uint64_t watch_of_second = 0;
  const std::uint64_t watch = kept.history.watch([&](const Recorded& news) {
    first.push_back(news.number);
    kept.history.forget(watch_of_second);
  });
  watch_of_second = kept.history.watch([&](const Recorded& news) { second.push_back(news.number); });
  kept.happens(2);
  kept.history.forget(watch);
  kept.happens();
  EXPECT_EQ(first, (std::vector<std::uint64_t>{1, 2}));
  EXPECT_TRUE(second.empty());
}

}  // namespace
}  // namespace ringside::events
