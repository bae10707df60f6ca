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
      const Unpacked unpacked = inflate_message(gzip ? "gzip" : "deflate", pack(text, gzip), 100'000);
      EXPECT_EQ(unpacked.outcome, Inflated::kDone);
      EXPECT_EQ(unpacked.message, text);
    }
  }
}

TEST(Inflate, ABombIsRefusedAtTheBound) {
  const std::string bomb = pack(std::string(50'000'000, '\0'), true);
  ASSERT_LT(bomb.size(), 100'000U);
  const Unpacked unpacked = inflate_message("gzip", bomb, 1'000'000);
  EXPECT_EQ(unpacked.outcome, Inflated::kTooBig);
  EXPECT_LE(unpacked.message.capacity(), 4'000'000U);
}

// So that whoever skips a message can still read whose it is.
TEST(Inflate, TheBeginningOfWhatIsTooBigIsKept) {
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += static_cast<char>(i * 7919 % 251);
  for (const bool gzip : {true, false}) {
    const char* encoding = gzip ? "gzip" : "deflate";
    const std::string packed = pack(text, gzip);
    const Unpacked cut = inflate_message(encoding, packed, 100);
    EXPECT_EQ(cut.outcome, Inflated::kTooBig);
    EXPECT_EQ(cut.message, text.substr(0, 100));
    const Unpacked part = inflate_message(encoding, packed.substr(0, 1024), 1024);
    EXPECT_NE(part.outcome, Inflated::kDone);
    ASSERT_GE(part.message.size(), 64U);
    EXPECT_EQ(part.message, text.substr(0, part.message.size()));
  }
}

TEST(Inflate, WhatIsNoneIsTold) {
  const std::string packed = pack("hello hello hello hello", true);
  EXPECT_EQ(inflate_message("gzip", packed.substr(0, packed.size() - 3), 100).outcome, Inflated::kMalformed);
  EXPECT_EQ(inflate_message("gzip", packed + "more", 100).outcome, Inflated::kMalformed);
  EXPECT_EQ(inflate_message("gzip", "garbage", 100).outcome, Inflated::kMalformed);
  EXPECT_EQ(inflate_message("gzip", "", 100).outcome, Inflated::kMalformed);
  EXPECT_EQ(inflate_message("deflate", packed, 100).outcome, Inflated::kMalformed);
  EXPECT_EQ(inflate_message("snappy", packed, 100).outcome, Inflated::kUnknownEncoding);
  EXPECT_EQ(inflate_message("identity", packed, 100).outcome, Inflated::kUnknownEncoding);
}

}  // namespace
}  // namespace ringside::net
