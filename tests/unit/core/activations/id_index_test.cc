#include "sidecar/core/activations/id_index.h"

#include <set>

#include <gtest/gtest.h>

#include "sidecar/core/context.h"

namespace ringside::core {
namespace {

std::vector<ActorId> page(const IdIndex& index, ActorId after, std::size_t limit) {
  std::vector<ActorId> ids;
  index.each_above(after, [&](ActorId id) {
    ids.push_back(id);
    return ids.size() < limit;
  });
  return ids;
}

// Beside a std::set, through growth, splits and the way back to nothing.
TEST(IdIndex, IsASortedSet) {
  IdIndex index;
  std::set<ActorId> model;
  Random random(7);
  const auto compare = [&] {
    ActorId after = 0;
    std::vector<ActorId> all;
    for (auto ids = page(index, after, 100); !ids.empty(); ids = page(index, after, 100)) {
      all.insert(all.end(), ids.begin(), ids.end());
      after = ids.back();
    }
    EXPECT_EQ(all, std::vector<ActorId>(model.begin(), model.end()));
  };
  for (int round = 0; round < 20'000; ++round) {
    const ActorId id(1 + random.below(round % 2 == 0 ? 100'000 : UINT64_MAX - 1));
    if (model.insert(id).second) index.add(id);
  }
  compare();
  while (!model.empty()) {
    const ActorId from(1 + random.below(UINT64_MAX - 1));
    auto victim = model.lower_bound(from);
    if (victim == model.end() || random.below(2) == 0) victim = model.begin();
    index.remove(*victim);
    model.erase(victim);
    if (model.size() % 5'000 == 0) compare();
  }
  EXPECT_TRUE(page(index, 0, 1).empty());
}

TEST(IdIndex, TakesIdsInAnyOrder) {
  for (const bool up : {true, false}) {
    IdIndex index;
    for (std::uint64_t i = 1; i <= 3'000; ++i) index.add(ActorId(up ? i : 3'001 - i));
    const auto all = page(index, 0, 10'000);
    ASSERT_EQ(all.size(), 3'000U);
    for (std::uint64_t i = 1; i <= 3'000; ++i) EXPECT_EQ(all[i - 1], ActorId(i));
    EXPECT_EQ(page(index, 1'499, 1), std::vector<ActorId>{1'500});
  }
}

}  // namespace
}  // namespace ringside::core
