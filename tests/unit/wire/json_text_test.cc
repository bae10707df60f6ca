#include "sidecar/wire/json_text.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace ringside::wire {
namespace {

TEST(JsonText, WhatIsNotUtf8IsReplaced) {
  EXPECT_EQ(dump("\xff"), "\"\xef\xbf\xbd\"");
  EXPECT_EQ(dump({{"a", 1}}), "{\"a\":1}");
}

TEST(JsonText, IsSafeToLookAt) {
  const nlohmann::json text =
      "a\xc2\x9b"
      "2J caf\xc3\xa9 \xe2\x80\xae \x7f\n \xf0\x9f\x98\x80";
  const std::string written = dump(text);
  EXPECT_EQ(written, "\"a\\u009b2J caf\xc3\xa9 \\u202e \\u007f\\n \xf0\x9f\x98\x80\"");
  EXPECT_EQ(nlohmann::json::parse(written), text);
}

}  // namespace
}  // namespace ringside::wire
