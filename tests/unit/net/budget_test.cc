#include "sidecar/net/budget.h"

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace ringside::net {
namespace {

TEST(Budget, APartCountsInTheWhole) {
  const auto whole = std::make_shared<Budget>(10);
  Budget part(8, whole);
  EXPECT_TRUE(part.take(6));
  EXPECT_FALSE(part.take(3)) << "more than the part";
  EXPECT_TRUE(whole->take(3));
  EXPECT_FALSE(part.take(2)) << "more than the whole";
  EXPECT_EQ(part.used(), 6U);
  part.take_anyway(2);
  EXPECT_TRUE(part.exceeded()) << "with the whole";
  part.give_back(8);
  EXPECT_FALSE(part.exceeded());
  EXPECT_EQ(whole->used(), 3U);
}

TEST(Budget, AnAccountMovesWithWhatItHolds) {
  const auto one = std::make_shared<Budget>(10);
  const auto two = std::make_shared<Budget>(5);
  {
    BudgetAccount account(10, one);
    EXPECT_TRUE(account.take(7));
    account.move_to(two);
    EXPECT_EQ(one->used(), 0U);
    EXPECT_EQ(two->used(), 7U);
    EXPECT_TRUE(account.exceeded());
    EXPECT_FALSE(account.take(1));
    account.give_back(4);
    EXPECT_TRUE(account.take(1));
  }
  EXPECT_EQ(two->used(), 0U);
}

TEST(AddressBudgets, NoAddressTakesAll) {
  AddressBudgets budgets(10, 5);
  const auto part = budgets.of("a");
  EXPECT_EQ(budgets.of("a"), part);
  EXPECT_TRUE(part->take(5));
  EXPECT_FALSE(part->take(1));
  const auto other = budgets.of("b");
  EXPECT_TRUE(other->take(5));
  EXPECT_FALSE(budgets.of("c")->take(1));
  part->give_back(5);
  EXPECT_EQ(budgets.all().used(), 5U);
}

TEST(AddressBudgets, ThoseInUseAreNeverForgotten) {
  AddressBudgets budgets(1'000, 5);
  std::vector<std::shared_ptr<Budget>> held;
  for (int i = 0; i < 200; ++i) {
    held.push_back(budgets.of("held" + std::to_string(i)));
    for (int gone = 0; gone < 10; ++gone) budgets.of("gone" + std::to_string(10 * i + gone));
  }
  for (int i = 0; i < 200; ++i) EXPECT_EQ(budgets.of("held" + std::to_string(i)), held[static_cast<std::size_t>(i)]);
}

}  // namespace
}  // namespace ringside::net
