#include "sidecar/net/endpoint.h"

#include <string>

#include <gtest/gtest.h>

namespace ringside::net {
namespace {

TEST(Endpoint, ReadsEveryForm) {
  const auto v4 = parse_endpoint("127.0.0.1:1380", 0);
  ASSERT_TRUE(v4);
  EXPECT_EQ(v4->to_string(), "127.0.0.1:1380");
  EXPECT_TRUE(v4->is_loopback());
  const auto v6 = parse_endpoint("[::1]:0", 0);
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->host, "::1");
  EXPECT_EQ(v6->port, 0);
  EXPECT_EQ(v6->to_string(), "[::1]:0");
  const auto any = parse_endpoint("[::]:1337", 0);
  ASSERT_TRUE(any);
  EXPECT_FALSE(any->is_loopback());
  const auto path = parse_endpoint("unix:/run/x.sock", 0);
  ASSERT_TRUE(path);
  EXPECT_EQ(path->to_string(), "unix:/run/x.sock");
  EXPECT_TRUE(path->is_loopback());
  EXPECT_EQ(parse_endpoint("unix:///run/x.sock", 0)->unix_path, "/run/x.sock")
      << "as it is for the sidecar's own flags";
  const auto name = parse_endpoint("Host-1.example", 1337);
  ASSERT_TRUE(name);
  EXPECT_EQ(name->port, 1337);
  EXPECT_FALSE(name->is_literal());
  EXPECT_EQ(parse_endpoint("fd00::2", 80)->host, "fd00::2");
  EXPECT_TRUE(parse_endpoint("[::ffff:127.0.0.1]:1", 0)->is_loopback());
}

TEST(Endpoint, SaysWhatIsWrong) {
  for (const char* text : {"", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:8o",
                           "[::1", "[::1]80", "[127.0.0.1]:80", "unix:", "unix:@abstract", "a b:80", "::1"}) {
    const auto address = parse_endpoint(text, 0);
    ASSERT_FALSE(address) << text;
    EXPECT_FALSE(address.error().empty()) << text;
  }
  EXPECT_FALSE(parse_endpoint("unix:/" + std::string(200, 'x'), 0));
  EXPECT_TRUE(parse_endpoint("[fe80::1%eth0]:80", 0));
  for (const std::string& text : {std::string("fe80::1%et]:80"), std::string("127.0.0.1\0x", 11)}) {
    EXPECT_FALSE(parse_endpoint(text, 80)) << text;
  }
}

}  // namespace
}  // namespace ringside::net
