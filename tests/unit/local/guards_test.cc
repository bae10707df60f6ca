#include "sidecar/local/guards.h"

#include <gtest/gtest.h>

namespace ringside::local {
namespace {

bool passes(net::Metadata headers, std::string peer = "127.0.0.1") {
  net::HttpRequest request;
  request.headers = std::move(headers);
  request.peer = std::move(peer);
  const auto checked = check_guards(request, {"sidecar.local"});
  if (!checked) {
    EXPECT_EQ(checked.error().reason, core::Reason::kForbidden);
  }
  return checked.has_value();
}

TEST(Guards, Host) {
  for (const char* good : {"127.0.0.1", "127.0.0.1:1380", "127.9.9.9:1", "[::1]:1380", "[::1]", "localhost",
                           "LocalHost:1380", "sidecar.local", "Sidecar.Local:80"}) {
    EXPECT_TRUE(passes({{"host", good}})) << good;
  }
  for (const char* bad : {"", "evil.example", "10.0.0.1:1380", "127.0.0.1.evil.example", "localhost.evil.example",
                          "2130706433", "0.0.0.0:1380", "[::]:1380", "unix:/tmp/x", "sidecar.local.evil.example"}) {
    EXPECT_FALSE(passes({{"host", bad}})) << bad;
  }
  EXPECT_TRUE(passes({{"host", "anything"}}, "unix"));
}

TEST(Guards, WebPages) {
  EXPECT_FALSE(passes({{"host", "localhost"}, {"origin", "https://evil.example"}}));
  EXPECT_FALSE(passes({{"host", "localhost"}, {"origin", "null"}}));
  EXPECT_FALSE(passes({{"host", "localhost"}, {"origin", "http://localhost:1380"}}));
  EXPECT_FALSE(passes({{"host", "localhost"}, {"sec-fetch-site", "cross-site"}}));
  EXPECT_FALSE(passes({{"host", "localhost"}, {"sec-fetch-site", "same-site"}}));
  EXPECT_TRUE(passes({{"host", "localhost"}, {"sec-fetch-site", "none"}}));
  EXPECT_TRUE(passes({{"host", "localhost"}, {"sec-fetch-site", "same-origin"}}));
  EXPECT_FALSE(passes({{"host", "localhost"}, {"sec-fetch-site", "none"}, {"sec-fetch-site", "cross-site"}}));
  EXPECT_FALSE(passes({{"host", "localhost"}, {"host", "localhost"}}));
}

TEST(Guards, ContentTypes) {
  const auto type = [](const char* text) {
    net::HttpRequest request;
    request.headers.add("content-type", text);
    return body_type(request);
  };
  EXPECT_EQ(type("application/json"), BodyType::kJson);
  EXPECT_EQ(type("Application/JSON ; charset=UTF-8"), BodyType::kJson);
  EXPECT_EQ(type("application/protobuf"), BodyType::kProtobuf);
  EXPECT_EQ(type("application/x-protobuf"), BodyType::kProtobuf);
  for (const char* other : {"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
                            "application/jsonp", "application/json; charset=latin1", "text/plain; application/json"}) {
    EXPECT_EQ(type(other), BodyType::kOther) << other;
  }
  EXPECT_EQ(body_type({}), BodyType::kOther);
}

}  // namespace
}  // namespace ringside::local
