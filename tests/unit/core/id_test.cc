#include "sidecar/core/id.h"

#include <cstdint>
#include <set>
#include <type_traits>
#include <unordered_set>

#include <gtest/gtest.h>

#include "sidecar/core/tokens.h"

namespace ringside::core {
namespace {

using Apple = Id<struct AppleTag>;
using Pear = Id<struct PearTag>;

template <typename A, typename B>
concept Comparable = requires(A a, B b) {
  a == b;
};
template <typename A, typename B>
concept Ordered = requires(A a, B b) {
  a < b;
};
template <typename A>
concept Counts = requires(A a) {
  a + 1;
}
|| requires(A a) { ++a; };

// What does not compile is what an Id is for.
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
static_assert(!Counts<Apple>);

// It costs what its number costs.
static_assert(sizeof(Apple) == sizeof(std::uint64_t) && std::is_trivially_copyable_v<Apple>);

template <typename To, typename... From>
constexpr bool kMadeOfNoOther =
    ((std::is_same_v<To, From> || (!std::is_constructible_v<To, From> && !Comparable<To, From>)) && ...);
template <typename... Ids>
constexpr bool kKeptApart = (kMadeOfNoOther<Ids, Ids...> && ...);
static_assert(kKeptApart<CallId, ReplyId, WatcherId, TurnId, ForwardId, QuestionId, DeactivationId>);

TEST(Id, IsItsNumberAmongItsOwnKind) {
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

TEST(Id, NamesNothingUntilItIsGivenANumber) {
  EXPECT_FALSE(Apple());
  EXPECT_EQ(Apple(), Apple(0));
  EXPECT_TRUE(Apple(1));
}

TEST(Id, IsAKeyOfEveryKindOfTable) {
  std::set<Apple> sorted{Apple(2), Apple(1), Apple(2)};
  EXPECT_EQ(sorted.size(), 2U);
  EXPECT_EQ(sorted.begin()->value(), 1U);
  const std::unordered_set<Apple> hashed{Apple(2), Apple(1), Apple(2)};
  EXPECT_EQ(hashed.size(), 2U);
  EXPECT_TRUE(hashed.contains(Apple(1)));
  EXPECT_FALSE(hashed.contains(Apple(3)));
}

}  // namespace
}  // namespace ringside::core
