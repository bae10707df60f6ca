#include "sidecar/core/host_name.h"

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

TEST(HostName, OneHostHasOneName) {
  const std::pair<const char*, const char*> cases[] = {
      {"10.0.0.7", "10.0.0.7"},
      {"10.0.0.7:1337", "10.0.0.7"},
      {"10.0.0.7:1400", "10.0.0.7:1400"},
      {"[::1]", "::1"},
      {"[::1]:1337", "::1"},
      {"[::1]:80", "[::1]:80"},
      {"::1", "::1"},
      {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
      {"1:0:0:2:0:0:3:4", "1::2:0:0:3:4"},
      {"::", "::"},
      {"1::", "1::"},
      {"::ffff:10.0.0.7", "10.0.0.7"},
      {"[::ffff:a00:7]:1400", "10.0.0.7:1400"},
      {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
      {"::1:2", "::1:2"},
      {"Shop-0.Shop.Default.svc.", "shop-0.shop.default.svc"},
      {"LOCALHOST:7001", "localhost:7001"},
      {"_tcp.x", "_tcp.x"},
  };
  for (const auto& [text, name] : cases) EXPECT_EQ(canonical_host(text).value_or("(none)"), name) << text;
}

TEST(HostName, WhatIsNoneIsRefused) {
  const char* cases[] = {"",          ":80",     "a:0",      "a:65536",    "a:x",           "a:",
                         "a b",       "a/b",     "http://a", "10.0.0.300", "10.0.0",        "1.2.3.4.5",
                         "010.0.0.1", "[::1",    "[::1]x",   "[::1]:",     "1:2:3:4:5:6:7", "1::2::3",
                         ":::",       "12345::", "-a",       "a-",         "a..b",          ".",
                         "fe80::1::", "ä.de",    "a;b",      "[10.0.0.1",  "::1.2.3",       "1:2:3:4:5:6:7:8:9",
                         "a\n",       "a..",     "a..:99"};
  for (const char* text : cases) EXPECT_EQ(canonical_host(text), std::nullopt) << text;
  EXPECT_EQ(canonical_host(std::string_view("10.0.0.1\0", 9)), std::nullopt);
  EXPECT_EQ(canonical_host(std::string(64, 'a')), std::nullopt);
  EXPECT_NE(canonical_host(std::string(63, 'a')), std::nullopt);
}

TEST(HostName, KnowsWhereAnAddressLeads) {
  using Kind = AddressKind;
  const std::pair<const char*, Kind> cases[] = {{"carts-0", Kind::kName},
                                                {"127.0.0.1", Kind::kLoopback},
                                                {"127.9.9.9:80", Kind::kLoopback},
                                                {"[::1]:1337", Kind::kLoopback},
                                                {"169.254.169.254", Kind::kLinkLocal},
                                                {"fe80::1", Kind::kLinkLocal},
                                                {"febf::1", Kind::kLinkLocal},
                                                {"10.1.2.3", Kind::kPrivate},
                                                {"172.16.0.1", Kind::kPrivate},
                                                {"172.31.255.255", Kind::kPrivate},
                                                {"172.32.0.1", Kind::kPublic},
                                                {"192.168.1.1", Kind::kPrivate},
                                                {"100.64.0.1", Kind::kPrivate},
                                                {"100.128.0.1", Kind::kPublic},
                                                {"fd00::1", Kind::kPrivate},
                                                {"8.8.8.8", Kind::kPublic},
                                                {"2001:db8::1", Kind::kPublic},
                                                {"0.0.0.0", Kind::kNobody},
                                                {"224.0.0.1", Kind::kNobody},
                                                {"255.255.255.255", Kind::kNobody},
                                                {"ff02::1", Kind::kNobody},
                                                {"::", Kind::kNobody},
                                                {"::ffff:127.0.0.1", Kind::kLoopback}};
  for (const auto& [text, kind] : cases) {
    const auto name = parse_host_name(text);
    ASSERT_TRUE(name) << text;
    EXPECT_EQ(kind_of(*name), kind) << text;
  }
}

TEST(HostName, TheCanonicalNameIsAFixedPoint) {
  for (const char* text : {"[2001:DB8::0:1]:99", "A.b.C:1337", "::ffff:1.2.3.4"}) {
    const auto once = canonical_host(text);
    ASSERT_TRUE(once);
    EXPECT_EQ(canonical_host(*once), once);
  }
}

}  // namespace
}  // namespace ringside::core
