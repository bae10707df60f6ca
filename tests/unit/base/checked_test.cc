#include "sidecar/base/checked.h"

#include <map>
#include <string>
#include <variant>

#include <gtest/gtest.h>

namespace ringside::base {
namespace {

TEST(Checked, GivesWhatIsThere) {
  std::map<std::string, int> ages{{"ann", 7}};
  at(ages, "ann") = 8;
  const auto& constant = ages;
  EXPECT_EQ(at(constant, "ann"), 8);

  std::variant<int, std::string> either = "text";
  as<std::string>(either) += "s";
  const auto& fixed = either;
  EXPECT_EQ(as<std::string>(fixed), "texts");
}

TEST(CheckedDeathTest, EndsTheProcessWhereItIsNotThere) {
  const std::map<std::string, int> ages{{"ann", 7}};
  EXPECT_DEATH(static_cast<void>(at(ages, "bob")), "this cannot happen");
  const std::variant<int, std::string> either = "text";
  EXPECT_DEATH(static_cast<void>(as<int>(either)), "this cannot happen");
}

}  // namespace
}  // namespace ringside::base
