#include "sidecar/net/grpc/grpc_framing.h"

#include <string>

#include <gtest/gtest.h>

namespace ringside::net {
namespace {

TEST(GrpcFraming, CutsAtAnyByte) {
  std::string stream;
  append_grpc_message(stream, "first");
  append_grpc_message(stream, "");
  append_grpc_message(stream, "third");
  for (std::size_t step = 1; step <= stream.size(); ++step) {
    GrpcMessageReader reader(16);
    std::string seen;
    for (std::size_t at = 0; at < stream.size(); at += step) {
      ASSERT_EQ(
          reader.feed(std::string_view(stream).substr(at, step), [&seen](const std::string& m) { seen += m + "|"; }),
          GrpcMessageReader::Error::kNone);
    }
    EXPECT_EQ(seen, "first||third|") << step;
    EXPECT_TRUE(reader.at_boundary());
  }
}

TEST(GrpcFraming, RefusesBeforeTheBytesArrive) {
  const auto ignore = [](const std::string&) {};
  EXPECT_EQ(GrpcMessageReader(8).feed({"\0\0\0\0\x09", 5}, ignore), GrpcMessageReader::Error::kTooBig);
  EXPECT_EQ(GrpcMessageReader(8).feed({"\1\0\0\0\1", 5}, ignore), GrpcMessageReader::Error::kCompressed);
  EXPECT_EQ(GrpcMessageReader(8).feed({"\2\0\0\0\1", 5}, ignore), GrpcMessageReader::Error::kBadFlag);
}

TEST(GrpcFraming, HandsOverTheBeginningOfWhatItSkips) {
  const std::string small = "small";
  const std::string large = std::string(1000, 'a') + std::string(9000, 'b');
  std::string stream;
  for (const std::string* message : {&large, &small, &large, &large, &small}) append_grpc_message(stream, *message);
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{4096}, stream.size()}) {
    GrpcMessageReader reader(100);
    reader.skip_too_big();
    std::string seen;
    for (std::size_t at = 0; at < stream.size(); at += step) {
      const auto error = reader.feed(std::string_view(stream).substr(at, step), [&](const std::string& message) {
        if (reader.too_big()) {
          EXPECT_EQ(message, large.substr(0, GrpcMessageReader::kBeginning));
          EXPECT_EQ(reader.length(), large.size());
        }
        seen += reader.too_big() ? "+" : message;
      });
      ASSERT_EQ(error, GrpcMessageReader::Error::kNone);
    }
    EXPECT_EQ(seen, "+small++small") << step;
    EXPECT_TRUE(reader.at_boundary());
  }
}

TEST(GrpcFraming, WhatIsSkippedIsNoWholeMessageUntilItsEnd) {
  GrpcMessageReader reader(8);
  reader.skip_too_big();
  int handed = 0;
  const auto count = [&handed](const std::string&) { ++handed; };
  EXPECT_EQ(reader.feed({"\xff\xff\xff\xff\xff", 5}, count), GrpcMessageReader::Error::kBadFlag);
  reader = GrpcMessageReader(8);
  reader.skip_too_big();
  EXPECT_EQ(reader.feed({"\0\xff\xff\xff\xff", 5}, count), GrpcMessageReader::Error::kNone);
  EXPECT_EQ(reader.feed(std::string(100'000, 'x'), count), GrpcMessageReader::Error::kNone);
  EXPECT_EQ(handed, 1);
  EXPECT_FALSE(reader.at_boundary());
}

TEST(OutBuffer, ReadsFromTheFront) {
  OutBuffer buffer;
  std::string expected;
  std::string read;
  for (int i = 0; i < 2000; ++i) {
    const std::string piece(static_cast<std::size_t>(i % 300), static_cast<char>('a' + i % 26));
    buffer.append_message(std::string_view(piece));
    append_grpc_message(expected, piece);
    std::uint8_t out[128];
    const std::size_t got = buffer.read(out, sizeof out);
    read.append(reinterpret_cast<char*>(out), got);
  }
  while (!buffer.empty()) {
    std::uint8_t out[4096];
    const std::size_t got = buffer.read(out, sizeof out);
    read.append(reinterpret_cast<char*>(out), got);
  }
  EXPECT_EQ(read, expected);
}

TEST(OutBuffer, ALargeMessageGoesOutAsOthersDo) {
  std::string expected;
  OutBuffer buffer;
  const std::string small(100, 's'), large(std::size_t{3} << 20, 'l');
  for (const std::string* message : {&large, &small, &large}) {
    append_grpc_message(expected, *message);
    buffer.append_message(std::string(*message));
  }
  std::string read;
  std::uint8_t out[10'007];
  for (std::size_t first = 3; !buffer.empty(); first = sizeof out) {
    const std::size_t got = buffer.read(out, first);
    read.append(reinterpret_cast<char*>(out), got);
    ASSERT_EQ(buffer.size(), expected.size() - read.size());
  }
  EXPECT_EQ(read, expected);
}

}  // namespace
}  // namespace ringside::net
