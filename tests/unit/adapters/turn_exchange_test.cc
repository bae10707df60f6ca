#include "adapters/http/turn_exchange.h"

#include <google/protobuf/wrappers.pb.h>

#include "sidecar/wire/method_call.h"
#include "tests/unit/adapters/adapter_fixture.h"

namespace ringside::adapters {
namespace {

using core::Outcome;
using core::Reason;
using net::HttpOutcome;
using testing::turn;

TurnExchange exchange_of(bool as_json) { return {as_json, {"127.0.0.1", 8080, ""}}; }

struct Row {
  const char* name;
  int status;
  const char* type;
  std::string body;
  Outcome outcome;
  Reason reason;
};

std::string serialized(bool accepted) {
  messages::ApplyResult result;
  result.set_accepted(accepted);
  result.add_replies();  // without one, accepted = false has no bytes at all, which does not contradict a 2xx
  return result.SerializeAsString();
}

class TurnAnswers : public ::testing::TestWithParam<Row> {};

TEST_P(TurnAnswers, MeanWhatTheContractSays) {
  const Row& row = GetParam();
  const wire::ApplyJson json;
  net::HttpResult result;
  result.outcome = HttpOutcome::kAnswered;
  result.response.status = row.status;
  if (*row.type != 0) result.response.headers.add("content-type", row.type);
  result.response.body = row.body;
  const core::Answer answer = exchange_of(true).read(result, {}, json);
  EXPECT_EQ(answer.outcome, row.outcome) << answer.detail;
  EXPECT_EQ(answer.reason, row.reason) << answer.detail;
}

INSTANTIATE_TEST_SUITE_P(
    Table, TurnAnswers,
    ::testing::Values(
        Row{"Empty", 200, "", "", Outcome::kApplied, Reason::kNone},
        Row{"NoContent", 204, "", "", Outcome::kApplied, Reason::kNone},
        Row{"Json", 200, "application/json", R"({"accepted":true})", Outcome::kApplied, Reason::kNone},
        Row{"JsonWithCharset", 200, "Application/JSON; charset=utf-8", "{\"accepted\":true}", Outcome::kApplied,
            Reason::kNone},
        Row{"AcceptedFalseWins", 200, "application/json", R"({"accepted":false})", Outcome::kRefused,
            Reason::kAppRefused},
        Row{"Protobuf", 200, "application/protobuf", serialized(true), Outcome::kApplied, Reason::kNone},
        Row{"ProtobufRefuses", 200, "application/x-protobuf", serialized(false), Outcome::kRefused,
            Reason::kAppRefused},
        Row{"JsonGarbage", 200, "application/json", "{", Outcome::kUnknown, Reason::kAppGarbage},
        Row{"ProtobufGarbage", 200, "application/protobuf", "\xff\xff", Outcome::kUnknown, Reason::kAppGarbage},
        Row{"ProtobufOfNothing", 200, "application/protobuf", "", Outcome::kApplied, Reason::kNone},
        Row{"JsonOfNothing", 200, "application/json", "{}", Outcome::kApplied, Reason::kNone},
        Row{"JsonWithMore", 200, "application/json", R"({"ok":1,"replies":[]})", Outcome::kApplied, Reason::kNone},
        Row{"JsonByAnotherName", 200, "application/vnd.shop+json", R"({"accepted":false})", Outcome::kRefused,
            Reason::kAppRefused},
        Row{"JsonWithoutAType", 201, "", R"({"accepted":false})", Outcome::kRefused, Reason::kAppRefused},
        Row{"Text", 200, "text/plain", "fine", Outcome::kApplied, Reason::kNone},
        Row{"NoType", 200, "", "x", Outcome::kApplied, Reason::kNone},
        Row{"Redirect", 302, "", "", Outcome::kUnknown, Reason::kAppGarbage},
        Row{"BadRequest", 400, "text/plain", "no", Outcome::kRefused, Reason::kAppRefused},
        Row{"NotFound", 404, "", "", Outcome::kRefused, Reason::kAppRefused},
        Row{"TooMany", 429, "", "", Outcome::kNotDelivered, Reason::kAppBusy},
        Row{"Unavailable", 503, "", "", Outcome::kNotDelivered, Reason::kAppBusy},
        Row{"Failed", 500, "", "", Outcome::kUnknown, Reason::kAppFailed},
        Row{"GatewayTimeout", 504, "", "", Outcome::kUnknown, Reason::kAppFailed}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(TurnExchange, BrokenConnectionsSayHowMuchIsSure) {
  const wire::ApplyJson json;
  const TurnExchange exchange = exchange_of(true);
  const auto reason = [&](const std::function<void(net::HttpResult&)>& adjust, Outcome outcome) {
    net::HttpResult result;
    adjust(result);
    const core::Answer answer = exchange.read(result, {}, json);
    EXPECT_EQ(answer.outcome, outcome);
    return answer.reason;
  };
  EXPECT_EQ(reason([](auto& r) { r.outcome = HttpOutcome::kNotSent; }, Outcome::kNotDelivered), Reason::kAppDown);
  EXPECT_EQ(reason(
                [](auto& r) {
                  r.outcome = HttpOutcome::kNotSent;
                  r.overloaded = true;
                },
                Outcome::kNotDelivered),
            Reason::kAppBusy);
  EXPECT_EQ(reason(
                [](auto& r) {
                  r.outcome = HttpOutcome::kNotSent;
                  r.timed_out = true;
                },
                Outcome::kExpired),
            Reason::kDeadline);
  EXPECT_EQ(reason([](auto&) {}, Outcome::kUnknown), Reason::kAppLost);
  EXPECT_EQ(reason([](auto& r) { r.timed_out = true; }, Outcome::kUnknown), Reason::kTurnTimeout);
  EXPECT_EQ(reason([](auto& r) { r.malformed = true; }, Outcome::kUnknown), Reason::kAppGarbage);
  EXPECT_EQ(reason([](auto& r) { r.too_large = true; }, Outcome::kUnknown), Reason::kAppTooLarge);
}

TEST(TurnExchange, ARefusalsBodyTravelsAsAReply) {
  const wire::ApplyJson json;
  net::HttpResult result;
  result.outcome = HttpOutcome::kAnswered;
  result.response.status = 422;
  result.response.body = "no such cart";
  messages::ApplyResult applied;
  ASSERT_TRUE(applied.ParseFromString(exchange_of(true).read(result, {}, json).serialized()));
  EXPECT_FALSE(applied.accepted());
  google::protobuf::BytesValue body;
  ASSERT_EQ(applied.replies_size(), 1);
  ASSERT_TRUE(applied.replies(0).UnpackTo(&body));
  EXPECT_EQ(body.value(), "no such cart");
}

TEST(TurnExchange, ARedirectOfAMethodCallLeadsThroughRingside) {
  const wire::ApplyJson json;
  const TurnExchange exchange = exchange_of(true);
  core::StartTurn start = turn(1);
  core::Call call = *start.call;
  net::HttpRequest request{"GET", "", {}, "", ""};
  call.request = std::make_shared<const core::MethodCall>(*wire::make_method_call(42, request, "cart"));
  start.call = std::make_shared<core::Call>(call);
  const auto written = exchange.write(start, json);
  ASSERT_TRUE(written);
  net::HttpResult result;
  result.outcome = HttpOutcome::kAnswered;
  result.response.status = 308;
  result.response.headers.add("location", "http://127.0.0.1:8080/actors/42/method/cart/");
  const core::Answer answer = exchange.read(result, written->asked, json);
  const core::HttpHeaders rewritten = {{"location", "/v1/actors/42/method/cart/"}};
  EXPECT_EQ(std::get<core::HttpAnswer>(answer.result).headers, rewritten);
}

TEST(TurnExchange, AMethodCallIsTheSameWhetherItComesAsOneOrInABatch) {
  const wire::ApplyJson json;
  const TurnExchange exchange = exchange_of(true);
  core::StartTurn start = turn(1);
  core::Call call = *start.call;
  net::HttpRequest request{"PUT", "", {{"x-a", "1"}, {"x-forwarded-host", "shop"}}, "water", ""};
  call.request = std::make_shared<const core::MethodCall>(*wire::make_method_call(42, request, "pot?cups=2"));
  const std::string batch = wire::write_batch(call);
  for (const core::Request& form : {call.request, core::Request(batch)}) {
    call.request = form;
    start.call = std::make_shared<core::Call>(call);
    const auto written = exchange.write(start, json);
    ASSERT_TRUE(written);
    EXPECT_EQ(written->request.method, "PUT");
    EXPECT_EQ(written->request.target, "/actors/42/method/pot?cups=2");
    EXPECT_EQ(written->request.headers.get("x-a"), "1");
    EXPECT_EQ(written->request.headers.get("ringside-epoch"), "7");
    EXPECT_EQ(written->request.body, "water");
    EXPECT_TRUE(written->asked.method_call);
    EXPECT_EQ(written->asked.forwarded_host, "shop");
  }
}

TEST(TurnExchange, WhatIsKeptForRepeatsIsBytes) {
  const wire::ApplyJson json;
  auto call = std::make_shared<core::Call>(*turn(1).call);
  net::HttpResult result;
  result.outcome = HttpOutcome::kAnswered;
  result.response.body = "short";
  const auto read = [&] {
    return exchange_of(true).read(result, {true, "POST", "/actors/42/method/x", "", call}, json);
  };
  const core::HttpAnswer answer = std::get<core::HttpAnswer>(read().result);
  EXPECT_EQ(answer.body, "short");
  call->idempotency_key = "k";
  EXPECT_EQ(read().serialized(), wire::write_method_answer(answer));
}

TEST(TurnExchange, RetryAfterIsReadInBothForms) {
  const auto now = std::chrono::system_clock::from_time_t(784'111'777);  // Sun, 06 Nov 1994 08:49:37 GMT
  const auto read = [&](const char* text) { return retry_after({{"retry-after", text}}, now); };
  EXPECT_EQ(retry_after({}, now), core::Duration(0));
  EXPECT_EQ(read("120"), std::chrono::seconds(120));
  EXPECT_EQ(read("Sun, 06 Nov 1994 08:50:07 GMT"), std::chrono::seconds(30));
  EXPECT_EQ(read("Sun, 06 Nov 1994 08:00:00 GMT"), core::Duration(0)) << "over already";
  EXPECT_EQ(read("999999999"), std::chrono::hours(24));
  for (const char* garbage : {"", "soon", "-1", "99999999999999999999", "1.5"}) {
    EXPECT_EQ(read(garbage), core::Duration(0)) << garbage;
  }
}

TEST(TurnExchange, WhatWentWrongIsToldWithWhatWasAsked) {
  const wire::ApplyJson json;
  const TurnExchange exchange = exchange_of(true);
  const auto batch = exchange.write(turn(1, 42), json);
  ASSERT_TRUE(batch);
  net::HttpResult failed;
  failed.outcome = HttpOutcome::kAnswered;
  failed.response.status = 500;
  EXPECT_EQ(exchange.read(failed, batch->asked, json).detail, "POST /actors/42/apply: the application answered 500");
  net::HttpResult lost;
  lost.outcome = HttpOutcome::kLost;
  lost.error = "the server closed the connection";
  const auto asked_at = [&](const std::string& target) {
    return exchange.read(lost, {true, "GET", target, "", turn(1).call}, json).detail;
  };
  EXPECT_EQ(asked_at("/actors/42/method/view?token=secret"),
            "GET /actors/42/method/view: the server closed the connection");
  EXPECT_LT(asked_at("/actors/42/method/" + std::string(10'000, 'x')).size(), 300U) << "it travels in a header";
}

TEST(TurnExchange, WhatAnAnswerIsToRepeatsIsKnown) {
  const wire::ApplyJson json;
  auto call = std::make_shared<core::Call>(*turn(1).call);
  call->idempotency_key = "k";
  for (const auto& [status, passing] : {std::pair{200, false}, {303, false}, {404, false}, {429, true}, {503, true}}) {
    net::HttpResult result;
    result.outcome = HttpOutcome::kAnswered;
    result.response.status = status;
    const core::Answer answer = exchange_of(true).read(result, {true, "POST", "/actors/42/method/x", "", call}, json);
    EXPECT_EQ(answer.outcome, Outcome::kApplied);
    EXPECT_EQ(answer.passing, passing) << status;
  }
}

TEST(TurnExchange, WritesABatchWithWhatTheAppIsTold) {
  const wire::ApplyJson json;
  core::StartTurn start = turn(1);
  core::Call call = *start.call;
  call.actor_name = "Grüße";
  call.idempotency_key = "k";
  call.traceparent = "00-a-b-01";
  start.call = std::make_shared<core::Call>(call);
  const auto written = exchange_of(true).write(start, json);
  ASSERT_TRUE(written);
  EXPECT_EQ(written->request.method, "POST");
  EXPECT_EQ(written->request.target, "/actors/42/apply");
  EXPECT_EQ(written->request.headers.get("ringside-epoch"), "7");
  EXPECT_EQ(written->request.headers.get("ringside-actor-name"), "Gr%C3%BC%C3%9Fe");
  EXPECT_EQ(written->request.headers.get("idempotency-key"), "k");
  EXPECT_EQ(written->request.headers.get("traceparent"), "00-a-b-01");
  EXPECT_NE(written->request.body.find("\"hello\""), std::string::npos) << written->request.body;
  const auto bytes = exchange_of(false).write(start, json);
  ASSERT_TRUE(bytes);
  EXPECT_EQ(core::Request(bytes->request.body), call.request);
}

}  // namespace
}  // namespace ringside::adapters
