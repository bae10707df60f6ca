#include "sidecar/base/parse.h"

#include <cstdint>

#include <gtest/gtest.h>

namespace ringside::base {
namespace {

TEST(ParseWhole, IsTheNumberThatAllOfTheTextIs) {
  EXPECT_EQ(parse_whole<std::uint16_t>("0"), 0);
  EXPECT_EQ(parse_whole<std::uint16_t>("65535"), 65535);
  EXPECT_EQ(parse_whole<std::uint64_t>("18446744073709551615"), ~std::uint64_t{0});
  EXPECT_EQ(parse_whole<int>("-7"), -7);
}

TEST(ParseWhole, IsNothingWhereThereIsAnythingElse) {
  for (const char* text : {"", " 1", "1 ", "+1", "-1", "1x", "0x1", "1.0", "65536", "99999999999999999999"}) {
    EXPECT_EQ(parse_whole<std::uint16_t>(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace ringside::base
