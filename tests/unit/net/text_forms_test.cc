#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "sidecar/net/endpoint.h"
#include "sidecar/net/grpc_framing.h"
#include "sidecar/net/grpc_status.h"
#include "sidecar/net/metadata.h"

namespace ringside::net {
namespace {

using namespace std::chrono_literals;

TEST(Endpoint, ReadsEveryForm) {
  std::string error;
  const auto v4 = parse_listen_address("127.0.0.1:1380", error);
  ASSERT_TRUE(v4);
  EXPECT_EQ(v4->to_string(), "127.0.0.1:1380");
  EXPECT_TRUE(v4->is_loopback());
  const auto v6 = parse_listen_address("[::1]:0", error);
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->host, "::1");
  EXPECT_EQ(v6->port, 0);
  EXPECT_EQ(v6->to_string(), "[::1]:0");
  const auto any = parse_listen_address("[::]:1337", error);
  ASSERT_TRUE(any);
  EXPECT_FALSE(any->is_loopback());
  const auto path = parse_listen_address("unix:/run/x.sock", error);
  ASSERT_TRUE(path);
  EXPECT_EQ(path->to_string(), "unix:/run/x.sock");
  EXPECT_TRUE(path->is_loopback());
  const auto name = parse_endpoint("Host-1.example", 1337, error);
  ASSERT_TRUE(name);
  EXPECT_EQ(name->port, 1337);
  EXPECT_FALSE(name->is_literal());
  EXPECT_EQ(parse_endpoint("fd00::2", 80, error)->host, "fd00::2");
  EXPECT_TRUE(parse_endpoint("[::ffff:127.0.0.1]:1", 0, error)->is_loopback());
}

TEST(Endpoint, SaysWhatIsWrong) {
  for (const char* text : {"", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:8o",
                           "[::1", "[::1]80", "[127.0.0.1]:80", "unix:", "name:80", "1.2.3:80", "a b:80", "::1"}) {
    std::string error;
    EXPECT_FALSE(parse_listen_address(text, error)) << text;
    EXPECT_FALSE(error.empty()) << text;
  }
  std::string error;
  EXPECT_FALSE(parse_listen_address("unix:/" + std::string(200, 'x'), error));
}

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

TEST(GrpcStatus, MessagesSurviveTheWire) {
  const std::string text = "50% \xc3\xa9\n\x01";
  EXPECT_EQ(encode_grpc_message(text), "50%25 %C3%A9%0A%01");
  EXPECT_EQ(decode_grpc_message(encode_grpc_message(text)), text);
  EXPECT_EQ(decode_grpc_message("%"), "%");
  EXPECT_EQ(decode_grpc_message("%zz%4"), "%zz%4");
  EXPECT_EQ(parse_grpc_status("14"), GrpcStatus::kUnavailable);
  EXPECT_EQ(parse_grpc_status("17"), GrpcStatus::kUnknown);
  EXPECT_EQ(parse_grpc_status("x"), GrpcStatus::kUnknown);
  EXPECT_EQ(grpc_status_name(GrpcStatus::kUnauthenticated), "UNAUTHENTICATED");
}

TEST(GrpcStatus, Timeouts) {
  EXPECT_EQ(parse_grpc_timeout("100m"), 100ms);
  EXPECT_EQ(parse_grpc_timeout("1H"), 1h);
  EXPECT_EQ(parse_grpc_timeout("0n"), 0ns);
  EXPECT_EQ(parse_grpc_timeout("99999999H"), kMaxGrpcTimeout);
  for (const char* text : {"", "5", "m", "-1S", "1s", "1.5S", "123456789S", " 1S", "1S "}) {
    EXPECT_FALSE(parse_grpc_timeout(text)) << text;
  }
  EXPECT_EQ(format_grpc_timeout(5s), "5000000u");
  EXPECT_EQ(format_grpc_timeout(1500us), "1500000n");
  EXPECT_EQ(format_grpc_timeout(-5s), "1n");
  for (const std::chrono::nanoseconds timeout : {1ns, 99'999'999ns, 123'456'789ns, 86'400s + 1ns}) {
    const auto read = parse_grpc_timeout(format_grpc_timeout(timeout));
    ASSERT_TRUE(read);
    EXPECT_GE(*read, timeout);
  }
}

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
    buffer.append(piece);
    expected += piece;
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

}  // namespace
}  // namespace ringside::net
