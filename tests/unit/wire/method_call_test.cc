#include "sidecar/wire/method_call.h"

#include <gtest/gtest.h>
#include <messages/control_plane.pb.h>
#include <ringside/http/v1/http.pb.h>

#include "sidecar/wire/apply.h"

namespace ringside::wire {
namespace {

using core::Reason;

std::string path(std::string_view from) {
  const auto out = normalize_method_path(from);
  return out ? *out : std::string(core::to_string(out.error().reason));
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

// Servers that know headers as variables (CGI, WSGI, Rack) make one name of both.
TEST(Headers, WhatAServerCouldTakeForOneOfOursDoesNotPass) {
  const net::Metadata all{{"ringside_epoch", "7"},     {"ringside_actor-id", "1"}, {"ringside.chain", "x"},
                          {"idempotency_key", "k"},    {"content_length", "3"},    {"transfer_encoding", "chunked"},
                          {"proxy_authorization", ""}, {"x_forwarded_for", "1"},   {"ring_side", "y"}};
  EXPECT_EQ(end_to_end_headers(all, true), (net::Metadata{{"x_forwarded_for", "1"}, {"ring_side", "y"}}));
  EXPECT_EQ(end_to_end_headers(all, false).get("idempotency_key"), "k");
  EXPECT_EQ(end_to_end_headers(all, false).count("ringside_epoch"), 0U);
}

core::Call call_of(core::ActorId id, core::MethodCall method_call) {
  core::Call call;
  call.id = id;
  call.request = std::make_shared<const core::MethodCall>(std::move(method_call));
  return call;
}

// As it came back, in either form; status 0: malformed.
std::optional<net::HttpResponse> read_back(std::variant<std::string, core::HttpAnswer> result) {
  core::Answer answer;
  answer.result = std::move(result);
  const auto taken = take_method_answer(answer);
  if (!taken) return std::nullopt;
  return *taken ? **taken : net::HttpResponse{0, {}, {}};
}

TEST(MethodCall, ThereAndBack) {
  net::HttpRequest request;
  request.method = "PATCH";
  request.headers = {{"content-type", "text/x"}, {"host", "h"}, {"x-latin", "\xe9"}};
  const std::string body("\0\xff", 2);
  request.body = body;
  const auto call = make_method_call(42, request, "cart/add?n=1&q=%2F..&x");
  ASSERT_TRUE(call);
  const auto there = read_method_call(write_batch(call_of(42, *call)));
  ASSERT_TRUE(there && *there);
  for (const core::MethodCall& one : {*call, **there}) {  // within one process, and from another host
    const net::HttpRequest written = write_http_request(42, one);
    EXPECT_EQ(written.method, "PATCH");
    EXPECT_EQ(written.target, "/actors/42/method/cart/add?n=1&q=%2F..&x");
    EXPECT_EQ(written.headers, (net::Metadata{{"content-type", "text/x"}, {"x-latin", "\xe9"}}));
    EXPECT_EQ(written.body, body);
  }

  net::HttpResponse answer;
  answer.status = 404;
  answer.headers = {
      {"content-type", "text/y"}, {"ringside-outcome", "refused"}, {"set-cookie", "a"}, {"set-cookie", "b"}};
  answer.body = "none";
  const core::HttpAnswer said = make_method_answer(answer);
  for (const auto& back : {read_back(said), read_back(write_method_answer(said))}) {
    ASSERT_TRUE(back);
    EXPECT_EQ(back->status, 404);
    EXPECT_EQ(back->headers, (net::Metadata{{"content-type", "text/y"}, {"set-cookie", "a"}, {"set-cookie", "b"}}));
    EXPECT_EQ(back->body, "none");
  }
}

TEST(MethodCall, WhatItWeighsAsABatchIsKnownWithoutMakingOne) {
  const std::string long_text(300, 'x');
  for (const core::ActorId id : {core::ActorId{1}, core::ActorId{300}, core::ActorId(UINT64_MAX)}) {
    for (const net::HttpRequest& given :
         {net::HttpRequest{"GET", "", {}, "", ""}, net::HttpRequest{"POST", "", {{"a", ""}, {"b", "c"}}, "1", ""},
          net::HttpRequest{"PUT", "", {{"a", long_text}}, std::string(127, 'b'), ""},
          net::HttpRequest{"PUT", "", {{long_text, "c"}}, std::string(128, 'b'), ""},
          net::HttpRequest{"PUT", "", {}, std::string(70'000, 'b'), ""}}) {
      for (const std::string& path : {std::string("a"), std::string("a?b=c"), long_text + "?" + long_text}) {
        net::HttpRequest request = given;
        const auto call = make_method_call(id, request, path);
        ASSERT_TRUE(call);
        EXPECT_EQ(call->batch_size, write_batch(call_of(id, *call)).size()) << id << given.method << path;
      }
    }
  }
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
  const auto reason = [](const ringside::http::v1::Request& call) {
    return read_method_call(forged(call))->error().reason;
  };
  EXPECT_TRUE(*read_method_call(forged(good)));

  auto call = good;
  call.set_path("../../admin");
  EXPECT_EQ(reason(call), Reason::kBadPath);
  call = good;
  call.set_method("GET / HTTP/1.1\r\nX");
  EXPECT_EQ(reason(call), Reason::kMalformed);
  call = good;
  call.add_headers()->set_name("x");
  call.mutable_headers(0)->set_value("1\r\nhost: evil");
  EXPECT_EQ(reason(call), Reason::kMalformed);
  call = good;
  call.add_headers()->set_name("Ringside-Epoch");
  call.mutable_headers(0)->set_value("9");
  call.set_query("a b\r\nc");
  const auto cleaned = read_method_call(forged(call));
  ASSERT_TRUE(cleaned && *cleaned);
  const net::HttpRequest request = write_http_request(1, **cleaned);
  EXPECT_TRUE(request.headers.empty());
  EXPECT_EQ(request.target, "/actors/1/method/a?a%20b%0D%0Ac");
}

TEST(MethodCall, OtherBatchesAreNone) {
  messages::ApplyRequest batch;
  batch.set_id(1);
  EXPECT_FALSE(read_method_call(batch.SerializeAsString()));
  ringside::http::v1::Request call;
  batch.add_messages()->PackFrom(call);
  batch.add_messages()->PackFrom(call);
  EXPECT_FALSE(read_method_call(batch.SerializeAsString()));
  EXPECT_FALSE(read_method_call("garbage"));
  EXPECT_FALSE(read_back(""));
  EXPECT_FALSE(read_back("garbage"));
}

TEST(MethodCall, AnswersThatNobodyCouldWrite) {
  const auto malformed = [](const ringside::http::v1::Response& response) {
    messages::ApplyResult result;
    result.add_replies()->PackFrom(response);
    const auto back = read_back(result.SerializeAsString());
    return back && back->status == 0;
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
    return read_back(write_method_answer(make_method_answer(std::move(answer)))).value_or(net::HttpResponse{0, {}, {}});
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
    const auto call = make_method_call(1, request, "a");
    const bool in_a_batch = !check_apply(write_batch(call_of(1, *call)), 1000);
    EXPECT_EQ(in_a_batch, !check_size(*call, 1000)) << "this host refuses what the next one would";
    return in_a_batch;
  };
  EXPECT_FALSE(refused(1000, 16'000));
  EXPECT_TRUE(refused(1001, 1));
  EXPECT_TRUE(refused(1000, 2 * kMaxMethodEnvelope));
}

}  // namespace
}  // namespace ringside::wire
