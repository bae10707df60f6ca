#include "sidecar/core/activations/concurrency_limit.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

// An application that answers questions, as many at once as it has workers, each after its own time. A worker takes the
// one that came first, or any of those that wait: a lock that is not fair.
struct App {
  std::size_t workers;
  std::function<std::int64_t()> takes_us;
  std::function<std::size_t(std::size_t waiting)> takes_which = [](std::size_t) { return 0; };
};

struct Course {
  std::int64_t took_us = 0;
  std::size_t largest = 0, at_last = 0;
};

// Asks so many questions, each as soon as the limit allows.
Course ask_all(ConcurrencyLimit& limit, const App& app, std::size_t questions) {
  std::multimap<std::int64_t, std::size_t> busy;  // by when each ends
  std::deque<std::size_t> waiting;
  std::set<std::size_t> open;
  std::size_t asked = 0;
  std::int64_t now = 0;
  Course run;
  const auto fill = [&] {
    while (asked < questions && open.size() < limit.limit()) {
      open.insert(asked);
      waiting.push_back(asked++);
    }
    if (asked == questions) {
      limit.idle();
    } else {
      limit.full(Instant(Duration(now)));
    }
    while (!waiting.empty() && busy.size() < app.workers) {
      const auto taken = waiting.begin() + static_cast<std::ptrdiff_t>(app.takes_which(waiting.size()));
      busy.insert({now + app.takes_us(), *taken});
      waiting.erase(taken);
    }
    run.largest = std::max(run.largest, open.size());
    if (asked < questions) run.at_last = open.size();
  };
  fill();
  while (!busy.empty()) {
    now = busy.begin()->first;
    const std::size_t question = busy.begin()->second;
    busy.erase(busy.begin());
    const bool overtook = *open.begin() != question;
    open.erase(question);
    limit.answered(Instant(Duration(now)), open.size(), overtook);
    fill();
  }
  run.took_us = now;
  return run;
}

TEST(ConcurrencyLimit, OneThatDoesOneThingAtATimeIsAskedOneThingAtATime) {
  ConcurrencyLimit limit(1000);
  const App app{1, [] { return 100'000; }};
  const Course run = ask_all(limit, app, 200);
  EXPECT_LE(run.largest, 4U) << "so much stands in the way of a turn at worst";
  EXPECT_LE(limit.limit(), 2U);
  EXPECT_EQ(run.took_us, 20'000'000) << "it is never without something to do";
}

// Python's semaphores, Java's monitors and Go's mutexes let a late one pass.
TEST(ConcurrencyLimit, OneThatDoesOneThingAtATimeInAnyOrderIsNotFlooded) {
  std::mt19937 random(7);
  std::exponential_distribution<double> length(1.0 / 100'000);
  const std::vector<std::function<std::size_t(std::size_t)>> orders = {
      [&](std::size_t waiting) { return random() % waiting; },
      [](std::size_t waiting) { return waiting - 1; },
      [&](std::size_t waiting) { return random() % 4 == 0 ? waiting - 1 : 0; },
  };
  for (const auto& order : orders) {
    ConcurrencyLimit alike(1000);
    EXPECT_LE(ask_all(alike, {1, [] { return 100'000; }, order}, 400).largest, 8U);
    ConcurrencyLimit unlike(1000);
    const auto takes = [&] { return 1'000 + static_cast<std::int64_t>(length(random)); };
    EXPECT_LE(ask_all(unlike, {1, takes, order}, 400).at_last, 32U);
  }
}

TEST(ConcurrencyLimit, OneThatSavesAllSideBySideIsAskedForAll) {
  ConcurrencyLimit limit(1000);
  const App app{100'000, [] { return 500'000; }};
  const Course run = ask_all(limit, app, 1'100);
  EXPECT_LE(run.took_us, 6'000'000) << "eight at once would take 69 s";
  EXPECT_GE(run.largest, 500U);
}

TEST(ConcurrencyLimit, SavesOfUnlikeLengthAreSideBySideAsWell) {
  ConcurrencyLimit limit(1000);
  std::mt19937 random(7);
  std::exponential_distribution<double> length(1.0 / 100'000);
  const App app{100'000, [&] { return 1'000 + static_cast<std::int64_t>(length(random)); }};
  const Course run = ask_all(limit, app, 20'000);
  EXPECT_LE(run.took_us, 15'000'000) << "eight at once would take 250 s";
}

TEST(ConcurrencyLimit, AsManyAsItHasWorkersOrSo) {
  ConcurrencyLimit limit(1000);
  const App app{20, [] { return 50'000; }};
  const Course run = ask_all(limit, app, 5'000);
  EXPECT_GE(limit.limit(), 8U);
  EXPECT_LE(run.at_last, 64U);
  EXPECT_LE(run.took_us, 5'000 / 20 * 50'000 * 2);
}

TEST(ConcurrencyLimit, OneThatHasBecomeQuickerIsAskedMoreAgain) {
  ConcurrencyLimit limit(1000);
  ask_all(limit, {1, [] { return 100'000; }}, 100);
  ASSERT_LE(limit.limit(), 2U);
  const Course run = ask_all(limit, {100'000, [] { return 100'000; }}, 2'000);
  EXPECT_GE(run.largest, 100U);
}

TEST(ConcurrencyLimit, NeverBeyondItsBound) {
  ConcurrencyLimit limit(3);
  const Course run = ask_all(limit, {100, [] { return 1'000; }}, 500);
  EXPECT_LE(run.largest, 3U);
}

}  // namespace
}  // namespace ringside::core
