#include "sidecar/net/metadata.h"

#include <string>

#include <gtest/gtest.h>

namespace ringside::net {
namespace {

TEST(Metadata, KeepsOrderAndFindsByName) {
  Metadata metadata{{"b", "1"}, {"a", "2"}, {"b", "3"}};
  EXPECT_EQ(metadata.get("b"), "1");
  EXPECT_EQ(metadata.count("b"), 2U);
  EXPECT_EQ(metadata.find("c"), nullptr);
  metadata.set("b", "4");
  EXPECT_EQ(metadata, (Metadata{{"a", "2"}, {"b", "4"}}));
}

TEST(Metadata, BinaryValues) {
  const std::string bytes("\0\xff\x10x", 4);
  EXPECT_EQ(encode_bin(bytes), "AP8QeA");
  EXPECT_EQ(decode_bin("AP8QeA"), bytes);
  EXPECT_EQ(decode_bin("AP8QeA=="), bytes);
  EXPECT_FALSE(decode_bin("*"));
}

}  // namespace
}  // namespace ringside::net
