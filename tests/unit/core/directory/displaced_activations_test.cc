#include "sidecar/core/directory/displaced_activations.h"

#include <map>

#include <gtest/gtest.h>

#include "sidecar/core/context.h"
#include "sidecar/core/membership/epoch_clock.h"

namespace ringside::core {
namespace {

TEST(DisplacedActivations, GoOnlyOnEvidenceAboutThatActivation) {
  DisplacedActivations displaced(10);
  ASSERT_TRUE(displaced.put(1, {"a", 7}, 100));
  EXPECT_FALSE(displaced.drop(1, "a", 99));
  EXPECT_FALSE(displaced.drop(1, "b", 100));
  EXPECT_TRUE(displaced.drop(1, "a", 100));
  EXPECT_FALSE(displaced.find(1));
}

TEST(DisplacedActivations, TheNewerActivationOfAHolderReplacesItsOlder) {
  DisplacedActivations displaced(10);
  displaced.put(1, {"a", 7}, 100);
  displaced.put(1, {"a", 7}, 150);
  displaced.put(1, {"a", 7}, 120);
  const auto elsewhere = displaced.find(1);
  ASSERT_TRUE(elsewhere);
  EXPECT_EQ(elsewhere->epoch, Epoch(150));
  EXPECT_EQ(displaced.size(), 1U);
}

// After a cut: both activations live, and the one with the greater epoch may end first.
TEST(DisplacedActivations, OfTwoHoldersTheOtherIsKnownWhenTheGreaterIsGone) {
  const HostRun a{"a", 7}, b{"b", 8}, c{"c", 9};
  for (const bool ended_in_order : {true, false}) {
    DisplacedActivations displaced(10);
    ASSERT_TRUE(displaced.put(1, a, 100));
    ASSERT_TRUE(displaced.put(1, b, 200));
    ASSERT_TRUE(displaced.put(1, c, 150));
    ASSERT_TRUE(displaced.put(1, c, 150));
    EXPECT_EQ(displaced.size(), 3U);
    const auto holders = displaced.holders(1);
    ASSERT_EQ(holders.size(), 3U);
    EXPECT_EQ(holders.front().holder, b);
    EXPECT_EQ(displaced.held_by("a") + displaced.held_by("c"), 2U);
    if (ended_in_order) {
      EXPECT_TRUE(displaced.drop(1, "b", 200));
    } else {
      displaced.drop_run(b);
    }
    const auto elsewhere = displaced.find(1);
    ASSERT_TRUE(elsewhere);
    EXPECT_EQ(elsewhere->holder, c);
    EXPECT_TRUE(displaced.drop(1, "a", 100)) << "a duplicate may end first";
    EXPECT_FALSE(displaced.drop(1, "a", 100));
    EXPECT_EQ(displaced.holders(1).size(), 1U);
    displaced.put(1, a, 100);
    displaced.drop_run(a);
    EXPECT_EQ(displaced.holders(1).size(), 1U);
    displaced.put(1, a, 100);
    displaced.lose(HashRanges::everything());
    EXPECT_EQ(displaced.size(), 0U);
    EXPECT_TRUE(displaced.holders(1).empty());
  }
}

TEST(DisplacedActivations, OfARunThatEndedVanishAndThoseOfTheNextStay) {
  DisplacedActivations displaced(10);
  displaced.put(1, {"a", 7}, 100);
  displaced.put(2, {"a", 8}, 100);
  displaced.drop_run({"a", 7});
  EXPECT_FALSE(displaced.find(1));
  EXPECT_TRUE(displaced.find(2));
}

// Against a map, through growth, gaps that close, and segments that shrink.
TEST(DisplacedActivations, HoldWhatAMapWouldHold) {
  DisplacedActivations displaced(100'000);
  std::map<ActorId, Epoch> expected;
  Random random(7);
  for (int step = 0; step < 200'000; ++step) {
    const ActorId id(1 + random.below(20'000));
    // Grows for the first half, and shrinks after it.
    if (random.below(10) < (step < 100'000 ? 7U : 2U)) {
      const Epoch epoch = expected[id].next();
      ASSERT_TRUE(displaced.put(id, {"a", Generation(1 + id.value() % 3)}, epoch));
      expected[id] = epoch;
    } else if (const auto found = expected.find(id); found != expected.end()) {
      ASSERT_TRUE(displaced.drop(id, "a", found->second));
      expected.erase(found);
    }
  }
  ASSERT_EQ(displaced.size(), expected.size());
  for (ActorId id = 1; id <= 20'000; ++id) {
    const auto found = expected.find(id);
    const auto elsewhere = displaced.find(id);
    ASSERT_EQ(elsewhere.has_value(), found != expected.end()) << id;
    if (found == expected.end()) continue;
    ASSERT_EQ(elsewhere->epoch, found->second) << id;
  }
  displaced.drop_run({"a", 2});
  std::erase_if(expected, [](const auto& entry) { return entry.first.value() % 3 == 1; });
  EXPECT_EQ(displaced.size(), expected.size());
  EXPECT_EQ(displaced.held_by("a"), expected.size());
}

// A large table is cleared by and by, and tells nothing of what was dropped meanwhile.
TEST(DisplacedActivations, AreDroppedAtOnceAndSweptLater) {
  constexpr std::uint64_t kMany = 1'000;
  const HostRun gone{"a", 7}, stays{"b", 8};
  for (const bool whole_run : {true, false}) {
    DisplacedActivations displaced(10'000, 100);
    for (std::uint64_t id = 1; id <= kMany; ++id) displaced.put(ActorId(id), id % 2 == 0 ? gone : stays, 5);
    displaced.put(2, stays, 4);  // a duplicate
    const HashRanges lower({{0, Hash(UINT64_MAX / 2)}});
    const auto is_dropped = [&](std::uint64_t id) {
      return whole_run ? id % 2 == 0 : lower.contains(hash_id(ActorId(id)));
    };
    if (whole_run) {
      displaced.drop_run(gone);
      EXPECT_EQ(displaced.held_by("a"), 0U);
    } else {
      displaced.lose(lower);
    }
    ASSERT_TRUE(displaced.is_sweep_due());
    for (std::size_t sweeps = 0; displaced.is_sweep_due(); ++sweeps) {
      ASSERT_LE(sweeps, 256U);
      displaced.sweep();
      for (std::uint64_t id = 3 + sweeps; id <= kMany; id += 97) {
        ASSERT_EQ(displaced.find(ActorId(id)).has_value(), !is_dropped(id)) << id;
      }
    }
    std::size_t left = whole_run ? 1 : 0;  // the duplicate
    for (std::uint64_t id = 1; id <= kMany; ++id) left += is_dropped(id) ? 0 : 1;
    if (!whole_run && !is_dropped(2)) ++left;
    EXPECT_EQ(displaced.size(), left);
    EXPECT_EQ(displaced.held_by("a") + displaced.held_by("b"), left);
    EXPECT_TRUE(displaced.put(4, gone, 9)) << "the same run may be heard of again";
    EXPECT_TRUE(displaced.find(4));
  }
}

TEST(DisplacedActivations, WhatIsLostAndGainedAgainIsForgotten) {
  DisplacedActivations displaced(10'000, 100);
  for (std::uint64_t id = 1; id <= 1'000; ++id) displaced.put(ActorId(id), {"a", 7}, 5);
  displaced.lose(HashRanges::everything());
  displaced.put(1, {"b", 8}, 6);
  displaced.gain(HashRanges::everything());
  EXPECT_FALSE(displaced.is_sweep_due());
  EXPECT_EQ(displaced.size(), 0U);
}

TEST(DisplacedActivations, TakeAtMost24BytesEach) {
  constexpr Epoch kGreatest = EpochClock::kLimit.before();
  constexpr std::size_t kMany = 1'000'000;
  DisplacedActivations displaced(kMany);
  for (std::uint64_t id = 1; id <= kMany; ++id) {
    displaced.put(ActorId(id), {"10.0.0.1", 1}, kGreatest);
    if (id % 50'000 != 0) continue;
    ASSERT_LE(displaced.bytes(), id * 24 + sizeof(DisplacedActivations)) << id;
  }
  const auto elsewhere = displaced.find(77);
  ASSERT_TRUE(elsewhere);
  EXPECT_EQ(elsewhere->epoch, kGreatest);
}

TEST(DisplacedActivations, HaveABoundedNumberOfHolders) {
  DisplacedActivations displaced(10'000);
  for (std::size_t run = 1; run <= DisplacedActivations::kMaxHolders; ++run)
    ASSERT_TRUE(displaced.put(ActorId(run), {"a", Generation(run)}, 1));
  EXPECT_FALSE(displaced.put(9'999, {"a", 9'999}, 1));
  displaced.drop_run({"a", 5});
  EXPECT_TRUE(displaced.put(9'999, {"a", 9'999}, 1));
}

TEST(DisplacedActivations, AreBounded) {
  DisplacedActivations displaced(2);
  EXPECT_TRUE(displaced.put(1, {"a", 1}, 1));
  EXPECT_TRUE(displaced.put(2, {"a", 1}, 1));
  EXPECT_FALSE(displaced.put(3, {"a", 1}, 1));
  EXPECT_TRUE(displaced.put(2, {"a", 1}, 2)) << "one that is known takes no more room";
  displaced.lose(HashRanges({{hash_id(2), hash_id(2)}}));
  EXPECT_EQ(displaced.size(), 1U);
  EXPECT_EQ(displaced.held_by("a"), 1U);
}

}  // namespace
}  // namespace ringside::core
