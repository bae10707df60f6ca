#include "sidecar/base/utf8.h"

#include <gtest/gtest.h>

namespace ringside::base {
namespace {

TEST(Utf8, RefusesWhatIsNot) {
  EXPECT_TRUE(is_utf8("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"));
  for (const char* bad :
       {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\x80", "\xf0\x8f\x80\x80"}) {
    EXPECT_FALSE(is_utf8(bad)) << bad;
  }
}

TEST(Utf8, OneCharacterAfterAnother) {
  std::string_view text = "a\xe2\x82\xac\xe2\x82";
  EXPECT_EQ(take_character(text), U'a');
  EXPECT_EQ(take_character(text), char32_t{0x20ac});
  EXPECT_EQ(take_character(text), std::nullopt);
  EXPECT_EQ(text, "\x82") << "one byte gone";
}

TEST(Utf8, WhatMovesTheCursorOrTurnsTheText) {
  for (const char32_t control : {0x0a, 0x1b, 0x7f, 0x85, 0x9b, 0x061c, 0x200e, 0x202e, 0x2066, 0x206f, 0xfeff}) {
    EXPECT_TRUE(is_control(control)) << static_cast<unsigned>(control);
  }
  for (const char32_t other : {0x20, 0xa0, 0xe9, 0x200d, 0x2030, 0x1f600}) {
    EXPECT_FALSE(is_control(other)) << static_cast<unsigned>(other);
  }
}

}  // namespace
}  // namespace ringside::base
