#include "adapters/http/http_adapter.h"

#include <deque>
#include <map>
#include <optional>

#include "tests/unit/adapters/adapter_fixture.h"
#include "tests/unit/net/net_fixture.h"
#include "tests/unit/net/reserved_port.h"

namespace ringside::adapters {
namespace {

using core::Outcome;
using core::Reason;
using testing::ending;
using testing::turn;

// An application that is healthy, and answers turns with whatever bytes the test gives it.
class HostileApp {
 public:
  net::Endpoint endpoint() const { return listener_.endpoint(); }

  void live() {
    if (auto socket = listener_.accept()) sockets_.push_back(std::move(socket));
    for (auto& socket : sockets_) {
      if (!socket) continue;
      if (socket->has("\r\n\r\n")) {
        const bool health = socket->input().starts_with("GET /healthz");
        if (health) socket->send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        if (!health && !streaming_) {
          ++turns;
          socket->send(says);
          streaming_ = for_ever.empty() ? nullptr : socket.get();
        }
        socket->input().clear();
        if (!health && close) socket.reset();
      }
    }
    if (streaming_ != nullptr) streaming_->send(for_ever);
  }

  std::string says;
  std::string for_ever;
  bool close = false;
  int turns = 0;

 private:
  net::testing::RawListener listener_;
  std::vector<std::unique_ptr<net::testing::RawSocket>> sockets_;
  net::testing::RawSocket* streaming_ = nullptr;
};

class HttpApp : public testing::AdapterTest {
 protected:
  void start(const net::Endpoint& app) {
    auto options = quick<HttpAdapterOptions>(app);
    if (max_message) options.max_message = *max_message;
    adapter = std::make_unique<HttpAdapter>(loop, std::move(options), json, reports, log);
    adapter->start();
  }
  core::Answer hostile_turn() {
    start(hostile.endpoint());
    EXPECT_TRUE(until([this] { return reports.ups == 1; }));
    adapter->start_turn(turn(1));
    EXPECT_TRUE(reports.ended.empty()) << "never from inside the call";
    EXPECT_TRUE(until([this] { return reports.ended.contains(1); }));
    return reports.ended[1];
  }
  [[nodiscard]] bool until(const std::function<bool()>& happened) {
    return run_until([&] {
      hostile.live();
      return happened();
    });
  }

  wire::JsonWork json{loop};
  std::optional<std::size_t> max_message;
  HostileApp hostile;
  std::unique_ptr<HttpAdapter> adapter;
};

#define EXPECT_ENDED(answer, expected_outcome, expected_reason)   \
  do {                                                            \
    const core::Answer got = answer;                              \
    EXPECT_EQ(got.outcome, Outcome::expected_outcome);            \
    EXPECT_EQ(got.reason, Reason::expected_reason) << got.detail; \
  } while (false)

TEST_F(HttpApp, GarbageIsUnknown) {
  hostile.says = "what do you want?\r\n\r\n";
  EXPECT_ENDED(hostile_turn(), kUnknown, kAppGarbage);
}

TEST_F(HttpApp, HalfAnAnswerIsUnknown) {
  hostile.says = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc";
  hostile.close = true;
  EXPECT_ENDED(hostile_turn(), kUnknown, kAppLost);
}

TEST_F(HttpApp, AConnectionClosedWithoutAnAnswerIsUnknown) {
  hostile.close = true;
  EXPECT_ENDED(hostile_turn(), kUnknown, kAppLost);
}

TEST_F(HttpApp, ABodyForEverIsCutOff) {
  hostile.says = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
  hostile.for_ever = "1000\r\n" + std::string(4096, 'x') + "\r\n";
  EXPECT_ENDED(hostile_turn(), kUnknown, kAppTooLarge);
}

TEST_F(HttpApp, HeadersForEverAreCutOff) {
  hostile.says = "HTTP/1.1 200 OK\r\n";
  hostile.for_ever = "x: " + std::string(4096, 'y') + "\r\n";
  const core::Answer answer = hostile_turn();
  EXPECT_EQ(answer.outcome, Outcome::kUnknown) << answer.detail;
}

TEST_F(HttpApp, AnAnnouncedBodyBeyondTheLimitIsNotAwaited) {
  hostile.says = "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n";
  EXPECT_ENDED(hostile_turn(), kUnknown, kAppTooLarge);
}

TEST_F(HttpApp, ALargeAnswerOfJsonIsReadAsASmallOneIs) {
  max_message = 8 * wire::JsonWork::kLarge;
  for (const std::size_t size : {std::size_t{100}, 4 * wire::JsonWork::kLarge}) {
    const std::string body = R"({"replies":[{"@type":"type.googleapis.com/google.protobuf.StringValue","value":")" +
                             std::string(size, 'x') + R"("}]})";
    hostile.says =
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: " + std::to_string(body.size()) +
        "\r\n\r\n" + body;
    reports.ups = 0;
    reports.ended.clear();
    const core::Answer answer = hostile_turn();
    EXPECT_EQ(answer.outcome, Outcome::kApplied) << answer.detail;
    EXPECT_NE(answer.serialized().find(std::string(size, 'x')), std::string::npos);
  }
}

TEST_F(HttpApp, ATurnThatHangsEndsWhenItIsBroken) {
  start(hostile.endpoint());
  ASSERT_TRUE(until([this] { return reports.ups == 1; }));
  adapter->start_turn(turn(1));
  ASSERT_TRUE(until([this] { return hostile.turns == 1; }));
  adapter->break_turn(core::TurnId(1));
  ASSERT_TRUE(until([this] { return reports.ended.contains(1); }));
  EXPECT_ENDED(reports.ended[1], kUnknown, kTurnTimeout);
  adapter->break_turn(core::TurnId(1));
  settle();
  EXPECT_EQ(reports.downs, 0);
}

TEST_F(HttpApp, AStreamThatNeverEndsIsToldAsSuch) {
  hostile.says =
      "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n4\r\ntick\r\n";
  start(hostile.endpoint());
  ASSERT_TRUE(until([this] { return reports.ups == 1; }));
  adapter->start_turn(turn(1));
  ASSERT_TRUE(until([this] { return hostile.turns == 1; }));
  settle();
  adapter->break_turn(core::TurnId(1));
  ASSERT_TRUE(until([this] { return reports.ended.contains(1); }));
  EXPECT_ENDED(reports.ended[1], kUnknown, kTurnTimeout);
  EXPECT_EQ(
      reports.ended[1].detail,
      "its answer had begun (status 200, 4 bytes of its body) and did not end: an answer is passed on as a whole, "
      "never as a stream");
}

TEST_F(HttpApp, NobodyThereIsDownAndATurnSurelyNotDelivered) {
  start(net::testing::unused_endpoint());
  ASSERT_TRUE(run_until([this] { return reports.downs == 1; }));
  adapter->start_turn(turn(1));
  EXPECT_ENDED(answer_of(1), kNotDelivered, kAppDown);
  EXPECT_EQ(reports.ups, 0);
}

// It says nothing of it, and what is written meanwhile would be lost.
TEST_F(HttpApp, AnAppThatClosesAfterEachAnswerLosesNoTurnAndHasNotRestarted) {
  hostile.says = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
  hostile.close = true;
  start(hostile.endpoint());
  ASSERT_TRUE(until([this] { return reports.ups == 1; }));
  for (std::uint64_t number = 1; number <= 50; ++number) {
    adapter->start_turn(turn(number));
    ASSERT_TRUE(until([&] { return reports.ended.contains(number); }));
    EXPECT_ENDED(reports.ended[number], kApplied, kNone);
  }
  EXPECT_EQ(hostile.turns, 50);
  EXPECT_EQ(reports.restarts, 0);
  EXPECT_EQ(reports.downs, 0);
}

// A well-behaved one.
class GoodApp : public HttpApp {
 protected:
  GoodApp() {
    serve();
    start(listener->local_address());
  }
  ~GoodApp() override { listener->close(); }
  void serve() {
    auto options = net::testing::on_loopback();
    options.address.port = port;
    options.http1.emplace().handler = [this](net::HttpRequest request, net::HttpReply reply) {
      if (request.target == "/healthz") {
        net::HttpResponse well;
        if (!instance.empty()) well.headers.add("ringside-app-instance", instance);
        ++checks;
        return reply(std::move(well));
      }
      seen.push_back(request.method + " " + request.target);
      last = request.headers;
      if (request.method == "POST") time_left.emplace_back(request.headers.get("ringside-timeout"));
      held.push_back(std::move(reply));
      if (!hold) release();
    };
    listener = net::testing::serve(loop, std::move(options));
  }
  // As when its process ends and another one takes its place, and nobody asks meanwhile.
  void restart() {
    listener->close();
    held.clear();
    serve();
  }
  void release() {
    net::HttpResponse response;
    response.status = status;
    response.headers = says;
    for (auto& reply : held) reply(response);
    held.clear();
  }

  const std::uint16_t port = net::testing::reserved_port();
  std::unique_ptr<net::Listener> listener;
  std::string instance = "a";
  net::Metadata last, says;  // headers
  std::vector<std::string> seen, time_left;
  std::deque<net::HttpReply> held;
  bool hold = false;
  int status = 200;
  int checks = 0;
};

TEST_F(GoodApp, TurnsAreAppliedSideBySide) {
  ASSERT_TRUE(run_until([this] { return reports.ups == 1; }));
  hold = true;
  for (std::uint64_t number = 1; number <= 20; ++number) adapter->start_turn(turn(number, core::ActorId(number)));
  ASSERT_TRUE(run_until([this] { return held.size() == 20; }));
  release();
  ASSERT_TRUE(run_until([this] { return reports.ended.size() == 20; }));
  for (const auto& [number, answer] : reports.ended) EXPECT_EQ(answer.outcome, Outcome::kApplied);
}

TEST_F(GoodApp, AnAppThatKnowsNoDeactivationHasNothingToDoForIt) {
  for (const int answer : {200, 204, 404, 405, 501}) {
    status = answer;
    adapter->deactivate(ending(static_cast<std::uint64_t>(answer), 1));
    ASSERT_TRUE(
        run_until([&] { return !reports.done.empty() && reports.done.back() == static_cast<std::uint64_t>(answer); }));
    EXPECT_EQ(reports.forgotten[static_cast<std::uint64_t>(answer)].kind, core::Deactivated::Kind::kDone) << answer;
  }
  adapter->deactivate_all({core::DeactivationId(9)});
  ASSERT_TRUE(run_until([&] { return reports.done.back() == 9; }));
  EXPECT_EQ(seen.front(), "DELETE /actors/1");
  EXPECT_EQ(seen.back(), "DELETE /actors");
}

TEST_F(GoodApp, WhatTheAppSaysToADeactivationIsReportedAndNotRepeated) {
  using Kind = core::Deactivated::Kind;
  const std::map<int, Kind> answers = {{301, Kind::kDone},   {307, Kind::kDone},   {400, Kind::kDone},
                                       {401, Kind::kDone},   {403, Kind::kDone},   {410, Kind::kDone},
                                       {409, Kind::kNotNow}, {408, Kind::kFailed}, {425, Kind::kFailed},
                                       {429, Kind::kFailed}, {500, Kind::kFailed}, {503, Kind::kFailed}};
  for (const auto& [answer, kind] : answers) {
    seen.clear();
    status = answer;
    const auto number = static_cast<std::uint64_t>(answer);
    adapter->deactivate(ending(number, 5));
    ASSERT_TRUE(run_until([&] { return reports.forgotten.contains(number); })) << answer;
    EXPECT_EQ(reports.forgotten[number].kind, kind) << answer;
    EXPECT_EQ(reports.forgotten[number].detail, "DELETE /actors/5 was answered " + std::to_string(answer));
    EXPECT_EQ(seen.size(), 1U);
    adapter->deactivate_all({core::DeactivationId(number + 1000)});
    ASSERT_TRUE(run_until([&] { return reports.forgotten.contains(number + 1000); })) << answer;
    // Of all actors there is none that the app could keep.
    EXPECT_EQ(reports.forgotten[number + 1000].kind, kind == Kind::kNotNow ? Kind::kDone : kind) << answer;
    EXPECT_EQ(reports.forgotten[number + 1000].detail, "DELETE /actors was answered " + std::to_string(answer));
  }
}

TEST_F(GoodApp, TheAppIsToldWhatEndsAndWhy) {
  core::DeactivateActor end = ending(1, 5);
  end.name =
      "Gr\xc3\xbc\xc3\x9f"
      "e";
  end.why = core::Deactivation::kTurnTimeout;
  adapter->deactivate(end);
  ASSERT_TRUE(run_until([&] { return !reports.done.empty(); }));
  EXPECT_EQ(last.get("ringside-epoch"), "7");
  EXPECT_EQ(last.get("ringside-actor-name"), "Gr%C3%BC%C3%9Fe");
  EXPECT_EQ(last.get("ringside-deactivation"), "turn-timeout");
  adapter->deactivate_all({core::DeactivationId(2)});
  ASSERT_TRUE(run_until([&] { return reports.done.size() == 2; }));
  EXPECT_EQ(last.get("ringside-deactivation"), "initial-reset");
}

TEST_F(GoodApp, TheAppSaysWhenToAskAgain) {
  status = 503;
  says.add("retry-after", "7");
  adapter->deactivate(ending(1, 5));
  ASSERT_TRUE(run_until([&] { return !reports.done.empty(); }));
  EXPECT_EQ(reports.forgotten[1].retry_after, std::chrono::seconds(7));
  adapter->start_turn(turn(2));
  EXPECT_ENDED(answer_of(2), kNotDelivered, kAppBusy);
  EXPECT_EQ(reports.ended[2].retry_after, std::chrono::seconds(7));
}

TEST_F(GoodApp, AnAnswerMayEndTheActivation) {
  adapter->start_turn(turn(1));
  EXPECT_FALSE(answer_of(1).deactivate);
  says.add("ringside-deactivate", "true");
  adapter->start_turn(turn(2));
  EXPECT_TRUE(answer_of(2).deactivate);
}

TEST_F(GoodApp, ATurnTellsWhoWaitsForIt) {
  core::StartTurn start = turn(1);
  start.chain = "1, 42";
  adapter->start_turn(start);
  EXPECT_ENDED(answer_of(1), kApplied, kNone);
  EXPECT_EQ(last.get("ringside-chain"), "1, 42");
}

// The clock of each starts when it is sent: what waits for a connection is neither silent nor done.
TEST_F(GoodApp, DeactivationsThatWaitForAConnectionHaveTheirWholeTime) {
  adapter.reset();
  connections = 3;
  turn_timeout = std::chrono::milliseconds(600);
  start(listener->local_address());
  hold = true;
  for (std::uint64_t number = 1; number <= 4; ++number) adapter->deactivate(ending(number, core::ActorId(number)));
  for (std::uint64_t number = 1; number <= 4; ++number) {
    ASSERT_TRUE(run_until([this] { return held.size() == 1; }));
    const auto sent = net::Clock::now();
    ASSERT_TRUE(run_until([&] { return net::Clock::now() - sent > std::chrono::milliseconds(200); }));
    EXPECT_EQ(held.size(), 1U);
    release();
    ASSERT_TRUE(run_until([&] { return reports.done.size() == number; }));
    EXPECT_EQ(reports.forgotten[number].kind, core::Deactivated::Kind::kDone) << number;
  }
}

TEST_F(GoodApp, ADeactivationWithoutAnAnswerIsReportedAsSuch) {
  adapter.reset();
  turn_timeout = std::chrono::milliseconds(200);
  start(listener->local_address());
  hold = true;
  adapter->deactivate(ending(1, 5));
  ASSERT_TRUE(run_until([this] { return !reports.done.empty(); }));
  EXPECT_EQ(reports.forgotten[1].kind, core::Deactivated::Kind::kSilent);
}

// Where the activations have ended otherwise, it would end the next ones.
TEST_F(GoodApp, NoDeactivationOutlivesARestart) {
  ASSERT_TRUE(run_until([this] { return reports.ups == 1; }));
  hold = true;
  adapter->deactivate(ending(2, 6));
  ASSERT_TRUE(run_until([this] { return !held.empty(); }));
  instance = "b";
  ASSERT_TRUE(run_until([this] { return reports.restarts == 1; }));
  settle();  // what was on its way
  EXPECT_TRUE(reports.done.empty());
}

TEST_F(GoodApp, AsManyTurnsAndDeactivationsAtOnceAsThereMayBe) {
  adapter.reset();
  connections = 600;
  start(listener->local_address());
  ASSERT_TRUE(run_until([this] { return reports.ups == 1; }));
  hold = true;
  for (std::uint64_t number = 1; number <= 300; ++number) adapter->start_turn(turn(number, core::ActorId(number)));
  for (std::uint64_t number = 301; number <= 400; ++number) adapter->deactivate(ending(number, core::ActorId(number)));
  ASSERT_TRUE(run_until([this] { return held.size() == 400; }));
  EXPECT_EQ(adapter->waiting_for_connection(), 0U);
  hold = false;
  release();
  ASSERT_TRUE(run_until([this] { return reports.ended.size() == 300 && reports.done.size() == 100; }));
}

TEST_F(GoodApp, AnAdapterThatHasEndedReportsNothing) {
  adapter.reset();
  connections = 30;
  start(listener->local_address());
  ASSERT_TRUE(run_until([this] { return reports.ups == 1; }));
  hold = true;
  for (std::uint64_t number = 1; number <= 25; ++number)
    adapter->start_turn(turn(number, core::ActorId(number)));  // the last are refused
  adapter->break_turn(core::TurnId(1));
  adapter.reset();
  settle();
  EXPECT_TRUE(reports.ended.empty());
}

// Those under way may be waiting for it.
TEST_F(GoodApp, ATurnBeyondAllConnectionsIsRefusedAtOnce) {
  adapter.reset();
  connections = 30;
  start(listener->local_address());
  ASSERT_TRUE(run_until([this] { return reports.ups == 1; }));
  hold = true;
  for (std::uint64_t number = 1; number <= 25; ++number) adapter->start_turn(turn(number, core::ActorId(number)));
  ASSERT_TRUE(run_until([this] { return reports.ended.size() == 6 && held.size() == 19; }));
  for (const auto& [number, answer] : reports.ended) EXPECT_ENDED(answer, kNotDelivered, kTooManyTurns);
  adapter->deactivate(ending(100, 1000));
  ASSERT_TRUE(run_until([this] { return held.size() == 20; })) << "which turns never keep waiting";
  EXPECT_EQ(seen.back(), "DELETE /actors/1000");
  hold = false;
  release();
  ASSERT_TRUE(run_until([this] { return reports.ended.size() == 25; }));
  EXPECT_EQ(seen.size(), 20U);
  EXPECT_EQ(time_left.front().back(), 's') << time_left.front();
}

// The core begins new activations when it hears of the restart: their turns are not among the lost ones, and no lost
// turn may end before, since the core would begin the next one of the same activation.
TEST_F(GoodApp, AnotherInstanceIsARestartAndThenTheLostTurnsEnd) {
  ASSERT_TRUE(run_until([this] { return reports.ups == 1; }));
  hold = true;
  adapter->start_turn(turn(1));
  ASSERT_TRUE(run_until([this] { return held.size() == 1; }));
  reports.on_end = [this] {
    EXPECT_TRUE(reports.ended.empty());
    adapter->start_turn(turn(2));
  };
  instance = "b";
  EXPECT_ENDED(answer_of(1), kUnknown, kAppLost);
  EXPECT_EQ(reports.restarts, 1);
  ASSERT_TRUE(run_until([this] { return held.size() == 2; }));
  release();
  EXPECT_ENDED(answer_of(2), kApplied, kNone);
}

// No header, nothing under way, and no check in between: the listening socket tells.
TEST_F(GoodApp, ARestartIsNoticedBeforeTheNextTurnIsSent) {
  instance.clear();
  ASSERT_TRUE(run_until([this] { return reports.ups == 1; }));
  adapter->start_turn(turn(1));
  EXPECT_ENDED(answer_of(1), kApplied, kNone);
  restart();
  seen.clear();
  reports.on_end = [this] {
    EXPECT_TRUE(seen.empty());
    adapter->start_turn(turn(3));
  };
  adapter->start_turn(turn(2));
  EXPECT_ENDED(answer_of(2), kNotDelivered, kAppLost);
  EXPECT_EQ(reports.restarts, 1);
  EXPECT_ENDED(answer_of(3), kApplied, kNone);
  ASSERT_TRUE(run_until([this, after = checks + 3] { return checks >= after; }));
  EXPECT_EQ(reports.restarts, 1) << "said once";
  EXPECT_EQ(reports.downs, 0);
  EXPECT_EQ(seen.size(), 1U) << "the old activation's turn never reached the new process";
}

TEST_F(GoodApp, ARestartOfAnIdleAppIsNoticedByTheNextCheck) {
  instance.clear();
  ASSERT_TRUE(run_until([this] { return reports.ups == 1; }));
  restart();
  ASSERT_TRUE(run_until([this] { return reports.restarts == 1; }));
  EXPECT_EQ(reports.downs, 0);
}

TEST_F(GoodApp, GoneMidTurnIsUnknownThenDown) {
  ASSERT_TRUE(run_until([this] { return reports.ups == 1; }));
  hold = true;
  adapter->start_turn(turn(1));
  ASSERT_TRUE(run_until([this] { return held.size() == 1; }));
  listener->close();
  held.clear();
  EXPECT_ENDED(answer_of(1), kUnknown, kAppLost);
  ASSERT_TRUE(run_until([this] { return reports.downs == 1; }));
}

}  // namespace
}  // namespace ringside::adapters
