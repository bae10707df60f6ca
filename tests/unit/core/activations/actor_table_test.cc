#include "sidecar/core/activations/actor_table.h"

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

Instant at(std::int64_t us) { return Instant(Duration(us)); }

std::vector<ActorId> order(const ActorTable& table) {
  std::vector<ActorId> ids;
  table.each([&](const Actor& actor) { ids.push_back(actor.id); });
  return ids;
}

TEST(ActorTable, KeepsTheOrderOfTheLastUse) {
  ActorTable table;
  for (int i = 1; i <= 4; ++i) table.create(ActorId(std::uint64_t(i)), Epoch(std::uint64_t(i)), at(i));
  table.touch(*table.find(2), at(10));
  table.touch(*table.find(2), at(11));
  EXPECT_EQ(order(table), (std::vector<ActorId>{1, 3, 4, 2}));
  table.erase(*table.find(1));
  EXPECT_EQ(table.oldest()->id, ActorId(3));
  table.erase(*table.find(2));
  table.erase(*table.find(4));
  EXPECT_EQ(order(table), (std::vector<ActorId>{3}));
  table.erase(*table.find(3));
  EXPECT_EQ(table.oldest(), nullptr);
  table.create(9, 1, at(1));
  EXPECT_EQ(order(table), (std::vector<ActorId>{9}));
}

TEST(ActorTable, AnswersOfTheLongestIdleAreForgottenFirst) {
  ActorTable table(1400);
  const auto remember = [&](ActorId id, std::size_t bytes) {
    Actor* actor = table.find(id);
    if (actor == nullptr) actor = &table.create(id, 1, Instant());
    table.touch(*actor, Instant());
    table.remember(*actor, {to_string(id), Outcome::kApplied, std::string(bytes, 'x'), 1});
  };
  for (ActorId id = 1; id <= 4; ++id) remember(id, 200);
  table.find(1)->deactivating = true;
  remember(5, 300);
  EXPECT_NE(table.find(1)->window, nullptr) << "its successors are to have it";
  EXPECT_EQ(table.find(2)->window, nullptr);
  EXPECT_NE(table.find(5)->window, nullptr);
  table.erase(*table.find(5));
  remember(6, 550);
  EXPECT_NE(table.find(4)->window, nullptr) << "what has ended counts no more";
}

}  // namespace
}  // namespace ringside::core
