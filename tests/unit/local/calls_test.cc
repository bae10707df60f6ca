#include "sidecar/local/calls.h"

#include <google/protobuf/wrappers.pb.h>
#include <messages/control_plane.pb.h>
#include <ringside/http/v1/http.pb.h>

#include "sidecar/core/hash.h"
#include "sidecar/wire/method_call.h"
#include "tests/unit/local/local_fixture.h"

namespace ringside::local::testing {
namespace {

using core::Outcome;
using core::Reason;

constexpr char kBatch[] = R"({"messages":[{"@type":"type.googleapis.com/google.protobuf.StringValue","value":"hi"}]})";

class CallsTest : public LocalTest {
 protected:
  std::string batch(core::ActorId id, std::size_t size = 2) {
    messages::ApplyRequest request;
    request.set_id(id.value());
    google::protobuf::StringValue text;
    text.set_value(std::string(size, 'x'));
    request.add_messages()->PackFrom(text);
    return request.SerializeAsString();
  }
  std::string result() {
    messages::ApplyResult out;
    out.set_accepted(true);
    google::protobuf::StringValue text;
    text.set_value("yes");
    out.add_replies()->PackFrom(text);
    return out.SerializeAsString();
  }
  net::CallResult grpc(std::string message, net::Metadata metadata = {}, net::CallOptions options = {},
                       std::string authority = {}) {
    net::ChannelOptions to;
    to.authority = std::move(authority);
    to.endpoint = listener->local_address();
    net::GrpcChannel channel(loop, to);
    std::optional<net::CallResult> got;
    channel.unary("/messages.ControlPlane/Apply", std::move(metadata), std::move(message), options,
                  [&](net::CallResult result) { got = std::move(result); });
    EXPECT_TRUE(run_until([&] { return got.has_value(); }));
    return got.value_or(net::CallResult());
  }
};

TEST_F(CallsTest, AppliesJson) {
  gateway.on_call = [&](const core::Call&) { return applied(result()); };
  const auto response =
      post_json("/v1/actors/42/apply", kBatch,
                {{"ringside-timeout", "2s"}, {"idempotency-key", "k"}, {"ringside-idempotent", "true"}});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.get("content-type"), "application/json");
  EXPECT_EQ(response.headers.get("ringside-outcome"), "applied");
  EXPECT_EQ(response.headers.get("ringside-owner"), "10.0.0.8");
  EXPECT_EQ(body_of(response), nlohmann::json::parse(R"({"accepted":true,"replies":[
      {"@type":"type.googleapis.com/google.protobuf.StringValue","value":"yes"}]})"));
  ASSERT_EQ(gateway.calls.size(), 1u);
  const core::Call& call = gateway.calls[0];
  messages::ApplyRequest request;
  ASSERT_TRUE(request.ParseFromString(std::get<std::string>(call.request)));
  EXPECT_EQ(request.id(), 42u);
  EXPECT_EQ(call.id, core::ActorId(42));
  EXPECT_EQ(call.origin, core::Origin::kLocal);
  EXPECT_EQ(call.deadline, gateway.now().mono + std::chrono::seconds(2));
  EXPECT_EQ(call.idempotency_key, "k");
  EXPECT_TRUE(call.idempotent);
}

TEST_F(CallsTest, AppliesProtobufAndNames) {
  gateway.on_call = [&](const core::Call&) { return applied(result()); };
  const core::ActorId id = core::id_of_name("caf\xc3\xa9");
  const auto response = ask("POST", "/v1/actors/name:caf%C3%A9/apply",
                            {{"content-type", "application/protobuf"}, {"accept", "application/protobuf"}}, batch(id));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.get("content-type"), "application/protobuf");
  EXPECT_EQ(response.body, result());
  ASSERT_EQ(gateway.calls.size(), 1u);
  EXPECT_EQ(gateway.calls[0].id, id);
  EXPECT_EQ(gateway.calls[0].actor_name, "caf\xc3\xa9");
}

TEST_F(CallsTest, BadBatchesReachNobody) {
  const net::Metadata protobuf{{"content-type", "application/protobuf"}};
  EXPECT_EQ(refusal(post_json("/v1/actors/0/apply", kBatch)), "400 bad-id");
  EXPECT_EQ(refusal(post_json("/v1/actors/-1/apply", kBatch)), "400 bad-id");
  EXPECT_EQ(refusal(post_json("/v1/actors/042/apply", kBatch)), "400 bad-id");
  EXPECT_EQ(refusal(post_json("/v1/actors/18446744073709551616/apply", kBatch)), "400 bad-id");
  EXPECT_EQ(refusal(post_json("/v1/actors/1/apply", R"({"id":"2","messages":[{"@type":"x/google.protobuf.Empty"}]})")),
            "400 bad-id");
  EXPECT_EQ(refusal(post_json("/v1/actors/1/apply", "{}")), "400 no-messages");
  EXPECT_EQ(refusal(post_json("/v1/actors/1/apply", "[]")), "400 malformed");
  EXPECT_EQ(refusal(post_json("/v1/actors/1/apply", "")), "400 malformed");
  EXPECT_EQ(refusal(post_json("/v1/actors/1/apply", R"({"messages":[{}]})")), "400 bad-type");
  EXPECT_EQ(refusal(post_json("/v1/actors/1/apply", R"({"messages":[{"@type":"x/no.Such"}]})")), "400 bad-type");
  EXPECT_EQ(refusal(ask("POST", "/v1/actors/1/apply", {{"content-type", "text/plain"}}, kBatch)),
            "415 bad-content-type");
  EXPECT_EQ(refusal(ask("POST", "/v1/actors/1/apply", {}, kBatch)), "415 bad-content-type");
  EXPECT_EQ(refusal(ask("POST", "/v1/actors/1/apply", protobuf, batch(1).substr(0, 9))), "400 malformed");
  EXPECT_EQ(refusal(ask("POST", "/v1/actors/1/apply", protobuf, batch(2))), "400 bad-id");
  EXPECT_EQ(refusal(ask("POST", "/v1/actors/1/apply", protobuf, batch(1, 5000))), "413 too-large");
  EXPECT_EQ(refusal(ask("POST", "/v1/actors/1/apply", protobuf, std::string(70'000, 'x'))), "413 too-large");
  for (const char* bad : {"-1s", "0s", "soon", "99999999999999h"}) {
    EXPECT_EQ(refusal(post_json("/v1/actors/1/apply", kBatch, {{"ringside-timeout", bad}})), "400 bad-deadline") << bad;
  }
  EXPECT_TRUE(gateway.calls.empty());
}

TEST_F(CallsTest, OutcomesAsProblems) {
  core::Answer answer;
  gateway.on_call = [&](const core::Call&) { return answer; };
  const auto told = [&](Outcome outcome, Reason reason) {
    answer = core::Answer::failed(outcome, reason, "so it is");
    answer.retry_after = std::chrono::milliseconds(1500);
    return post_json("/v1/actors/1/apply", kBatch);
  };
  auto response = told(Outcome::kNotDelivered, Reason::kAppDown);
  EXPECT_EQ(refusal(response), "503 app-down");
  EXPECT_EQ(response.headers.get("retry-after"), "2");
  EXPECT_EQ(body_of(response)["retry_after_ms"], 1500);
  EXPECT_EQ(body_of(response)["blame"], "app");
  EXPECT_EQ(body_of(response)["detail"], "so it is");
  EXPECT_EQ(refusal(told(Outcome::kOverloaded, Reason::kActorQueueFull)), "429 actor-queue-full");
  response = told(Outcome::kExpired, Reason::kDeadline);
  EXPECT_EQ(refusal(response), "504 deadline");
  EXPECT_EQ(response.headers.find("retry-after"), nullptr);
  EXPECT_EQ(refusal(told(Outcome::kUnknown, Reason::kPeerLost)), "500 peer-lost");
  response = told(Outcome::kRefused, Reason::kAppRefused);
  EXPECT_EQ(refusal(response), "409 app-refused");
  EXPECT_EQ(body_of(response)["accepted"], false);
  EXPECT_TRUE(body_of(response)["replies"].is_array());
}

TEST_F(CallsTest, MethodCallsGoThroughVerbatim) {
  net::HttpRequest seen;
  gateway.on_call = [&](const core::Call& call) {
    seen = wire::write_http_request(call.id, *std::get<std::shared_ptr<const core::MethodCall>>(call.request));
    net::HttpResponse answer;
    answer.status = 418;
    answer.headers = {
        {"content-type", "text/tea"}, {"access-control-allow-origin", "*"}, {"ringside-outcome", "refused"}};
    answer.body = "short";
    core::Answer said = applied();
    said.result = wire::make_method_answer(answer);
    return said;
  };
  const auto response = ask("PUT", "/v1/actors/42/method/pot/fill?cups=2&x=%20",
                            {{"content-type", "text/plain"}, {"x-a", "1"}, {"ringside-epoch", "9"}}, "water");
  EXPECT_EQ(response.status, 418);
  EXPECT_EQ(response.body, "short");
  EXPECT_EQ(response.headers.get("content-type"), "text/tea");
  EXPECT_EQ(response.headers.get("ringside-outcome"), "applied");
  EXPECT_EQ(response.headers.count("ringside-outcome"), 1u);
  EXPECT_EQ(response.headers.get("ringside-owner"), "10.0.0.8");
  EXPECT_EQ(response.headers.find("access-control-allow-origin"), nullptr);
  EXPECT_EQ(seen.method, "PUT");
  EXPECT_EQ(seen.target, "/actors/42/method/pot/fill?cups=2&x=%20");
  EXPECT_EQ(seen.body, "water");
  EXPECT_EQ(seen.headers.get("x-a"), "1");
  EXPECT_EQ(seen.headers.find("ringside-epoch"), nullptr);
}

TEST_F(CallsTest, MethodPathsStayBelowTheActor) {
  for (const char* bad : {"/v1/actors/1/method/..", "/v1/actors/1/method/a/../../b", "/v1/actors/1/method/%2e%2e/x",
                          "/v1/actors/1/method/a%2fb", "/v1/actors/1/method/", "/v1/actors/1/method/a%0d%0ab"}) {
    EXPECT_EQ(refusal(ask("GET", bad)), "400 bad-path") << bad;
  }
  EXPECT_EQ(refusal(ask("GET", "/v1/actors/0/method/a")), "400 bad-id");
  EXPECT_EQ(refusal(ask("POST", "/v1/actors/1/method/a", {}, std::string(5000, 'x'))), "413 too-large");
  EXPECT_EQ(refusal(ask("GET", "/v1/actors/1/method/a", {{"origin", "http://x"}})), "403 forbidden");
  EXPECT_TRUE(gateway.calls.empty());
}

TEST_F(CallsTest, MethodsThatAreNotPassedOnAreNamed) {
  const auto response = ask("TRACE", "/v1/actors/1/method/a");
  EXPECT_EQ(refusal(response), "405 method-not-allowed");
  EXPECT_EQ(response.headers.get("allow"), "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
}

TEST_F(CallsTest, AppsThatDoNotSpeakHttpAnswerInJson) {
  gateway.on_call = [&](const core::Call&) { return applied(result()); };
  const auto response = ask("GET", "/v1/actors/1/method/a");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(body_of(response)["accepted"], true);
}

TEST_F(CallsTest, AMethodCallsBodyMayTakeTheWholeLimit) {
  gateway.on_call = [&](const core::Call&) { return applied(); };
  EXPECT_EQ(ask("POST", "/v1/actors/1/method/a", {{"x", "y"}}, std::string(4096, 'x')).status, 200);
  EXPECT_EQ(refusal(ask("POST", "/v1/actors/1/method/a", {}, std::string(4097, 'x'))), "413 too-large");
}

TEST_F(CallsTest, AMalformedAnswerToAMethodCallIsTheAppsFault) {
  gateway.on_call = [&](const core::Call&) {
    messages::ApplyResult result;
    result.set_accepted(true);
    result.add_replies()->PackFrom(ringside::http::v1::Response());
    return applied(result.SerializeAsString());
  };
  const auto response = ask("GET", "/v1/actors/1/method/a");
  EXPECT_EQ(refusal(response), "500 app-garbage");
  EXPECT_EQ(response.headers.get("ringside-outcome"), "unknown");
}

TEST_F(CallsTest, ClientsThatBreakTheConnectionCancel) {
  auto socket = net::testing::RawSocket::connect_to(listener->local_address());
  socket.send("GET /v1/actors/1/method/a HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_TRUE(run_until([&] { return gateway.calls.size() == 1; }));
  socket.reset();
  ASSERT_TRUE(run_until([&] { return gateway.cancelled.size() == 1; }));
  EXPECT_TRUE(gateway.open.empty());
}

// As a client does that gave up waiting and closes its connection in order.
TEST_F(CallsTest, ClientsThatEndTheirHalfHangUp) {
  for (const bool before_it_is_read : {true, false}) {
    gateway.cancelled.clear();
    gateway.calls.clear();
    auto socket = net::testing::RawSocket::connect_to(listener->local_address());
    socket.send("GET /v1/actors/1/method/a HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ASSERT_TRUE(before_it_is_read || run_until([&] { return gateway.calls.size() == 1; }));
    socket.half_close();
    ASSERT_TRUE(run_until([&] { return gateway.cancelled.size() == 1; })) << before_it_is_read;
    EXPECT_TRUE(gateway.open.empty());
  }
}

TEST_F(CallsTest, ClientsThatSayThatTheyStillReadAreAnswered) {
  auto socket = net::testing::RawSocket::connect_to(listener->local_address());
  socket.send("GET /v1/actors/1/method/a HTTP/1.1\r\nHost: localhost\r\nringside-half-close: true\r\n\r\n");
  socket.half_close();
  ASSERT_TRUE(run_until([&] { return gateway.calls.size() == 1; }));
  for (int i = 0; i < 3; ++i) loop.run_once(std::chrono::milliseconds(20));
  EXPECT_TRUE(gateway.cancelled.empty());
  std::exchange(gateway.open, {}).begin()->second(applied());
  ASSERT_TRUE(run_until([&] { return socket.over(); }));
  EXPECT_TRUE(socket.input().starts_with("HTTP/1.1 200 ")) << socket.input();
}

TEST_F(CallsTest, GrpcApply) {
  gateway.on_call = [&](const core::Call&) { return applied(result()); };
  net::CallResult got = grpc(batch(42), {{"idempotency-key", "k"}});
  EXPECT_EQ(got.status, net::GrpcStatus::kOk);
  EXPECT_EQ(got.body, result());
  EXPECT_EQ(got.trailers.get("ringside-outcome"), "applied");
  EXPECT_EQ(got.trailers.get("ringside-owner"), "10.0.0.8");
  ASSERT_EQ(gateway.calls.size(), 1u);
  EXPECT_EQ(gateway.calls[0].origin, core::Origin::kLocal);
  EXPECT_EQ(gateway.calls[0].idempotency_key, "k");

  gateway.on_call = [](const core::Call&) { return core::Answer::failed(Outcome::kRefused, Reason::kAppRefused); };
  got = grpc(batch(42));
  EXPECT_EQ(got.status, net::GrpcStatus::kOk);
  EXPECT_EQ(got.trailers.get("ringside-outcome"), "refused");
  messages::ApplyResult refused;
  ASSERT_TRUE(refused.ParseFromString(got.body));
  EXPECT_FALSE(refused.accepted());

  gateway.on_call = [](const core::Call&) { return core::Answer::failed(Outcome::kNotDelivered, Reason::kAppDown); };
  got = grpc(batch(42));
  EXPECT_EQ(got.status, net::GrpcStatus::kUnavailable);
  EXPECT_EQ(got.trailers.get("ringside-outcome"), "not-delivered");
  EXPECT_EQ(got.trailers.get("ringside-reason"), "app-down");
  EXPECT_NE(got.trailers.find("grpc-status-details-bin"), nullptr);
}

TEST_F(CallsTest, GrpcObeysTheSameGuards) {
  gateway.on_call = [&](const core::Call&) { return applied(result()); };
  for (const char* good : {"localhost:1380", "[::1]:1380", "sidecar.local"}) {
    EXPECT_EQ(grpc(batch(1), {}, {}, good).status, net::GrpcStatus::kOk) << good;
  }
  const auto told = [&](const net::CallResult& got) {
    EXPECT_EQ(got.status, net::GrpcStatus::kInvalidArgument);
    return std::string(got.trailers.get("ringside-reason"));
  };
  EXPECT_EQ(told(grpc(batch(1), {}, {}, "evil.example:1380")), "forbidden");
  EXPECT_EQ(told(grpc(batch(1), {{"origin", "http://localhost"}})), "forbidden");
  EXPECT_EQ(told(grpc(batch(1), {{"sec-fetch-site", "cross-site"}})), "forbidden");
}

TEST_F(CallsTest, GrpcRefusals) {
  const auto told = [&](std::string message) {
    const net::CallResult got = grpc(std::move(message));
    EXPECT_EQ(got.status, net::GrpcStatus::kInvalidArgument);
    EXPECT_EQ(got.trailers.get("ringside-outcome"), "invalid");
    return std::string(got.trailers.get("ringside-reason"));
  };
  EXPECT_EQ(told(batch(0)), "bad-id");
  EXPECT_EQ(told("\x08\x2a"), "no-messages");
  EXPECT_EQ(told("\xff\xff"), "malformed");
  EXPECT_EQ(told(batch(1, 5000)), "too-large");
  const net::CallResult large = grpc(batch(1), {{"x", std::string(17'000, 'x')}});
  EXPECT_EQ(large.status, net::GrpcStatus::kInvalidArgument);
  EXPECT_EQ(large.trailers.get("ringside-reason"), "too-large");
  const net::CallResult compressed = grpc(batch(1), {{"grpc-encoding", "gzip"}});
  EXPECT_EQ(compressed.status, net::GrpcStatus::kUnimplemented);
  EXPECT_EQ(compressed.trailers.get("ringside-outcome"), "invalid");
  EXPECT_EQ(compressed.trailers.get("ringside-reason"), "bad-content-type");
  EXPECT_TRUE(gateway.calls.empty());
}

}  // namespace
}  // namespace ringside::local::testing
