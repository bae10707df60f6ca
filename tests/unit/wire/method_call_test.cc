#include "sidecar/wire/method_call.h"

#include <gtest/gtest.h>
#include <messages/control_plane.pb.h>
#include <ringside/http/v1/http.pb.h>

#include "sidecar/wire/apply.h"

namespace ringside::wire {
namespace {

using core::Reason;

std::string path(std::string_view from) {
  std::string out;
  const auto refusal = normalize_method_path(from, out);
  return refusal ? std::string(core::to_string(refusal->reason)) : out;
}

TEST(MethodPath, Normalized) {
  EXPECT_EQ(path("add"), "add");
  EXPECT_EQ(path("a/./b"), "a/b");
  EXPECT_EQ(path("./a/."), "a");
  EXPECT_EQ(path("a//b/"), "a//b/");
  EXPECT_EQ(path("%61%7e%c3%a9%3F"), "a~%C3%A9%3F");
  EXPECT_EQ(path("a=1,b;c:@x"), "a=1,b;c:@x");
  EXPECT_EQ(path("a%25%32e"), "a%252e");
}

TEST(MethodPath, Refused) {
  for (const char* bad : {"", ".", "/a", "..", "a/../b", "%2e%2e/a", ".%2E", "..;x/a", "a%2fb", "a%2Fb", "a%5cb",
                          "a\\b", "a%00", "a%0d%0ab", "a%zz", "a%"}) {
    EXPECT_EQ(path(bad), "bad-path") << bad;
  }
}

TEST(Headers, OnlyThoseThatGoEndToEnd) {
  const net::Metadata all{{"host", "x"},
                          {"connection", "close, X-Secret"},
                          {"x-secret", "1"},
                          {"te", "gzip"},
                          {"forwarded", "for=1"},
                          {"transfer-encoding", "chunked"},
                          {"upgrade", "h2c"},
                          {"accept", "a"},
                          {"ringside-epoch", "7"},
                          {"content-length", "3"},
                          {"accept", "b"},
                          {"traceparent", "t"},
                          {"x-forwarded-for", "1.2.3.4"}};
  EXPECT_EQ(end_to_end_headers(all, true),
            (net::Metadata{{"accept", "a"}, {"accept", "b"}, {"x-forwarded-for", "1.2.3.4"}}));
  EXPECT_EQ(end_to_end_headers(all, false).get("traceparent"), "t");
}

TEST(MethodCall, ThereAndBack) {
  net::HttpRequest request;
  request.method = "PATCH";
  request.headers = {{"content-type", "text/x"}, {"host", "h"}, {"x-latin", "\xe9"}};
  request.body = std::string("\0\xff", 2);
  std::string batch;
  ASSERT_EQ(write_method_call(42, request, "cart/add?n=1&q=%2F..&x", batch), std::nullopt);
  ASSERT_TRUE(is_method_call(batch));
  net::HttpRequest there;
  ASSERT_EQ(read_method_call(batch, there), std::nullopt);
  EXPECT_EQ(there.method, "PATCH");
  EXPECT_EQ(there.target, "/actors/42/method/cart/add?n=1&q=%2F..&x");
  EXPECT_EQ(there.headers, (net::Metadata{{"content-type", "text/x"}, {"x-latin", "\xe9"}}));
  EXPECT_EQ(there.body, request.body);

  net::HttpResponse answer;
  answer.status = 404;
  answer.headers = {
      {"content-type", "text/y"}, {"ringside-outcome", "refused"}, {"set-cookie", "a"}, {"set-cookie", "b"}};
  answer.body = "none";
  bool wrong = true;
  const auto back = read_method_answer(write_method_answer(answer), wrong);
  EXPECT_FALSE(wrong);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->status, 404);
  EXPECT_EQ(back->headers, (net::Metadata{{"content-type", "text/y"}, {"set-cookie", "a"}, {"set-cookie", "b"}}));
  EXPECT_EQ(back->body, "none");
}

std::string forged(const ringside::http::v1::Request& call) {
  messages::ApplyRequest batch;
  batch.set_id(1);
  batch.add_messages()->PackFrom(call);
  return batch.SerializeAsString();
}

// A batch may come from any gRPC client: what it says is no safer than what a listener reads.
TEST(MethodCall, ForgedBatches) {
  ringside::http::v1::Request good;
  good.set_method("GET");
  good.set_path("a");
  net::HttpRequest request;
  EXPECT_EQ(read_method_call(forged(good), request), std::nullopt);

  auto call = good;
  call.set_path("../../admin");
  EXPECT_EQ(read_method_call(forged(call), request)->reason, Reason::kBadPath);
  call = good;
  call.set_method("GET / HTTP/1.1\r\nX");
  EXPECT_EQ(read_method_call(forged(call), request)->reason, Reason::kMalformed);
  call = good;
  call.add_headers()->set_name("x");
  call.mutable_headers(0)->set_value("1\r\nhost: evil");
  EXPECT_EQ(read_method_call(forged(call), request)->reason, Reason::kMalformed);
  call = good;
  call.add_headers()->set_name("Ringside-Epoch");
  call.mutable_headers(0)->set_value("9");
  call.set_query("a b\r\nc");
  EXPECT_EQ(read_method_call(forged(call), request), std::nullopt);
  EXPECT_TRUE(request.headers.empty());
  EXPECT_EQ(request.target, "/actors/1/method/a?a%20b%0D%0Ac");
}

TEST(MethodCall, OtherBatchesAreNone) {
  messages::ApplyRequest batch;
  batch.set_id(1);
  EXPECT_FALSE(is_method_call(batch.SerializeAsString()));
  ringside::http::v1::Request call;
  batch.add_messages()->PackFrom(call);
  batch.add_messages()->PackFrom(call);
  EXPECT_FALSE(is_method_call(batch.SerializeAsString()));
  EXPECT_FALSE(is_method_call("garbage"));
  bool wrong = true;
  EXPECT_FALSE(read_method_answer("", wrong));
  EXPECT_FALSE(wrong);
  EXPECT_FALSE(read_method_answer("garbage", wrong));
  EXPECT_FALSE(wrong);
}

TEST(MethodCall, AnswersThatNobodyCouldWrite) {
  const auto malformed = [](const ringside::http::v1::Response& response) {
    messages::ApplyResult result;
    result.add_replies()->PackFrom(response);
    bool wrong = false;
    EXPECT_FALSE(read_method_answer(result.SerializeAsString(), wrong));
    return wrong;
  };
  ringside::http::v1::Response response;
  EXPECT_TRUE(malformed(response)) << "no status";
  response.set_status(199);
  EXPECT_TRUE(malformed(response));
  response.set_status(1000);
  EXPECT_TRUE(malformed(response));
  response.set_status(200);
  response.add_headers()->set_name("a b");
  EXPECT_TRUE(malformed(response));
}

// Whatever an application makes of HTTP is its answer.
TEST(MethodCall, AnswersAsTheyAre) {
  const auto back = [](net::HttpResponse answer) {
    bool wrong = true;
    return read_method_answer(write_method_answer(answer), wrong).value_or(net::HttpResponse{0, {}, {}});
  };
  EXPECT_EQ(back({999, {}, ""}).status, 999);
  const std::string date = "Sun, 06 Nov 1994 08:49:37 GMT";
  EXPECT_EQ(back({200, {{"date", date}}, "x"}).headers.get("date"), date);
  EXPECT_EQ(back({200, {{"content-length", "1234"}}, ""}).headers.get("content-length"), "1234") << "of HEAD";
  EXPECT_EQ(back({200, {{"content-length", "1"}}, "x"}).headers.find("content-length"), nullptr);
}

TEST(MethodCall, OnlyTheBodyCountsAgainstTheLimit) {
  const auto refused = [](std::size_t body, std::size_t header) {
    net::HttpRequest request;
    request.method = "POST";
    request.body = std::string(body, 'b');
    request.headers.add("x", std::string(header, 'h'));
    std::string batch;
    EXPECT_EQ(write_method_call(1, request, "a", batch), std::nullopt);
    core::ActorId id = 0;
    return check_apply(batch, 1000, id).has_value();
  };
  EXPECT_FALSE(refused(1000, 16'000));
  EXPECT_TRUE(refused(1001, 1));
  EXPECT_TRUE(refused(1000, 2 * kMaxMethodEnvelope));
}

}  // namespace
}  // namespace ringside::wire
