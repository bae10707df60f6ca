#include "sidecar/core/activations/inherited.h"

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

Ended ended(ActorId id, const std::string& key, Epoch epoch = 1) {
  return {id, epoch, {{key, Outcome::kApplied, "", 1}}};
}

TEST(Inherited, AnswersAreTakenOnce) {
  Inherited inherited;
  inherited.put(ended(1, "a"));
  ASSERT_EQ(inherited.take(1).size(), 1U);
  EXPECT_TRUE(inherited.take(1).empty());
}

TEST(Inherited, TheAnswersOfTheLatestActivationCount) {
  Inherited inherited;
  inherited.put(ended(1, "first", 10));
  inherited.put(ended(1, "third", 30));
  inherited.put(ended(1, "second", 20));
  const auto answers = inherited.take(1);
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers.front().key, "third");
}

TEST(Inherited, TheOldestAreForgottenFirst) {
  constexpr ActorId kMostAndOne{Inherited::kMost + 1};
  Inherited inherited;
  for (ActorId id = 1; id <= kMostAndOne; ++id) inherited.put(ended(id, "key"));
  EXPECT_TRUE(inherited.take(1).empty());
  EXPECT_FALSE(inherited.take(2).empty());
  EXPECT_FALSE(inherited.take(kMostAndOne).empty());
}

TEST(Inherited, TheyAreBoundedByBytesAsWell) {
  Inherited inherited(1600);
  inherited.put(ended(1, std::string(400, 'a')));
  inherited.put(ended(2, std::string(400, 'b')));
  inherited.put(ended(2, std::string(500, 'c'), 2));  // in the place of its older answers
  inherited.put(ended(3, std::string(200, 'd')));
  EXPECT_TRUE(inherited.take(1).empty());
  EXPECT_FALSE(inherited.take(2).empty());
  inherited.put(ended(4, std::string(800, 'e')));
  EXPECT_FALSE(inherited.take(3).empty()) << "what was taken counts no more";
  EXPECT_FALSE(inherited.take(4).empty());
}

TEST(Inherited, WhatIsTakenLeavesNothingBehind) {
  Inherited inherited;
  for (ActorId id = 1; id.value() <= 5 * Inherited::kMost; ++id) {
    inherited.put(ended(id, "key"));
    ASSERT_EQ(inherited.take(id).size(), 1U);
  }
  inherited.put(ended(1, "key"));
  std::size_t known = 0;
  inherited.each([&](const Ended&) { ++known; });
  EXPECT_EQ(known, 1U);
}

}  // namespace
}  // namespace ringside::core
