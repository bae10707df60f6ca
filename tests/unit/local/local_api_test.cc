#include "sidecar/local/local_api.h"

#include "tests/unit/local/local_fixture.h"

namespace ringside::local::testing {
namespace {

using LocalApiTest = LocalTest;

TEST_F(LocalApiTest, Places) {
  const auto response = ask("GET", "/v1/actors/42");
  EXPECT_EQ(response.status, 200);
  const auto body = body_of(response);
  EXPECT_EQ(body["id"], "42");
  EXPECT_EQ(body["owner"], "10.0.0.7");
  EXPECT_EQ(body["rule"], "claim");
  EXPECT_EQ(body["local"], true);
  EXPECT_EQ(body["epoch"], 77);
  EXPECT_EQ(body["view_of"], "10.0.0.7");
  EXPECT_EQ(body["age_ms"], 0);
  EXPECT_EQ(response.headers.get("ringside-owner"), "10.0.0.7");
  EXPECT_EQ(body_of(ask("GET", "/v1/actors/name:x"))["name"], "x");
  EXPECT_EQ(body_of(ask("GET", "/v1/actors/%6eame:x"))["name"], "x");
  EXPECT_EQ(refusal(ask("GET", "/v1/actors/x")), "400 bad-id");
  EXPECT_EQ(refusal(ask("GET", "/v1/actors/%34%32")), "400 bad-id");
}

TEST_F(LocalApiTest, ExplainsAnActor) {
  gateway.place.epoch = 77;
  core::Explanation& here = gateway.explained.here;
  here.host = "10.0.0.7";
  here.rules = {{"claim", core::RuleCheck::Verdict::kNo, "it is not active here"},
                {"ring", core::RuleCheck::Verdict::kDecides, "the next point is of 10.0.0.8"},
                {"free", core::RuleCheck::Verdict::kNotAsked, ""}};
  here.goes = "forward";
  here.to = "10.0.0.8";
  core::Explained::Asked& asked = gateway.explained.asked.emplace_back();
  asked.says.host = "10.0.0.8";
  asked.took = core::Duration(1500);
  core::ActivationFacts& active = asked.says.activation.emplace();
  active.state.epoch = 78;
  active.state.busy = true;
  active.method = "POST add";
  gateway.explained.holder = "10.0.0.8";
  gateway.explained.changes = {{"10.0.0.8 leaves", "10.0.0.7", "its is the next point"},
                               {"a host joins", "", "nobody knows"}};
  const net::HttpResponse answer = ask("GET", "/v1/actors/name:anna/explain");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.headers.get("ringside-owner"), "10.0.0.7") << "as the look-up says";
  const auto body = body_of(answer);
  EXPECT_EQ(body["name"], "anna");
  EXPECT_EQ(body["rule"], "claim");
  EXPECT_EQ(body["rules"][0]["verdict"], "no");
  EXPECT_EQ(body["rules"][1]["verdict"], "decides");
  EXPECT_EQ(body["rules"][2]["why"], nullptr);
  EXPECT_EQ(body["call_goes"], "forward");
  EXPECT_EQ(body["to"], "10.0.0.8");
  EXPECT_EQ(body["reason"], nullptr);
  EXPECT_EQ(body["holder"], "10.0.0.8");
  EXPECT_EQ(body["activation"]["epoch"], 78);
  EXPECT_EQ(body["activation"]["method"], "POST add");
  EXPECT_EQ(body["activation"]["trace_id"], nullptr);
  EXPECT_EQ(body["asked"][0]["took_ms"], 1.5);
  EXPECT_EQ(body["changes"][0]["then"], "10.0.0.7");
  EXPECT_EQ(body["changes"][1]["then"], nullptr);

  asked.problem = "it is silent";
  const auto silent = body_of(ask("GET", "/v1/actors/42/explain"));
  EXPECT_EQ(silent["asked"][0]["problem"], "it is silent");
  EXPECT_FALSE(silent["asked"][0].contains("rules"));
  EXPECT_EQ(ask("GET", "/v1/actors/0/explain").status, 400);
  EXPECT_EQ(ask("POST", "/v1/actors/42/explain").status, 405);
}

TEST_F(LocalApiTest, TellsWhichActorsHaveTheMostToDo) {
  core::HotActor hot;
  hot.now.id = core::ActorId(UINT64_MAX);
  hot.now.name = "anna";
  hot.now.busy = true;
  hot.now.turn_age = std::chrono::seconds(41);
  hot.now.waiting = 12;
  hot.sum = 2'500'000;
  hot.error = 500'000;
  hot.times = 3;
  hot.largest = 1'500'000;
  gateway.top_list.recorded = std::chrono::seconds(5);
  gateway.top_list.stops_after = std::chrono::minutes(1);
  gateway.top_list.counters = 256;
  gateway.top_list.busiest = {{hot, hot}, 5'000'000, 7};
  gateway.top_list.slowest = {{hot}, 2'600'000, 100'000};
  const auto body = body_of(ask("GET", "/v1/top?n=1"));
  EXPECT_EQ(body["recorded_ms"], 5000);
  EXPECT_EQ(body["stops_after_ms"], 60000);
  EXPECT_EQ(body["counters"], 256);
  ASSERT_EQ(body["busiest"]["actors"].size(), 1U);
  EXPECT_EQ(body["busiest"]["actors"][0]["id"], "18446744073709551615");
  EXPECT_EQ(body["busiest"]["actors"][0]["calls"], 2'500'000);
  EXPECT_EQ(body["busiest"]["actors"][0]["error"], 500'000);
  EXPECT_EQ(body["busiest"]["others_at_most"], 7);
  const auto& slow = body["slowest"]["actors"][0];
  EXPECT_EQ(slow["total_ms"], 2500);
  EXPECT_EQ(slow["error_ms"], 500);
  EXPECT_EQ(slow["longest_ms"], 1500);
  EXPECT_EQ(slow["turns"], 3);
  EXPECT_EQ(slow["turn_ms"], 41000);
  EXPECT_EQ(slow["waiting"], 12);
  EXPECT_EQ(slow["name"], "anna");
  EXPECT_EQ(body["most_waited"]["actors"].size(), 0U);
  for (const char* wrong : {"0", "101", "x", "01", "-1", ""}) {
    const auto refused = ask("GET", std::string("/v1/top?n=") + wrong);
    EXPECT_EQ(refusal(refused), "400 malformed") << wrong;
  }
  EXPECT_EQ(ask("POST", "/v1/top").status, 405);
}

TEST_F(LocalApiTest, WhatIsKnownOfOthersIsAsOldAsTheirLastAnswer) {
  core::MemberStatus member;
  member.host = "10.0.0.8";
  member.silent_for = core::Duration{340'000};
  gateway.member_list = {member};
  gateway.place = {0, "10.0.0.8", "stray", false, 0, "10.0.0.8 says so", {}};
  auto body = body_of(ask("GET", "/v1/actors/42"));
  EXPECT_EQ(body["view_of"], "10.0.0.7");
  EXPECT_EQ(body["age_ms"], 340);
  gateway.place.holder = "10.0.0.9";
  EXPECT_TRUE(body_of(ask("GET", "/v1/actors/42"))["age_ms"].is_null()) << "never heard";
  gateway.place.holder = "";
  const auto nowhere = ask("GET", "/v1/actors/42");
  EXPECT_EQ(body_of(nowhere)["age_ms"], 0);
  EXPECT_EQ(nowhere.headers.find("ringside-owner"), nullptr);

  body = body_of(ask("GET", "/v1/ring"));
  EXPECT_EQ(body["age_ms"], 0);
  EXPECT_EQ(body["hosts"][0]["age_ms"], 0);
  EXPECT_EQ(body["hosts"][1]["age_ms"], 340);
}

TEST_F(LocalApiTest, CountsAreStringsLikeAll64BitNumbers) {
  gateway.state.actors = 5;
  gateway.state.turns_under_way = 2;
  for (const char* view : {"/v1/drain", "/v1/status"}) {
    const auto body = body_of(ask("GET", view));
    EXPECT_EQ(body["actors"], 5) << view;
    EXPECT_EQ(body["turns_under_way"], 2) << view;
    EXPECT_EQ(body["turns_waiting"], 0) << view;
    EXPECT_EQ(body["view_of"], "10.0.0.7") << view;
  }
  EXPECT_EQ(body_of(ask("GET", "/v1/status"))["calls"], 0);
  EXPECT_EQ(body_of(ask("GET", "/v1/status"))["held"], 0);
  EXPECT_EQ(body_of(ask("GET", "/v1/drain"))["age_ms"], 0);
}

TEST_F(LocalApiTest, CountsWhatItRefusesByItself) {
  using core::Reason;
  ask("GET", "/v1/actors/x");
  ask("GET", "/nothing");
  ask("DELETE", "/v1/members");
  ask("GET", "/v1/members", {{"origin", "http://evil.example"}});
  ask("POST", "/v1/drain", {{"content-type", "text/plain"}});
  post_json("/v1/actors/7/apply", "{");
  ask("POST", "/v1/actors/7/method/../x");
  ask("POST", "/v1/actors/7/method/x", {}, std::string(70'000, 'x'));
  EXPECT_EQ(counted, (std::vector{Reason::kBadId, Reason::kNotFound, Reason::kMethodNotAllowed, Reason::kForbidden,
                                  Reason::kBadContentType, Reason::kMalformed, Reason::kBadPath, Reason::kTooLarge}));
  EXPECT_TRUE(gateway.calls.empty());
}

TEST_F(LocalApiTest, ActorsInPages) {
  auto body = body_of(ask("GET", "/v1/actors?limit=2"));
  ASSERT_EQ(body["actors"].size(), 2u);
  EXPECT_EQ(body["actors"][0], nlohmann::json::parse(R"({"id":"1","epoch":101,"idle_ms":3,"waiting":0})"));
  EXPECT_EQ(body["next_page_token"], "2");
  body = body_of(ask("GET", "/v1/actors?limit=3&page_token=2"));
  EXPECT_EQ(body["actors"].size(), 3u);
  EXPECT_EQ(body["next_page_token"], "");
  for (const char* bad : {"limit=0", "limit=x", "limit=-1", "limit=", "limit=01", "limit=100000", "page_token=x"}) {
    EXPECT_EQ(refusal(ask("GET", std::string("/v1/actors?") + bad)), "400 malformed") << bad;
  }
}

TEST_F(LocalApiTest, MembersAndRing) {
  core::MemberStatus member;
  member.host = "10.0.0.8";
  member.generation = core::Generation(UINT64_MAX);
  member.phase = core::Phase::kReady;
  core::MemberStatus other;
  other.host = "10.0.0.9";
  other.member = false;
  other.problem = "of another cluster";
  gateway.member_list = {member, other};
  gateway.state.ring = 0xab;
  gateway.state.settled = true;
  auto body = body_of(ask("GET", "/v1/members"));
  ASSERT_EQ(body["members"].size(), 1u);
  EXPECT_EQ(body["members"][0]["host"], "10.0.0.8");
  EXPECT_EQ(body["members"][0]["phase"], "ready");
  EXPECT_EQ(body["members"][0]["generation"], "18446744073709551615");
  EXPECT_TRUE(body["members"][0]["rtt_ms"].is_number());
  EXPECT_EQ(body["others"][0]["problem"], "of another cluster");
  EXPECT_TRUE(body["others"][0]["age_ms"].is_null());
  EXPECT_EQ(body["ring"], "00000000000000ab");
  EXPECT_EQ(body["settled"], true);
  EXPECT_EQ(body["view_of"], "10.0.0.7");

  body = body_of(ask("GET", "/v1/ring"));
  ASSERT_EQ(body["hosts"].size(), 2u);
  EXPECT_EQ(body["hosts"][0]["positions"].size(), 64u);
  EXPECT_NEAR(body["hosts"][0]["share"].get<double>() + body["hosts"][1]["share"].get<double>(), 1.0, 1e-5);
  EXPECT_FALSE(body_of(ask("GET", "/v1/ring?positions=false"))["hosts"][0].contains("positions"));
  EXPECT_EQ(body_of(ask("GET", "/v1/ring?host=10.0.0.8"))["hosts"].size(), 1u);
}

TEST_F(LocalApiTest, StatusAndUncordon) {
  EXPECT_EQ(body_of(ask("GET", "/v1/status"))["version"], "1.2.3");
  gateway.state.phase = core::Phase::kDrained;
  const auto response = post_json("/v1/uncordon", "{}");
  EXPECT_EQ(response.status, 202);
  EXPECT_EQ(body_of(response)["phase"], "joining");
}

TEST_F(LocalApiTest, LogLevel) {
  EXPECT_EQ(post_json("/v1/log-level", R"({"level":"debug"})").status, 200);
  EXPECT_EQ(level, "debug");
  EXPECT_EQ(body_of(ask("GET", "/v1/log-level"))["level"], "debug");
  for (const char* bad : {"{}", R"({"level":"loud"})", R"({"level":1})", R"({"level":"info","x":1})", "debug", ""}) {
    EXPECT_EQ(refusal(post_json("/v1/log-level", bad)), "400 malformed") << bad;
  }
  EXPECT_EQ(level, "debug");
}

TEST_F(LocalApiTest, TellsTheSettingsInForceAndWhereTheyCameFrom) {
  const auto body = body_of(ask("GET", "/v1/config"));
  EXPECT_EQ(body["view_of"], "10.0.0.7");
  EXPECT_EQ(body["version"], "1.2.3");
  EXPECT_EQ(body["log_level"], level);
  ASSERT_EQ(body["settings"].size(), 2U);
  EXPECT_EQ(body["settings"][0],
            nlohmann::json({{"name", "drain-timeout"}, {"value", "25s"}, {"source", "default"}, {"is_default", true}}));
  EXPECT_EQ(body["settings"][1]["value"], "a?[2J");
  EXPECT_EQ(body["settings"][1]["is_default"], false);
  EXPECT_EQ(ask("POST", "/v1/config").status, 405);
}

TEST_F(LocalApiTest, WhatIsNotThere) {
  for (const char* nothing : {"/", "/v1", "/v1/", "/v2/actors/1", "/v1/actors/", "/v1/actors/1/",
                              "/v1/actors/1/apply/x", "/v1/actors/1/method", "/metrics", "/v1/members/"}) {
    const auto response = ask("GET", nothing);
    const std::string told = refusal(response);
    EXPECT_TRUE(told == "404 not-found" || (std::string(nothing) == "/v1/actors/" && told == "400 bad-id"))
        << nothing << told;
  }
  auto response = ask("GET", "/v1/actors/1/apply");
  EXPECT_EQ(refusal(response), "405 method-not-allowed");
  EXPECT_EQ(response.headers.get("allow"), "POST");
  EXPECT_EQ(ask("DELETE", "/v1/drain").headers.get("allow"), "GET, HEAD, POST");
  EXPECT_EQ(ask("OPTIONS", "/v1/members").headers.get("allow"), "GET, HEAD");
  EXPECT_EQ(ask("GET", "/v1/uncordon").status, 405);
  EXPECT_EQ(ask("PUT", "/v1/actors/1").status, 405);
  EXPECT_EQ(ask("HEAD", "/v1/members").status, 200);
}

TEST_F(LocalApiTest, NoWebPageReachesIt) {
  EXPECT_EQ(refusal(ask("GET", "/v1/members", {{"origin", "http://localhost"}})), "403 forbidden");
  EXPECT_EQ(refusal(ask("GET", "/v1/members", {{"sec-fetch-site", "cross-site"}})), "403 forbidden");
  EXPECT_EQ(refusal(ask("POST", "/v1/drain", {{"content-type", "text/plain"}}, "{}")), "415 bad-content-type");
  EXPECT_EQ(refusal(ask("POST", "/v1/drain")), "415 bad-content-type");
  EXPECT_EQ(gateway.state.phase, core::Phase::kReady);
  for (const net::Header& header : ask("GET", "/v1/members").headers) {
    EXPECT_FALSE(header.name.starts_with("access-control")) << header.name;
  }
}

}  // namespace
}  // namespace ringside::local::testing
