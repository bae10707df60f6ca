#include <gtest/gtest.h>
#include <zlib.h>

#include "sidecar/net/grpc/grpc_compression.h"

namespace ringside::net {
namespace {

std::string pack(const std::string& text, bool gzip) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, gzip ? 31 : 15, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string packed(compressBound(text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

TEST(Inflate, GivesBackWhatWasPacked) {
  for (const std::string& text : {std::string(), std::string("hello"), std::string(100'000, 'x')}) {
    for (const bool gzip : {true, false}) {
      std::string message = "rest";
      EXPECT_EQ(inflate_message(gzip ? "gzip" : "deflate", pack(text, gzip), 100'000, message), Inflated::kDone);
      EXPECT_EQ(message, text);
    }
  }
}

TEST(Inflate, ABombIsRefusedAtTheBound) {
  std::string message;
  const std::string bomb = pack(std::string(50'000'000, '\0'), true);
  ASSERT_LT(bomb.size(), 100'000U);
  EXPECT_EQ(inflate_message("gzip", bomb, 1'000'000, message), Inflated::kTooBig);
  EXPECT_LE(message.capacity(), 4'000'000U);
}

// So that whoever skips a message can still read whose it is.
TEST(Inflate, TheBeginningOfWhatIsTooBigIsKept) {
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += static_cast<char>(i * 7919 % 251);
  std::string message;
  for (const bool gzip : {true, false}) {
    const char* encoding = gzip ? "gzip" : "deflate";
    const std::string packed = pack(text, gzip);
    EXPECT_EQ(inflate_message(encoding, packed, 100, message), Inflated::kTooBig);
    EXPECT_EQ(message, text.substr(0, 100));
    EXPECT_NE(inflate_message(encoding, packed.substr(0, 1024), 1024, message), Inflated::kDone);
    ASSERT_GE(message.size(), 64U);
    EXPECT_EQ(message, text.substr(0, message.size()));
  }
}

TEST(Inflate, WhatIsNoneIsTold) {
  std::string message;
  const std::string packed = pack("hello hello hello hello", true);
  EXPECT_EQ(inflate_message("gzip", packed.substr(0, packed.size() - 3), 100, message), Inflated::kMalformed);
  EXPECT_EQ(inflate_message("gzip", packed + "more", 100, message), Inflated::kMalformed);
  EXPECT_EQ(inflate_message("gzip", "garbage", 100, message), Inflated::kMalformed);
  EXPECT_EQ(inflate_message("gzip", "", 100, message), Inflated::kMalformed);
  EXPECT_EQ(inflate_message("deflate", packed, 100, message), Inflated::kMalformed);
  EXPECT_EQ(inflate_message("snappy", packed, 100, message), Inflated::kUnknownEncoding);
  EXPECT_EQ(inflate_message("identity", packed, 100, message), Inflated::kUnknownEncoding);
}

}  // namespace
}  // namespace ringside::net
