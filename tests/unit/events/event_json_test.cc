#include "sidecar/events/event_json.h"

#include <set>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "sidecar/events/event_query.h"

namespace ringside::events {
namespace {

TEST(EventJson, HasWhatThereIsAndNothingElse) {
  const Recorded plain{
      7, 1'790'000'000'482, 1'790'000'000'482, {.kind = core::EventKind::kAppUp, .why = "it is healthy"}};
  EXPECT_EQ(event_json(plain, "10.0.0.7", Sight::kHere).dump(),
            R"({"by":"10.0.0.7","host":"10.0.0.7","kind":"app_up","number":7,"time":"2026-09-21T14:13:20.482Z",)"
            R"("why":"it is healthy"})");
  const Recorded full{8,
                      1'790'000'000'000,
                      1'789'999'999'000,
                      {.kind = core::EventKind::kTurnTimeout,
                       .host = "10.0.0.8",
                       .actor = "42",
                       .why = "slow",
                       .by = "10.0.0.9",
                       .lasted = core::Duration(1'500),
                       .count = 3,
                       .facts = {{"moved", 1.0 / 3}, {"asked", std::uint64_t{2}}, {"cause", std::string("silent")}}}};
  const auto json = event_json(full, "10.0.0.7", Sight::kHere);
  EXPECT_EQ(json["lasted_ms"], 1.5);
  EXPECT_EQ(json["count"], 3);
  EXPECT_EQ(json["first_time"], "2026-09-21T14:13:19.000Z");
  EXPECT_EQ(json["actor"], "42");
  EXPECT_EQ(json["facts"].dump(), R"({"asked":2,"cause":"silent","moved":0.333333})");
  EXPECT_FALSE(event_json(full, "10.0.0.7", Sight::kElsewhere).contains("actor"));
}

TEST(EventJson, EachKindHasAWordOfItsOwn) {
  std::set<std::string> words;
  for (int kind = 0; kind < core::kEventKinds; ++kind) {
    words.insert(core::to_string(static_cast<core::EventKind>(kind)));
  }
  EXPECT_EQ(words.size(), static_cast<std::size_t>(core::kEventKinds));
  for (const std::string& word : words) {
    EXPECT_EQ(word.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string::npos) << word;
  }
}

base::Result<EventQuery, std::string> ask(const std::string& target, net::Metadata headers = {}) {
  return read_event_query({"GET", target, std::move(headers), {}, {}});
}

TEST(EventQuery, AStreamUnlessAListIsAskedFor) {
  EXPECT_TRUE(ask("/events")->follow);
  EXPECT_TRUE(ask("/events", {{"accept", "*/*"}})->follow);
  EXPECT_FALSE(ask("/events", {{"accept", "Application/JSON"}})->follow);
  EXPECT_FALSE(ask("/events?since=1h")->follow);
  EXPECT_TRUE(ask("/events?since=1h", {{"accept", "text/event-stream"}})->follow);
  EXPECT_EQ(ask("/events?since=90s")->since, std::chrono::seconds(90));
}

TEST(EventQuery, WhatIsAcceptableIsWeighed) {
  const auto follows = [](const char* accept) { return ask("/events", {{"accept", accept}})->follow; };
  EXPECT_TRUE(follows("application/json;q=0"));
  EXPECT_TRUE(follows("application/json-seq"));
  EXPECT_FALSE(follows("text/event-stream;q=0, application/json"));
  EXPECT_FALSE(follows("text/event-stream;q=0.5, application/json"));
  EXPECT_TRUE(follows("text/event-stream, application/json;q=0.9"));
  EXPECT_FALSE(follows("application/json, text/plain, */*"));
  EXPECT_FALSE(ask("/events", {{"accept", "text/html"}, {"accept", "application/json"}})->follow)
      << "two lines are one";
}

TEST(EventQuery, EachParameterIsKnownAndGivenOnce) {
  for (const char* target :
       {"/events?snice=1h", "/events?since=1h&since=2h", "/events?since=1h&foo", "/events?%73ince=1h&since=1h"}) {
    EXPECT_FALSE(ask(target)) << target;
  }
  EXPECT_EQ(ask("/events?snice=1h").error(), "?snice: there is no such parameter; there are since and after");
  EXPECT_TRUE(ask("/events?since=1h&after=7&"));
  EXPECT_TRUE(ask("/events?"));
}

TEST(EventQuery, WhatHasBeenSeen) {
  EXPECT_EQ(ask("/events?after=7")->after, 7U);
  EXPECT_EQ(ask("/events", {{"last-event-id", "8"}})->after, 8U);
  EXPECT_EQ(ask("/events?after=7", {{"last-event-id", "8"}})->after, 8U) << "what has come since";
  EXPECT_FALSE(ask("/events", {{"last-event-id", ""}})->after);
}

TEST(EventQuery, WhatIsWrongIsSaid) {
  for (const char* target : {"/events?since=1", "/events?since=", "/events?since=-1h", "/events?since=10001h",
                             "/events?after=x", "/events?after=-1", "/events?after=18446744073709551616"}) {
    const auto read = ask(target);
    ASSERT_FALSE(read) << target;
    EXPECT_NE(read.error().find("such as"), std::string::npos) << read.error();
  }
  EXPECT_FALSE(ask("/events", {{"last-event-id", "1; drop"}}));
}

}  // namespace
}  // namespace ringside::events
