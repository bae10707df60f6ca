#include "sidecar/core/directory/strays.h"

#include <map>

#include <gtest/gtest.h>

#include "sidecar/core/context.h"

namespace ringside::core {
namespace {

TEST(Strays, GoOnlyOnEvidenceAboutThatActivation) {
  Strays strays(10);
  ASSERT_TRUE(strays.put(1, {"a", 7}, 100));
  EXPECT_FALSE(strays.drop(1, "a", 99));
  EXPECT_FALSE(strays.drop(1, "b", 100));
  EXPECT_TRUE(strays.drop(1, "a", 100));
  EXPECT_FALSE(strays.find(1));
}

TEST(Strays, TheNewerActivationOfAHolderReplacesItsOlder) {
  Strays strays(10);
  strays.put(1, {"a", 7}, 100);
  strays.put(1, {"a", 7}, 150);
  strays.put(1, {"a", 7}, 120);
  const auto stray = strays.find(1);
  ASSERT_TRUE(stray);
  EXPECT_EQ(stray->epoch, 150U);
  EXPECT_EQ(strays.size(), 1U);
}

// After a cut: both activations live, and the one with the greater epoch may end first.
TEST(Strays, OfTwoHoldersTheOtherIsKnownWhenTheGreaterIsGone) {
  const HostRun a{"a", 7}, b{"b", 8}, c{"c", 9};
  for (const bool ended_in_order : {true, false}) {
    Strays strays(10);
    ASSERT_TRUE(strays.put(1, a, 100));
    ASSERT_TRUE(strays.put(1, b, 200));
    ASSERT_TRUE(strays.put(1, c, 150));
    ASSERT_TRUE(strays.put(1, c, 150));
    EXPECT_EQ(strays.size(), 3U);
    const auto holders = strays.holders(1);
    ASSERT_EQ(holders.size(), 3U);
    EXPECT_EQ(holders.front().holder, b);
    EXPECT_EQ(strays.held_by("a") + strays.held_by("c"), 2U);
    if (ended_in_order) {
      EXPECT_TRUE(strays.drop(1, "b", 200));
    } else {
      strays.drop_run(b);
    }
    const auto stray = strays.find(1);
    ASSERT_TRUE(stray);
    EXPECT_EQ(stray->holder, c);
    EXPECT_TRUE(strays.drop(1, "a", 100)) << "a rival may end first";
    EXPECT_FALSE(strays.drop(1, "a", 100));
    EXPECT_EQ(strays.holders(1).size(), 1U);
    strays.put(1, a, 100);
    strays.drop_run(a);
    EXPECT_EQ(strays.holders(1).size(), 1U);
    strays.put(1, a, 100);
    strays.keep_only([](ActorId) { return false; });
    EXPECT_EQ(strays.size(), 0U);
    EXPECT_TRUE(strays.holders(1).empty());
  }
}

TEST(Strays, OfARunThatEndedVanishAndThoseOfTheNextStay) {
  Strays strays(10);
  strays.put(1, {"a", 7}, 100);
  strays.put(2, {"a", 8}, 100);
  strays.drop_run({"a", 7});
  EXPECT_FALSE(strays.find(1));
  EXPECT_TRUE(strays.find(2));
}

// Against a map, through growth, gaps that close, and segments that shrink.
TEST(Strays, HoldWhatAMapWouldHold) {
  Strays strays(100'000);
  std::map<ActorId, Epoch> expected;
  Random random(7);
  for (int step = 0; step < 200'000; ++step) {
    const ActorId id = 1 + random.below(20'000);
    // Grows for the first half, and shrinks after it.
    if (random.below(10) < (step < 100'000 ? 7U : 2U)) {
      const Epoch epoch = expected[id] + 1;
      ASSERT_TRUE(strays.put(id, {"a", 1 + id % 3}, epoch));
      expected[id] = epoch;
    } else if (const auto found = expected.find(id); found != expected.end()) {
      ASSERT_TRUE(strays.drop(id, "a", found->second));
      expected.erase(found);
    }
  }
  ASSERT_EQ(strays.size(), expected.size());
  for (ActorId id = 1; id <= 20'000; ++id) {
    const auto found = expected.find(id);
    const auto stray = strays.find(id);
    ASSERT_EQ(stray.has_value(), found != expected.end()) << id;
    if (found == expected.end()) continue;
    ASSERT_EQ(stray->epoch, found->second) << id;
  }
  strays.drop_run({"a", 2});
  std::erase_if(expected, [](const auto& entry) { return entry.first % 3 == 1; });
  EXPECT_EQ(strays.size(), expected.size());
  EXPECT_EQ(strays.held_by("a"), expected.size());
}

TEST(Strays, TakeAtMost24BytesEach) {
  constexpr std::size_t kMany = 1'000'000;
  Strays strays(kMany);
  for (ActorId id = 1; id <= kMany; ++id) {
    strays.put(id, {"10.0.0.1", 1}, (Epoch{1} << 53) - 1);
    if (id % 50'000 != 0) continue;
    ASSERT_LE(strays.bytes(), id * 24 + sizeof(Strays)) << id;
  }
  const auto stray = strays.find(77);
  ASSERT_TRUE(stray);
  EXPECT_EQ(stray->epoch, (Epoch{1} << 53) - 1);
}

TEST(Strays, HaveABoundedNumberOfHolders) {
  Strays strays(10'000);
  for (std::size_t run = 1; run <= Strays::kMaxHolders; ++run) ASSERT_TRUE(strays.put(run, {"a", run}, 1));
  EXPECT_FALSE(strays.put(9'999, {"a", 9'999}, 1));
  strays.drop_run({"a", 5});
  EXPECT_TRUE(strays.put(9'999, {"a", 9'999}, 1));
}

TEST(Strays, AreBounded) {
  Strays strays(2);
  EXPECT_TRUE(strays.put(1, {"a", 1}, 1));
  EXPECT_TRUE(strays.put(2, {"a", 1}, 1));
  EXPECT_FALSE(strays.put(3, {"a", 1}, 1));
  EXPECT_TRUE(strays.put(2, {"a", 1}, 2)) << "one that is known takes no more room";
  strays.keep_only([](ActorId id) { return id == 1; });
  EXPECT_EQ(strays.size(), 1U);
  EXPECT_EQ(strays.held_by("a"), 1U);
}

}  // namespace
}  // namespace ringside::core
