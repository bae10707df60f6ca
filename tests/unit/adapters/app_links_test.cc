#include "adapters/http/app_links.h"

#include <gtest/gtest.h>

namespace ringside::adapters {
namespace {

struct Case {
  const char* reference;
  const char* seen;  // by the caller; null: unchanged
};

std::string seen(const net::Endpoint& app, std::string_view reference, const std::string& name = "",
                 std::string_view target = "/actors/42/method/shop/cart?a=b", std::string_view forwarded = "") {
  core::Call call;
  call.id = 42;
  call.actor_name = name;
  return AppLinks(app).for_caller(reference, target, forwarded, call);
}

const net::Endpoint kApp{"127.0.0.1", 8080, ""};

TEST(AppLinks, WhatPointsAtTheAppsOwnActorsLeadsThroughRingside) {
  for (const Case& one : {
           Case{"http://127.0.0.1:8080/actors/42/method/shop/cart/", "/v1/actors/42/method/shop/cart/"},
           Case{"HTTP://LocalHost:8080/actors/42/method/x?q=1#top", "/v1/actors/42/method/x?q=1#top"},
           Case{"http://[::1]:8080/actors/42/method/x", "/v1/actors/42/method/x"},
           Case{"http://0.0.0.0:8080/actors/42/method/x", "/v1/actors/42/method/x"},
           Case{"//127.0.0.1:8080/actors/42/method/x", "/v1/actors/42/method/x"},
           Case{"/actors/42/method/shop/cart/", "/v1/actors/42/method/shop/cart/"},
           Case{"/actors/77/method/x%20y", "/v1/actors/77/method/x%20y"},
           Case{"/actors/42/./method/a/../b", "/v1/actors/42/method/b"},
           Case{"../../../../../actors/42/method/x", "/v1/actors/42/method/x"},
           Case{"/../actors/42/method/x", "/v1/actors/42/method/x"},
       }) {
    EXPECT_EQ(seen(kApp, one.reference), one.seen) << one.reference;
  }
}

TEST(AppLinks, EverythingElsePassesUnchanged) {
  for (const char* reference : {"",
                                "#top",
                                "?page=2",
                                "cart/",
                                "./cart/",
                                "../other",
                                "../../../43/method/x",
                                "../../../../actors/43/method/x",
                                "/",
                                "/login",
                                "/actors/42",
                                "/actors/42/method",
                                "/actors//method/x",
                                "/v1/actors/42/method/x",
                                "http://127.0.0.1:8080/login",
                                "http://127.0.0.1:8080",
                                "http://127.0.0.1:8081/actors/42/method/x",
                                "https://shop.example/actors/42/method/x",
                                "http://user@127.0.0.1:8080/actors/42/method/x",
                                "http://127.0.0.1:8080x/actors/42/method/x",
                                "/actors/42/method/../../../admin",
                                "mailto:a@b",
                                "ftp://127.0.0.1:8080/actors/42/method/x",
                                "data:/actors/42/method/x"}) {
    EXPECT_EQ(seen(kApp, reference), reference);
  }
}

TEST(AppLinks, TheIdKeepsTheCallersForm) {
  EXPECT_EQ(seen(kApp, "/actors/42/method/x",
                 "Gr\xc3\xbc\xc3\x9f"
                 "e"),
            "/v1/actors/name:Gr%C3%BC%C3%9Fe/method/x");
  EXPECT_EQ(seen(kApp, "/actors/43/method/x", "a"), "/v1/actors/43/method/x") << "another actor's is not known";
  EXPECT_EQ(seen(kApp, "cart/", "a"), "cart/");
}

TEST(AppLinks, TheAppsAddressIsWhateverItIsCalled) {
  EXPECT_EQ(seen({"localhost", 80, ""}, "http://127.0.0.1/actors/1/method/x"), "/v1/actors/1/method/x");
  EXPECT_EQ(seen({"10.1.2.3", 9000, ""}, "http://10.1.2.3:9000/actors/1/method/x"), "/v1/actors/1/method/x");
  EXPECT_EQ(seen({"10.1.2.3", 9000, ""}, "http://127.0.0.1:9000/actors/1/method/x"),
            "http://127.0.0.1:9000/actors/1/method/x");
  EXPECT_EQ(seen({"", 0, "/run/app.sock"}, "http://localhost/actors/1/method/x"), "/v1/actors/1/method/x");
  EXPECT_EQ(seen(kApp, "https://shop.example/actors/1/method/x", "", "/actors/1/method/y", "Shop.example"),
            "/v1/actors/1/method/x")
      << "the host that a proxy before us named, and the app believed";
}

TEST(AppLinks, BothHeadersAreRewrittenAndNoOther) {
  core::Call call;
  call.id = 1;
  net::Metadata headers{
      {"location", "/actors/1/method/a"}, {"content-location", "/actors/1/method/b"}, {"link", "/actors/1/method/c"}};
  AppLinks(kApp).rewrite(headers, "/actors/1/method/x", "", call);
  EXPECT_EQ(headers.get("location"), "/v1/actors/1/method/a");
  EXPECT_EQ(headers.get("content-location"), "/v1/actors/1/method/b");
  EXPECT_EQ(headers.get("link"), "/actors/1/method/c");
}

}  // namespace
}  // namespace ringside::adapters
