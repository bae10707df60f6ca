#include "sidecar/wire/json_text.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace ringside::wire {
namespace {

TEST(JsonText, WhatIsNotUtf8IsReplaced) {
  EXPECT_EQ(dump("\xff"), "\"\xef\xbf\xbd\"");
  EXPECT_EQ(dump({{"a", 1}}), "{\"a\":1}");
}

}  // namespace
}  // namespace ringside::wire
