#include "sidecar/core/hash_ranges.h"

#include <set>

#include <gtest/gtest.h>

#include "sidecar/core/context.h"

namespace ringside::core {
namespace {

constexpr Hash kLast = kGreatestHash;

TEST(HashRanges, MergesWhatTouches) {
  EXPECT_EQ(HashRanges({{5, 9}, {1, 4}}).ranges(), (std::vector<HashRanges::Range>{{1, 9}}));
  EXPECT_EQ(HashRanges({{5, kLast}, {7, 8}}).ranges(), (std::vector<HashRanges::Range>{{5, kLast}}));
  EXPECT_TRUE(HashRanges({{9, 5}}).empty());
}

TEST(HashRanges, EverythingLessEverythingIsNothing) {
  HashRanges ranges = HashRanges::everything();
  EXPECT_TRUE(ranges.contains(0));
  EXPECT_TRUE(ranges.contains(kLast));
  ranges.remove(HashRanges::everything());
  EXPECT_TRUE(ranges.empty());
}

// Against sets of small numbers.
TEST(HashRanges, AddAndRemoveAreThoseOfSets) {
  Random random(7);
  for (int round = 0; round < 500; ++round) {
    HashRanges ranges[2];
    std::set<Hash> sets[2];
    for (int which = 0; which < 2; ++which) {
      std::vector<HashRanges::Range> raw;
      for (std::uint64_t i = random.below(6); i > 0; --i) {
        const Hash first(random.below(60));
        const Hash last(first.value() + random.below(8));
        raw.push_back({first, last});
        for (Hash h = first; h <= last; ++h) sets[which].insert(h);
      }
      ranges[which] = HashRanges(raw);
    }
    HashRanges sum = ranges[0], difference = ranges[0];
    sum.add(ranges[1]);
    difference.remove(ranges[1]);
    for (Hash h = 0; h < 70; ++h) {
      EXPECT_EQ(sum.contains(h), sets[0].contains(h) || sets[1].contains(h));
      EXPECT_EQ(difference.contains(h), sets[0].contains(h) && !sets[1].contains(h));
    }
  }
}

}  // namespace
}  // namespace ringside::core
