// Against exact counts: never too low, never by more than the error too high, and nobody great is missed.
#include "sidecar/core/space_saving.h"

#include <cmath>
#include <map>

#include <gtest/gtest.h>

#include "sidecar/core/context.h"

namespace ringside::core {
namespace {

TEST(SpaceSaving, KeepsItsPromises) {
  constexpr std::size_t kCounters = 32;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    SpaceSaving table(kCounters);
    std::map<ActorId, std::uint64_t> exact;
    std::uint64_t total = 0;
    for (int i = 0; i < 20'000; ++i) {
      // Some ids come far more often than others, and some weigh far more.
      const ActorId id(1 + random.below(1 + random.below(1 + random.below(2'000))));
      const std::uint64_t weight = 1 + random.below(seed % 2 == 0 ? 1 : 1'000);
      table.add(id, weight, 1, weight);
      exact[id] += weight;
      total += weight;
    }
    EXPECT_EQ(table.total(), total);
    EXPECT_LE(table.unlisted(), total / kCounters);
    const auto top = table.top(kCounters);
    ASSERT_EQ(top.size(), kCounters);
    std::map<ActorId, std::uint64_t> kept;
    for (std::size_t i = 0; i < top.size(); ++i) {
      const SpaceSaving::Entry& entry = top[i];
      EXPECT_LE(exact[entry.id], entry.sum);
      EXPECT_LE(entry.sum - entry.error, exact[entry.id]);
      EXPECT_LE(entry.times, entry.sum);
      EXPECT_LE(entry.sum, top[i == 0 ? 0 : i - 1].sum);
      kept[entry.id] = entry.sum;
    }
    for (const auto& [id, sum] : exact) {
      EXPECT_LE(sum, kept.contains(id) ? sum : table.unlisted()) << to_string(id);
    }
  }
}

TEST(SpaceSaving, IsExactAsLongAsThereIsRoom) {
  SpaceSaving table(3);
  for (const std::uint64_t id : {7, 8, 7, 9, 7, 8}) table.add(ActorId(id), 10, 1, id);
  const auto top = table.top(2);
  ASSERT_EQ(top.size(), 2U);
  EXPECT_EQ(top[0].id, ActorId(7));
  EXPECT_EQ(top[0].sum, 30U);
  EXPECT_EQ(top[0].error, 0U);
  EXPECT_EQ(top[0].times, 3U);
  EXPECT_EQ(top[1].id, ActorId(8));
  EXPECT_EQ(table.unlisted(), 10U);
  table.add(10, 1, 1, 5);
  EXPECT_EQ(table.top(9)[2].sum, 11U) << "9 made room for 10, which may have no more than both";
  EXPECT_EQ(table.top(9)[2].error, 10U);
  EXPECT_EQ(table.top(9)[2].largest, 5U);
}

}  // namespace
}  // namespace ringside::core
