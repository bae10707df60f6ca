#include "sidecar/base/result.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>

namespace ringside::base {
namespace {

Result<int, std::string> half(int number) {
  if (number % 2 != 0) return Error("odd");
  return number / 2;
}

Result<void, std::string> check_even(int number) {
  if (const auto halved = half(number); !halved) return Error(halved.error());
  return {};
}

TEST(Result, IsTheValueOrTheError) {
  struct Case {
    int number;
    int value;
    std::string error;
  };
  for (const Case& one : {Case{4, 2, ""}, Case{0, 0, ""}, Case{3, 0, "odd"}}) {
    const auto result = half(one.number);
    EXPECT_EQ(result.has_value(), one.error.empty()) << one.number;
    EXPECT_EQ(static_cast<bool>(result), result.has_value());
    EXPECT_EQ(static_cast<bool>(check_even(one.number)), result.has_value());
    if (result) {
      EXPECT_EQ(*result, one.value);
    } else {
      EXPECT_EQ(result.error(), one.error);
      EXPECT_EQ(check_even(one.number).error(), one.error);
    }
  }
}

TEST(Result, TellsTheTwoApartWhereTheyAreOfOneType) {
  const Result<std::string, std::string> value = std::string("fine");
  const Result<std::string, std::string> error = Error("not fine");
  EXPECT_EQ(*value, "fine");
  EXPECT_EQ(error.error(), "not fine");
}

TEST(Result, HandsOnWhatCannotBeCopied) {
  Result<std::unique_ptr<int>, std::string> result = std::make_unique<int>(7);
  const std::unique_ptr<int> taken = std::move(*result);
  EXPECT_EQ(*taken, 7);
}

TEST(ResultDeathTest, EndsTheProcessWhereNobodyHasLooked) {
  EXPECT_DEATH(static_cast<void>(*half(3)), "index");
  EXPECT_DEATH(static_cast<void>(half(4).error()), "index");
  EXPECT_DEATH(static_cast<void>(check_even(4).error()), "error_");
}

}  // namespace
}  // namespace ringside::base
