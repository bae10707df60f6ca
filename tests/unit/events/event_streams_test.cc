#include "sidecar/events/event_streams.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/unit/net/net_fixture.h"

namespace ringside::events {
namespace {

// A connection in the hands of a test: it takes bytes, or does not.
struct Body final : net::HttpStream {
  struct State {
    Events events;
    std::string sent;
    std::size_t unsent = 0;
    bool takes = true;
    bool given_up = false;
    bool dropped = false;
  };
  explicit Body(std::shared_ptr<State> of) : state(std::move(of)) {}
  ~Body() override { state->dropped = true; }
  void write(std::string_view bytes) override {
    state->sent += bytes;
    if (!state->takes) state->unsent += bytes.size();
  }
  std::size_t unsent() const override { return state->unsent; }
  void give_up() override { state->given_up = true; }
  std::shared_ptr<State> state;
};
using Reader = std::shared_ptr<Body::State>;

struct Sink final : net::HttpReply::Sink {
  void respond(net::HttpResponse response) override { answer = std::move(response); }
  std::unique_ptr<net::HttpStream> stream(net::HttpResponse response, net::HttpStream::Events events) override {
    answer = std::move(response);
    reader->events = std::move(events);
    return std::make_unique<Body>(reader);
  }
  void drop() override {}
  void on_cancel(absl::AnyInvocable<void()>) override {}
  void on_input_end(absl::AnyInvocable<void()>) override {}
  bool input_ended() const override { return false; }
  std::optional<net::HttpResponse> answer;
  Reader reader = std::make_shared<Body::State>();
};

class Streams : public net::testing::LoopTest {
 protected:
  static constexpr std::size_t kMost = 3;

  void happens(int times = 1, const std::string& why = "x", const std::string& actor = "") {
    for (int i = 0; i < times; ++i) {
      history.happened({.kind = core::EventKind::kTurnTimeout, .actor = actor, .why = why});
    }
  }
  Reader follow(const std::string& target, net::Metadata headers = {}, Sight sight = Sight::kHere,
                const std::string& method = "GET") {
    headers.add("accept", "text/event-stream");
    const net::HttpRequest request{method, target, std::move(headers), {}, {}};
    const auto sink = std::make_shared<Sink>();
    streams.follow(*read_event_query(request), sight, request, net::HttpReply(sink));
    EXPECT_EQ(sink->answer->status, 200);
    EXPECT_EQ(sink->answer->headers.get("content-type"), "text/event-stream");
    return sink->reader;
  }
  static std::vector<std::uint64_t> ids(const Reader& reader) {
    std::vector<std::uint64_t> ids;
    for (std::size_t at = 0; (at = reader->sent.find("id: ", at)) != std::string::npos; ++at) {
      ids.push_back(std::stoull(reader->sent.substr(at + 4)));
    }
    return ids;
  }

  std::int64_t wall_ms = 1'790'000'000'000;
  History history{[this] { return wall_ms; }};
  EventStreams streams{loop, history, {.self = "10.0.0.7", .most = kMost, .heartbeat = std::chrono::milliseconds(10)}};
};

using Ids = std::vector<std::uint64_t>;

TEST_F(Streams, BeginWithWhatIsAskedForAndGoOn) {
  happens(3);
  const Reader fresh = follow("/events");
  const Reader all = follow("/events?after=0");
  const Reader back = follow("/events", {{"last-event-id", "2"}});
  EXPECT_TRUE(fresh->sent.starts_with("retry: 2000\n\n"));
  happens();
  EXPECT_EQ(ids(fresh), Ids{4});
  EXPECT_EQ(ids(all), (Ids{1, 2, 3, 4}));
  EXPECT_EQ(ids(back), (Ids{3, 4}));
  const std::size_t data = fresh->sent.find("data: ");
  const auto event = nlohmann::json::parse(fresh->sent.substr(data + 6, fresh->sent.find('\n', data) - data - 6));
  EXPECT_EQ(event["number"], 4);
  EXPECT_EQ(event["kind"], "turn_timeout");
}

TEST_F(Streams, ANumberOfAnEarlierProcessBringsAllOfThisOne) {
  happens(2);
  EXPECT_EQ(ids(follow("/events", {{"last-event-id", "300"}})), (Ids{1, 2}));
}

TEST_F(Streams, SinceBringsThoseThatAreYoungEnough) {
  happens(2);
  wall_ms += 60'000;
  happens(2);
  EXPECT_EQ(ids(follow("/events?since=30s")), (Ids{3, 4}));
  EXPECT_EQ(streams.list({.since = std::chrono::seconds(30)}, Sight::kHere)["events"].size(), 2U);
  EXPECT_EQ(streams.list({}, Sight::kHere)["events"].size(), 4U);
  EXPECT_EQ(streams.list({.after = 3}, Sight::kHere)["events"].size(), 1U);
}

TEST_F(Streams, SingleActorsAreToldHereAlone) {
  const Reader here = follow("/events");
  const Reader elsewhere = follow("/events", {}, Sight::kElsewhere);
  happens(1, "slow", "name:anna");
  EXPECT_NE(here->sent.find("name:anna"), std::string::npos);
  EXPECT_EQ(ids(elsewhere), Ids{1});
  EXPECT_EQ(elsewhere->sent.find("anna"), std::string::npos);
  EXPECT_EQ(streams.list({}, Sight::kElsewhere).dump().find("anna"), std::string::npos);
}

TEST_F(Streams, AreBounded) {
  std::vector<Reader> readers;
  for (std::size_t i = 0; i < kMost; ++i) readers.push_back(follow("/events"));
  EXPECT_NE(streams.why_full("").find("3 streams"), std::string::npos);
  readers[0]->events.ended();
  EXPECT_TRUE(readers[0]->dropped);
  EXPECT_EQ(streams.why_full(""), "");
}

TEST_F(Streams, OneThatIsNotReadEndsAndHoldsNoMoreThanItsBound) {
  const Reader slow = follow("/events");
  const Reader other = follow("/events");
  slow->takes = false;
  const std::string why(1000, 'y');
  while (!slow->given_up) {
    happens(1, why);
    ASSERT_LE(slow->unsent, EventStreams::kMostUnsent + 2 * why.size());
  }
  EXPECT_FALSE(other->given_up);
  slow->events.ended();
  EXPECT_EQ(streams.size(), 1U);
}

TEST_F(Streams, WhatHappenedBeforeComesAsFastAsItIsRead) {
  happens(512, std::string(1000, 'y'));
  const auto sink = std::make_shared<Sink>();
  sink->reader->takes = false;
  const net::HttpRequest request{"GET", "/events?after=0", {}, {}, {}};
  streams.follow(*read_event_query(request), Sight::kHere, request, net::HttpReply(sink));
  const Reader reader = sink->reader;
  EXPECT_FALSE(reader->given_up);
  EXPECT_LT(reader->unsent, EventStreams::kMostUnsent);
  happens();
  EXPECT_LT(ids(reader).size(), 100U) << "what happens now waits as well";
  while (ids(reader).size() < 513 && reader->unsent != 0) {
    reader->unsent = 0;
    reader->events.drained();
    ASSERT_LT(reader->unsent, EventStreams::kMostUnsent);
  }
  const Ids all = ids(reader);
  ASSERT_EQ(all.size(), 513U);
  EXPECT_EQ(all.front(), 1U);
  EXPECT_EQ(all.back(), 513U);
}

TEST_F(Streams, WhatHasGoneMeanwhileIsLeftOutForAReaderThatIsSlow) {
  happens(512, std::string(1000, 'y'));
  const auto sink = std::make_shared<Sink>();
  sink->reader->takes = false;
  const net::HttpRequest request{"GET", "/events?after=0", {}, {}, {}};
  streams.follow(*read_event_query(request), Sight::kHere, request, net::HttpReply(sink));
  const std::size_t before = ids(sink->reader).size();
  happens(512);
  sink->reader->unsent = 0;
  sink->reader->events.drained();
  EXPECT_EQ(ids(sink->reader).at(before), 513U);
}

TEST_F(Streams, AHeartBeatsWhileSomebodyFollows) {
  const Reader reader = follow("/events");
  ASSERT_TRUE(run_until([&] { return reader->sent.ends_with(":\n\n:\n\n"); }));
}

TEST_F(Streams, HeadHasNoBody) {
  const auto sink = std::make_shared<Sink>();
  const net::HttpRequest request{"HEAD", "/events", {}, {}, {}};
  streams.follow(*read_event_query(request), Sight::kHere, request, net::HttpReply(sink));
  EXPECT_EQ(sink->answer->headers.get("content-type"), "text/event-stream");
  EXPECT_EQ(streams.size(), 0U);
}

}  // namespace
}  // namespace ringside::events
