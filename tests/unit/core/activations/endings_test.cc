#include "sidecar/core/activations/endings.h"

#include <map>
#include <vector>

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

// Asks everything that there is room for, and tells in which order.
std::vector<ActorId> ask_all(Endings& endings, std::uint64_t& next) {
  std::vector<ActorId> asked;
  while (const auto claim = endings.next(Instant())) {
    endings.asked(*claim, DeactivationId(next++), Instant());
    asked.push_back(claim->id);
  }
  return asked;
}

TEST(Endings, AsksInOrderAndAtMostSoManyAtOnce) {
  Endings endings(2);
  std::uint64_t next = 1;
  for (ActorId id = 1; id <= 4; ++id) endings.add({id, 10}, false);
  EXPECT_EQ(ask_all(endings, next), (std::vector<ActorId>{1, 2}));
  EXPECT_EQ(endings.answered(DeactivationId(1), Instant())->claim, (Claim{1, 10}));
  endings.over(1);
  EXPECT_EQ(ask_all(endings, next), std::vector<ActorId>{3});
}

// The app hangs with the first of them, and is quick with the others.
TEST(Endings, OneThatIsNotAnsweredKeepsNoOtherFromBeingAsked) {
  Endings endings(1000);
  std::uint64_t next = 1;
  for (ActorId id = 1; id <= 100; ++id) endings.add({id, 10}, false);
  ASSERT_EQ(ask_all(endings, next).size(), ConcurrencyLimit::kFirst);
  std::size_t answered = 0;
  for (Instant now; now < Instant(Duration(10'000'000)); now += Duration(10'000)) {
    while (const auto claim = endings.next(now)) {
      endings.asked(*claim, DeactivationId(next), now);
      endings.answered(DeactivationId(next++), now + Duration(5'000));
      endings.over(claim->id);
      ++answered;
    }
  }
  EXPECT_EQ(answered, 100 - ConcurrencyLimit::kFirst);
}

// Saves of 10 ms to 3 s, all side by side, asked for as the app answers.
TEST(Endings, UnlikeSavesAreAskedForSideBySide) {
  const std::vector<std::int64_t> takes_ms = {10, 50, 200, 1'000, 3'000};
  Endings endings(1000);
  std::uint64_t next = 1;
  for (ActorId id = 1; id <= 400; ++id) endings.add({id, 10}, false);
  std::multimap<std::int64_t, std::pair<DeactivationId, ActorId>> ends;  // in ms
  std::int64_t now = 0, last = 0;
  while (!endings.empty()) {
    while (const auto claim = endings.next(Instant(Duration(now * 1000)))) {
      const DeactivationId asked(next++);
      endings.asked(*claim, asked, Instant(Duration(now * 1000)));
      ends.insert({now + takes_ms[claim->id % takes_ms.size()], {asked, claim->id}});
    }
    ASSERT_FALSE(ends.empty());
    last = now = ends.begin()->first;
    endings.answered(ends.begin()->second.first, Instant(Duration(now * 1000)));
    endings.over(ends.begin()->second.second);
    ends.erase(ends.begin());
  }
  EXPECT_LE(last, 20'000) << "one after another they take 341 s";
}

TEST(Endings, WhatACallWaitsForComesFirst) {
  Endings endings(1);
  std::uint64_t next = 1;
  endings.add({1, 1}, false);
  endings.add({2, 1}, false);
  endings.add({3, 1}, true);
  endings.hurry(2);
  std::vector<ActorId> order;
  for (int i = 0; i < 3; ++i) {
    order.push_back(ask_all(endings, next).front());
    endings.answered(DeactivationId(next - 1), Instant());
    endings.over(order.back());
  }
  EXPECT_EQ(order, (std::vector<ActorId>{3, 2, 1}));
}

TEST(Endings, OnlyWhatHasNotBeenAskedCanBeTakenBack) {
  Endings endings(1);
  std::uint64_t next = 1;
  endings.add({1, 1}, false);
  endings.add({2, 1}, false);
  ask_all(endings, next);
  EXPECT_FALSE(endings.withdraw(1));
  EXPECT_TRUE(endings.withdraw(2));
  EXPECT_FALSE(endings.withdraw(2));
  endings.answered(DeactivationId(1), Instant());
  endings.over(1);
  EXPECT_EQ(ask_all(endings, next), std::vector<ActorId>());
  EXPECT_TRUE(endings.empty());
}

TEST(Endings, WhatFailedIsAskedAgainWhenItIsTime) {
  Endings endings(1);
  std::uint64_t next = 1;
  endings.add({1, 1}, false);
  ask_all(endings, next);
  EXPECT_EQ(endings.answered(DeactivationId(1), Instant())->failures, 0U);
  endings.ask_later(1, "answered 500");
  EXPECT_EQ(ask_all(endings, next), std::vector<ActorId>());
  endings.ask_again(1);
  endings.ask_again(1);
  EXPECT_EQ(ask_all(endings, next), std::vector<ActorId>{1});
  EXPECT_EQ(endings.refusals(1).last, "answered 500");
  EXPECT_EQ(endings.answered(DeactivationId(2), Instant())->failures, 1U);
}

TEST(Endings, AnAnswerToWhatIsOverMeansNothing) {
  Endings endings(1);
  std::uint64_t next = 1;
  endings.add({1, 1}, false);
  ask_all(endings, next);
  endings.clear();
  EXPECT_FALSE(endings.answered(DeactivationId(1), Instant()).has_value());
  endings.ask_again(1);
  EXPECT_TRUE(endings.empty());
}

}  // namespace
}  // namespace ringside::core
