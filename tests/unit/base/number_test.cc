#include "sidecar/base/number.h"

#include <cstdint>
#include <set>
#include <sstream>
#include <type_traits>
#include <unordered_set>

#include <gtest/gtest.h>

namespace ringside::base {
namespace {

using Apple = Number<struct AppleTag>;
using Pear = Number<struct PearTag>;

template <typename A, typename B>
concept Comparable = requires(A a, B b) {
  a == b;
};
template <typename A, typename B>
concept Ordered = requires(A a, B b) {
  a < b;
};
template <typename A>
concept Adds = requires(A a) {
  a + 1;
}
|| requires(A a, A b) { a + b; };

// What does not compile is what a Number is for.
static_assert(std::is_constructible_v<Apple, std::uint64_t>);
static_assert(!std::is_convertible_v<std::uint64_t, Apple>);
static_assert(!std::is_convertible_v<Apple, std::uint64_t>);
static_assert(!std::is_constructible_v<std::uint64_t, Apple>);
static_assert(!std::is_convertible_v<Apple, bool>);
static_assert(!std::is_constructible_v<Apple, Pear>);
static_assert(!std::is_assignable_v<Apple&, Pear>);
static_assert(!std::is_assignable_v<Apple&, std::uint64_t>);
static_assert(Comparable<Apple, Apple> && !Comparable<Apple, Pear> && !Comparable<Apple, std::uint64_t>);
static_assert(Ordered<Apple, Apple> && !Ordered<Apple, Pear> && !Ordered<Apple, std::uint64_t>);

static_assert(!Adds<Apple>);

// A literal is a number of any kind, and nothing else that is an int.
static_assert([](Apple apple) { return apple == 7; }(7));

// It costs what its number costs.
static_assert(sizeof(Apple) == sizeof(std::uint64_t) && std::is_trivially_copyable_v<Apple>);

TEST(Number, IsItsNumberAmongItsOwnKind) {
  struct Row {
    std::uint64_t left, right;
  };
  constexpr std::uint64_t kGreatest = ~std::uint64_t{0};
  for (const Row& row : {Row{0, 0}, Row{0, 1}, Row{1, 0}, Row{7, 7}, Row{1, kGreatest}, Row{kGreatest, kGreatest}}) {
    const Apple left(row.left), right(row.right);
    EXPECT_EQ(left.value(), row.left);
    EXPECT_EQ(left == right, row.left == row.right);
    EXPECT_EQ(left < right, row.left < row.right);
    EXPECT_EQ(left > right, row.left > row.right);
  }
}

TEST(Number, NamesNothingUntilItIsGivenANumber) {
  EXPECT_FALSE(Apple());
  EXPECT_EQ(Apple(), Apple(0));
  EXPECT_TRUE(Apple(1));
}

TEST(Number, IsAKeyOfEveryKindOfTable) {
  std::set<Apple> sorted{Apple(2), Apple(1), Apple(2)};
  EXPECT_EQ(sorted.size(), 2U);
  EXPECT_EQ(sorted.begin()->value(), 1U);
  const std::unordered_set<Apple> hashed{Apple(2), Apple(1), Apple(2)};
  EXPECT_EQ(hashed.size(), 2U);
  EXPECT_TRUE(hashed.contains(Apple(1)));
  EXPECT_FALSE(hashed.contains(Apple(3)));
}

TEST(Number, HasANeighbourOnEachSide) {
  EXPECT_EQ(Apple(7).next(), Apple(8));
  EXPECT_EQ(Apple(7).before(), Apple(6));
  Apple apple = 7;
  EXPECT_EQ(++apple, Apple(8));
}

TEST(Number, IsToldAsItsNumber) {
  EXPECT_EQ(to_string(Apple(7)), "7");
  std::ostringstream out;
  out << Apple(8);
  EXPECT_EQ(out.str(), "8");
}

}  // namespace
}  // namespace ringside::base
