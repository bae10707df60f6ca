#include "sidecar/base/units.h"

#include <utility>

#include <gtest/gtest.h>

namespace ringside::base {
namespace {

using namespace std::chrono_literals;

TEST(Units, DurationsCarryUnits) {
  EXPECT_EQ(parse_duration("500ms"), 500ms);
  EXPECT_EQ(parse_duration("30s"), 30s);
  EXPECT_EQ(parse_duration("5m"), 5min);
  EXPECT_EQ(parse_duration("1h30m"), 90min);
  EXPECT_EQ(parse_duration("1h0m5s7ms"), 1h + 5s + 7ms);
  EXPECT_EQ(parse_duration("0s"), 0ms);
  EXPECT_EQ(parse_duration("0.5s"), 500ms);
  EXPECT_EQ(parse_duration("1.50m"), 90s);
  EXPECT_EQ(parse_duration("1.0h0.25s"), 1h + 250ms);
}

TEST(Units, WhatIsNoDuration) {
  for (const char* text :
       {"",          "5",   "0",     "s",       "-5s",    "+5s",  "5 s",      " 5s",
        "5s ",       "1.s", "5S",    "5min",    "30m1h",  "1s1s", "5us",      "99999999999999999999s",
        "10001h",    ".5s", "1.5ms", "1.0005s", "1.2.3s", "1.5",  "10000.1h", "0.00000000s",
        "10000h1ms", "5s,", "0x5s"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

TEST(Units, SizesCarryUnits) {
  EXPECT_EQ(parse_size("512B"), 512u);
  EXPECT_EQ(parse_size("64KiB"), 65'536u);
  EXPECT_EQ(parse_size("4MiB"), 4'194'304u);
  EXPECT_EQ(parse_size("1GiB"), 1'073'741'824u);
}

TEST(Units, WhatIsNoSize) {
  for (const char* text :
       {"", "4", "4MB", "4M", "4mib", "-4MiB", "4.5MiB", "4 MiB", "MiB", "99999999999GiB", "4MiB4KiB"}) {
    EXPECT_EQ(parse_size(text), std::nullopt) << text;
  }
}

TEST(Units, WrittenAsTheyAreRead) {
  for (const char* text : {"0s", "500ms", "2500ms", "30s", "5m", "1h30m", "1h5s"}) {
    EXPECT_EQ(format_duration(parse_duration(text).value()), text);
  }
  EXPECT_EQ(format_duration(-5ms), "0s");
  for (const char* text : {"512B", "1025B", "64KiB", "4MiB", "1GiB"}) {
    EXPECT_EQ(format_size(parse_size(text).value()), text);
  }
  EXPECT_EQ(format_size(0), "0B");
}

}  // namespace
}  // namespace ringside::base
