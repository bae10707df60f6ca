#include "sidecar/core/directory/inventory.h"

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

TEST(Inventory, IsSettledOnceAllThatWereAskedHaveAnsweredThisNumber) {
  Inventory inventory;
  inventory.gain(HashRanges({{10, 20}}));
  EXPECT_TRUE(inventory.in_doubt(15));
  ASSERT_TRUE(inventory.may_open_next());
  inventory.open_next({{"a", Generation(1)}, {"b", Generation(2)}});
  EXPECT_FALSE(inventory.answered("a", 1, inventory.number().before())) << "an answer to an older question";
  EXPECT_FALSE(inventory.answered("a", 9, inventory.number())) << "an answer of another run";
  EXPECT_FALSE(inventory.answered("c", 1, inventory.number())) << "an answer of somebody who was not asked";
  EXPECT_TRUE(inventory.answered("a", 1, inventory.number()));
  EXPECT_FALSE(inventory.answered("a", 1, inventory.number())) << "twice";
  EXPECT_TRUE(inventory.in_doubt(15));
  inventory.gone("b");
  EXPECT_FALSE(inventory.in_doubt(15));
  EXPECT_TRUE(inventory.closed());
}

TEST(Inventory, WhatIsGainedMeanwhileWaitsForTheNextQuestion) {
  Inventory inventory;
  inventory.gain(HashRanges({{10, 20}}));
  ASSERT_TRUE(inventory.may_open_next());
  inventory.open_next({{"a", Generation(1)}});
  inventory.gain(HashRanges({{30, 40}}));
  EXPECT_FALSE(inventory.may_open_next());
  EXPECT_TRUE(inventory.answered("a", 1, inventory.number()));
  EXPECT_FALSE(inventory.in_doubt(15));
  EXPECT_TRUE(inventory.in_doubt(35));
  ASSERT_TRUE(inventory.may_open_next());
  inventory.open_next({});
  EXPECT_TRUE(inventory.closed()) << "nobody to ask";
}

// Otherwise an answer that is overtaken by the end of an activation brings it back for good.
TEST(Inventory, WhatEndsWhileItIsAskedForIsKnownToHaveEnded) {
  Inventory inventory;
  inventory.ended("a", {7, 70});
  EXPECT_FALSE(inventory.has_ended("a", {7, 70})) << "nobody was asked: the next answer will not list it";
  inventory.gain(HashRanges({{10, 20}}));
  ASSERT_TRUE(inventory.may_open_next());
  inventory.open_next({{"a", Generation(1)}, {"b", Generation(2)}});
  inventory.ended("a", {7, 70});
  EXPECT_TRUE(inventory.has_ended("a", {7, 70}));
  EXPECT_FALSE(inventory.has_ended("a", {7, 71})) << "another activation";
  EXPECT_FALSE(inventory.has_ended("b", {7, 70})) << "of another host";
  EXPECT_TRUE(inventory.answered("a", 1, inventory.number()));
  EXPECT_TRUE(inventory.answered("b", 2, inventory.number()));
  EXPECT_FALSE(inventory.has_ended("a", {7, 70})) << "kept no longer than needed";
}

TEST(Inventory, LostRangesAreNobodysDoubt) {
  Inventory inventory;
  inventory.gain(HashRanges({{10, 20}}));
  inventory.lose(HashRanges({{10, 14}}));
  EXPECT_FALSE(inventory.in_doubt(12));
  EXPECT_TRUE(inventory.in_doubt(15));
}

}  // namespace
}  // namespace ringside::core
