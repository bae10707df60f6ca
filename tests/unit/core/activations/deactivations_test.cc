#include "sidecar/core/activations/deactivations.h"

#include <map>
#include <vector>

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

// Asks everything that there is room for, and tells in which order.
std::vector<ActorId> ask_all(Deactivations& deactivations, std::uint64_t& next) {
  std::vector<ActorId> asked;
  while (const auto claim = deactivations.next(Instant())) {
    deactivations.asked(*claim, DeactivationId(next++), Instant());
    asked.push_back(claim->id);
  }
  return asked;
}

TEST(Deactivations, AsksInOrderAndAtMostSoManyAtOnce) {
  Deactivations deactivations(2);
  std::uint64_t next = 1;
  for (ActorId id = 1; id <= 4; ++id) deactivations.add({id, 10}, false);
  EXPECT_EQ(ask_all(deactivations, next), (std::vector<ActorId>{1, 2}));
  EXPECT_EQ(deactivations.answered(DeactivationId(1), Instant())->claim, (Claim{1, 10}));
  deactivations.over(1);
  EXPECT_EQ(ask_all(deactivations, next), std::vector<ActorId>{3});
}

// The app hangs with the first of them, and is quick with the others.
TEST(Deactivations, OneThatIsNotAnsweredKeepsNoOtherFromBeingAsked) {
  Deactivations deactivations(1000);
  std::uint64_t next = 1;
  for (ActorId id = 1; id <= 100; ++id) deactivations.add({id, 10}, false);
  ASSERT_EQ(ask_all(deactivations, next).size(), ConcurrencyLimit::kFirst);
  std::size_t answered = 0;
  for (Instant now; now < Instant(Duration(10'000'000)); now += Duration(10'000)) {
    while (const auto claim = deactivations.next(now)) {
      deactivations.asked(*claim, DeactivationId(next), now);
      deactivations.answered(DeactivationId(next++), now + Duration(5'000));
      deactivations.over(claim->id);
      ++answered;
    }
  }
  EXPECT_EQ(answered, 100 - ConcurrencyLimit::kFirst);
}

// Saves of 10 ms to 3 s, all side by side, asked for as the app answers.
TEST(Deactivations, UnlikeSavesAreAskedForSideBySide) {
  const std::vector<std::int64_t> takes_ms = {10, 50, 200, 1'000, 3'000};
  Deactivations deactivations(1000);
  std::uint64_t next = 1;
  for (ActorId id = 1; id <= 400; ++id) deactivations.add({id, 10}, false);
  std::multimap<std::int64_t, std::pair<DeactivationId, ActorId>> ends;  // in ms
  std::int64_t now = 0, last = 0;
  while (!deactivations.empty()) {
    while (const auto claim = deactivations.next(Instant(Duration(now * 1000)))) {
      const DeactivationId asked(next++);
      deactivations.asked(*claim, asked, Instant(Duration(now * 1000)));
      ends.insert({now + takes_ms[claim->id.value() % takes_ms.size()], {asked, claim->id}});
    }
    ASSERT_FALSE(ends.empty());
    last = now = ends.begin()->first;
    deactivations.answered(ends.begin()->second.first, Instant(Duration(now * 1000)));
    deactivations.over(ends.begin()->second.second);
    ends.erase(ends.begin());
  }
  EXPECT_LE(last, 20'000) << "one after another they take 341 s";
}

TEST(Deactivations, WhatACallWaitsForComesFirst) {
  Deactivations deactivations(1);
  std::uint64_t next = 1;
  deactivations.add({1, 1}, false);
  deactivations.add({2, 1}, false);
  deactivations.add({3, 1}, true);
  deactivations.hurry(2);
  std::vector<ActorId> order;
  for (int i = 0; i < 3; ++i) {
    order.push_back(ask_all(deactivations, next).front());
    deactivations.answered(DeactivationId(next - 1), Instant());
    deactivations.over(order.back());
  }
  EXPECT_EQ(order, (std::vector<ActorId>{3, 2, 1}));
}

TEST(Deactivations, OnlyWhatHasNotBeenAskedCanBeTakenBack) {
  Deactivations deactivations(1);
  std::uint64_t next = 1;
  deactivations.add({1, 1}, false);
  deactivations.add({2, 1}, false);
  ask_all(deactivations, next);
  EXPECT_FALSE(deactivations.withdraw(1));
  EXPECT_TRUE(deactivations.withdraw(2));
  EXPECT_FALSE(deactivations.withdraw(2));
  deactivations.answered(DeactivationId(1), Instant());
  deactivations.over(1);
  EXPECT_EQ(ask_all(deactivations, next), std::vector<ActorId>());
  EXPECT_TRUE(deactivations.empty());
}

TEST(Deactivations, WhatFailedIsAskedAgainWhenItIsTime) {
  Deactivations deactivations(1);
  std::uint64_t next = 1;
  deactivations.add({1, 1}, false);
  ask_all(deactivations, next);
  EXPECT_EQ(deactivations.answered(DeactivationId(1), Instant())->failures, 0U);
  deactivations.ask_later(1, "answered 500");
  EXPECT_EQ(ask_all(deactivations, next), std::vector<ActorId>());
  deactivations.ask_again(1);
  deactivations.ask_again(1);
  EXPECT_EQ(ask_all(deactivations, next), std::vector<ActorId>{1});
  EXPECT_EQ(deactivations.failures(1).last, "answered 500");
  EXPECT_EQ(deactivations.answered(DeactivationId(2), Instant())->failures, 1U);
}

TEST(Deactivations, AnAnswerToWhatIsOverMeansNothing) {
  Deactivations deactivations(1);
  std::uint64_t next = 1;
  deactivations.add({1, 1}, false);
  ask_all(deactivations, next);
  deactivations.clear();
  EXPECT_FALSE(deactivations.answered(DeactivationId(1), Instant()).has_value());
  deactivations.ask_again(1);
  EXPECT_TRUE(deactivations.empty());
}

}  // namespace
}  // namespace ringside::core
