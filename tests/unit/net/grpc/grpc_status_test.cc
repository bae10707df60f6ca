#include "sidecar/net/grpc/grpc_status.h"

#include <chrono>
#include <string>

#include <gtest/gtest.h>

namespace ringside::net {
namespace {

using namespace std::chrono_literals;

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

}  // namespace
}  // namespace ringside::net
