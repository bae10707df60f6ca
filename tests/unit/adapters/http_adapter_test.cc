#include "adapters/http/http_adapter.h"

#include <deque>
#include <optional>

#include "tests/unit/adapters/adapter_fixture.h"
#include "tests/unit/net/net_fixture.h"

namespace ringside::adapters {
namespace {

using core::Outcome;
using core::Reason;
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
    adapter = std::make_unique<HttpAdapter>(loop, quick<HttpAdapterOptions>(app), json, reports, log);
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

  wire::ApplyJson json;
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

TEST_F(HttpApp, ATurnThatHangsEndsWhenItIsBroken) {
  start(hostile.endpoint());
  ASSERT_TRUE(until([this] { return reports.ups == 1; }));
  adapter->start_turn(turn(1));
  ASSERT_TRUE(until([this] { return hostile.turns == 1; }));
  adapter->break_turn(1);
  ASSERT_TRUE(until([this] { return reports.ended.contains(1); }));
  EXPECT_ENDED(reports.ended[1], kUnknown, kTurnTimeout);
  adapter->break_turn(1);
  settle();
  EXPECT_EQ(reports.downs, 0);
}

TEST_F(HttpApp, NobodyThereIsDownAndATurnSurelyNotDelivered) {
  start(net::testing::unused_endpoint());
  ASSERT_TRUE(run_until([this] { return reports.downs == 1; }));
  adapter->start_turn(turn(1));
  EXPECT_ENDED(answer_of(1), kNotDelivered, kAppDown);
  EXPECT_EQ(reports.ups, 0);
}

// A well-behaved one.
class GoodApp : public HttpApp {
 protected:
  GoodApp() {
    auto options = net::testing::on_loopback();
    options.http1.emplace().handler = [this](net::HttpRequest request, net::HttpReply reply) {
      if (request.target == "/healthz") {
        net::HttpResponse well;
        well.headers.add("ringside-app-instance", instance);
        return reply(std::move(well));
      }
      seen.push_back(request.method + " " + request.target);
      if (request.method == "POST") time_left.emplace_back(request.headers.get("ringside-timeout"));
      held.push_back(std::move(reply));
      if (!hold) release();
    };
    listener = net::testing::serve(loop, std::move(options));
    start(listener->local_address());
  }
  ~GoodApp() override { listener->close(); }
  void release() {
    net::HttpResponse response;
    response.status = status;
    for (auto& reply : held) reply(response);
    held.clear();
  }

  std::unique_ptr<net::Listener> listener;
  std::string instance = "a";
  std::vector<std::string> seen, time_left;
  std::deque<net::HttpReply> held;
  bool hold = false;
  int status = 200;
};

TEST_F(GoodApp, TurnsAreAppliedSideBySide) {
  ASSERT_TRUE(run_until([this] { return reports.ups == 1; }));
  hold = true;
  for (core::Token token = 1; token <= 20; ++token) adapter->start_turn(turn(token, token));
  ASSERT_TRUE(run_until([this] { return held.size() == 20; }));
  release();
  ASSERT_TRUE(run_until([this] { return reports.ended.size() == 20; }));
  for (const auto& [token, answer] : reports.ended) EXPECT_EQ(answer.outcome, Outcome::kApplied);
}

TEST_F(GoodApp, AnAppThatKnowsNoDeactivationHasNothingToDoForIt) {
  for (const int answer : {200, 204, 404, 405, 501}) {
    status = answer;
    adapter->deactivate(ending(core::Token(answer), 1));
    ASSERT_TRUE(run_until([&] { return !reports.done.empty() && reports.done.back() == core::Token(answer); }));
    EXPECT_EQ(reports.forgotten[core::Token(answer)].kind, core::Deactivated::Kind::kDone) << answer;
  }
  adapter->deactivate_all({9});
  ASSERT_TRUE(run_until([&] { return reports.done.back() == 9; }));
  EXPECT_EQ(seen.front(), "DELETE /actors/1");
  EXPECT_EQ(seen.back(), "DELETE /actors");
}

TEST_F(GoodApp, WhatTheAppSaysToADeactivationIsReportedAndNotRepeated) {
  using Kind = core::Deactivated::Kind;
  const std::map<int, Kind> answers = {{409, Kind::kNotNow}, {500, Kind::kFailed}, {503, Kind::kFailed}};
  for (const auto& [answer, kind] : answers) {
    seen.clear();
    status = answer;
    adapter->deactivate(ending(core::Token(answer), 5));
    ASSERT_TRUE(run_until([&] { return reports.forgotten.contains(core::Token(answer)); })) << answer;
    EXPECT_EQ(reports.forgotten[core::Token(answer)].kind, kind) << answer;
    EXPECT_EQ(seen.size(), 1U);
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

TEST_F(GoodApp, ATurnThatFindsNoConnectionInTimeIsNeverHandedOver) {
  ASSERT_TRUE(run_until([this] { return reports.ups == 1; }));
  hold = true;
  const auto time = std::chrono::milliseconds(500);
  for (core::Token token = 1; token <= 70; ++token) adapter->start_turn(turn(token, token, "x", time));
  ASSERT_TRUE(run_until([this] { return reports.ended.size() == 6; }));
  for (const auto& [token, answer] : reports.ended) EXPECT_ENDED(answer, kExpired, kDeadline);
  EXPECT_EQ(held.size(), 64U) << "and those that had begun go on";
  hold = false;
  release();
  ASSERT_TRUE(run_until([this] { return reports.ended.size() == 70; }));
  EXPECT_EQ(seen.size(), 64U);
  EXPECT_EQ(time_left.front().back(), 's') << time_left.front();
}

TEST_F(GoodApp, SlowTurnsNeverKeepDeactivationsWaiting) {
  ASSERT_TRUE(run_until([this] { return reports.ups == 1; }));
  hold = true;
  for (core::Token token = 1; token <= 100; ++token) adapter->start_turn(turn(token, token));
  ASSERT_TRUE(run_until([this] { return held.size() == 64; })) << "every connection for turns is taken";
  adapter->deactivate(ending(1, 1000));
  ASSERT_TRUE(run_until([this] { return held.size() == 65; }));
  EXPECT_EQ(seen.back(), "DELETE /actors/1000");
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
