// Which connections of the pool are used again, and which are given up, and when.

#include <memory>
#include <string>

#include "sidecar/net/far_listener.h"
#include "tests/unit/net/http1/http1_client_fixture.h"

namespace ringside::net {
namespace {

using namespace std::chrono_literals;
using namespace testing;

std::size_t waiting_to_be_accepted(const Endpoint& server) {
  const auto listeners = ListenerLookup().at_port(server.port);
  return listeners.empty() ? 0 : listeners.front().waiting;
}

TEST_F(Http1Pool, ReusesAConnection) {
  const std::size_t first = ask(get("/1"));
  const auto socket = accept();
  ASSERT_TRUE(request_at(*socket));
  socket->input().clear();
  socket->send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n");
  EXPECT_EQ(wait(first).response.body, "hi");
  const std::size_t second = ask(get("/2"));
  ASSERT_TRUE(request_at(*socket));
  socket->send("HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(wait(second).response.status, 204);
  EXPECT_EQ(client().connections(), 1U);
  EXPECT_EQ(server_.accept(), nullptr);
}

TEST_F(Http1Pool, LooksAtAConnectionBeforeItWrites) {
  const std::size_t first = ask(get());
  auto socket = accept();
  ASSERT_TRUE(request_at(*socket));
  socket->send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  wait(first);
  // Closed by the server, and asked again before the loop has turned: a fresh connection all the same.
  socket->close();
  const std::size_t second = ask(get());
  const auto fresh = accept();
  ASSERT_TRUE(request_at(*fresh));
  fresh->send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
  EXPECT_EQ(wait(second).response.body, "x");
}

TEST_F(Http1Pool, IdleTooLongIsDropped) {
  options_.max_idle = 30ms;
  const std::size_t first = ask(get());
  auto socket = accept();
  ASSERT_TRUE(request_at(*socket));
  socket->send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  wait(first);
  EXPECT_TRUE(run_until([&socket] { return socket->over(); }));
  EXPECT_EQ(client().connections(), 0U);
}

TEST_F(Http1Pool, AnAnnouncedSecondIsUsedForAGoodPart) {
  const std::size_t first = ask(get());
  const auto socket = accept();
  ASSERT_TRUE(request_at(*socket));
  const auto answered = Clock::now();
  socket->send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nKeep-Alive: timeout=1\r\n\r\n");
  wait(first);
  EXPECT_EQ(client().connections(), 1U);
  ASSERT_TRUE(run_until([&] { return socket->over(); }));
  EXPECT_GT(Clock::now() - answered, 700ms);
}

TEST_F(Http1Pool, WhatIsNotToBeKeptIsNotReused) {
  for (const char* headers : {"Keep-Alive: timeout=0\r\n", "Connection: close\r\n"}) {
    const std::size_t index = ask(get());
    const auto socket = accept();
    ASSERT_TRUE(request_at(*socket));
    socket->send(std::string("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n") + headers + "\r\n");
    EXPECT_EQ(wait(index).outcome, HttpOutcome::kAnswered);
    EXPECT_TRUE(run_until([&socket] { return socket->over(); })) << headers;
    EXPECT_EQ(client().connections(), 0U);
  }
}

class WatchedPool : public Http1Pool {
 protected:
  WatchedPool() { options_.watch_after_answer = 40ms; }
  std::unique_ptr<RawSocket> answered(const std::string& target) {
    const std::size_t index = ask(get(target));
    auto socket = accept();
    EXPECT_TRUE(request_at(*socket));
    socket->send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(wait(index).outcome, HttpOutcome::kAnswered);
    return socket;
  }
};

TEST_F(WatchedPool, AConnectionIsUsedAgainOnceTheServerHasBeenSeenToKeepThem) {
  const auto first = answered("/1");
  const auto second = answered("/2");  // another connection: nothing is known yet
  EXPECT_EQ(client().connections(), 2U);
  const auto began = Clock::now();
  ASSERT_TRUE(run_until([&] { return Clock::now() - began > 100ms; }));
  second->input().clear();
  for (int i = 0; i < 3; ++i) {
    const std::size_t index = ask(get("/again"));
    ASSERT_TRUE(run_until([&] { return second->has("/again") || first->has("/again"); }));
    RawSocket& used = second->has("/again") ? *second : *first;
    used.input().clear();
    used.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(wait(index).outcome, HttpOutcome::kAnswered);
  }
  EXPECT_EQ(server_.accept(), nullptr);
}

TEST_F(WatchedPool, AnIdleConnectionGivesWayToAServerThatWaitsForItsEnd) {
  options_.max_idle = 60s;
  const auto idle = answered("/1");
  const std::size_t second = ask(get("/2"));
  EXPECT_TRUE(run_until([&idle] { return idle->over(); })) << "and not after its idle time";
  const auto next = accept();
  ASSERT_TRUE(request_at(*next));
  next->send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(wait(second).outcome, HttpOutcome::kAnswered);
}

TEST_F(WatchedPool, AServerThatClosesAfterItsAnswersGetsANewConnectionForEach) {
  for (int i = 0; i < 20; ++i) answered("/" + std::to_string(i))->close();
}

TEST_F(Http1Pool, ANewConnectionIsShownBeforeAnythingIsWritten) {
  Http1Client::RequestId id = 0;
  int shown = 0;
  options_.on_connected = [&](Transport&) {
    ++shown;
    EXPECT_TRUE(client().cancel(id)) << "not a byte was written";
  };
  id = client().request(get(), {}, [](const HttpResult&) { ADD_FAILURE(); });
  const auto socket = accept();
  ASSERT_TRUE(run_until([&] { return socket->over(); }));
  EXPECT_EQ(shown, 1);
  EXPECT_EQ(socket->input(), "");
}

TEST_F(Http1Pool, AnIdleConnectionsEndIsTold) {
  int ends = 0;
  options_.on_idle_end = [&] { ++ends; };
  const std::size_t first = ask(get());
  const auto socket = accept();
  ASSERT_TRUE(request_at(*socket));
  socket->send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  wait(first);
  socket->close();
  EXPECT_TRUE(run_until([&] { return ends == 1; }));
  EXPECT_EQ(client().connections(), 0U);
}

TEST_F(Http1Pool, ResponseThenGarbageIsNotReused) {
  const HttpResult result = answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n", false);
  EXPECT_EQ(result.outcome, HttpOutcome::kAnswered);
  EXPECT_EQ(client().connections(), 0U);
}

TEST_F(Http1Pool, RenewedConnectionsEndAsSoonAsTheyMay) {
  const std::size_t first = ask(get("/1"));
  const auto idle = accept();
  ASSERT_TRUE(request_at(*idle));
  const std::size_t second = ask(get("/2"));
  const auto busy = accept();
  ASSERT_TRUE(request_at(*busy));
  idle->send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  wait(first);
  client().renew_connections();
  EXPECT_TRUE(run_until([&idle] { return idle->over(); }));
  EXPECT_FALSE(busy->over());
  busy->send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(wait(second).outcome, HttpOutcome::kAnswered);
  EXPECT_TRUE(run_until([&busy] { return busy->over(); }));
  EXPECT_EQ(client().connections(), 0U);
}

// A server that serves one connection at a time accepts the next one when this one ends.
TEST_F(Http1Pool, AnAnsweredConnectionGivesWayToTheNext) {
  const std::size_t first = ask(get("/1"));
  const auto socket = accept();
  ASSERT_TRUE(request_at(*socket));
  const std::size_t second = ask(get("/2"));
  ASSERT_TRUE(run_until([this] { return waiting_to_be_accepted(server_.endpoint()) == 1; }));
  socket->send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(wait(first).outcome, HttpOutcome::kAnswered);
  EXPECT_TRUE(run_until([&socket] { return socket->over(); }));
  const auto next = accept();
  ASSERT_TRUE(request_at(*next));
  next->send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(wait(second).outcome, HttpOutcome::kAnswered);
  EXPECT_EQ(client().connections(), 1U) << "nobody waits any more";
}

TEST_F(Http1Pool, WhereItIsWantedAConnectionGivesWayToThoseOfOthers) {
  for (const bool gives_way : {false, true}) {
    client_.reset();
    options_.gives_way = gives_way;
    options_.max_idle = 60s;
    const std::size_t index = ask(get());
    const auto socket = accept();
    ASSERT_TRUE(request_at(*socket));
    Http1Client other(loop, options_);
    other.request(get(), {}, [](const HttpResult&) {});
    ASSERT_TRUE(run_until([this] { return waiting_to_be_accepted(server_.endpoint()) == 1; }));
    socket->send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(wait(index).outcome, HttpOutcome::kAnswered);
    EXPECT_EQ(client().connections(), gives_way ? 0U : 1U);
    const auto others = accept();
  }
}

TEST_F(Http1Pool, WithoutIdleTimeEachRequestHasItsOwnConnection) {
  options_.max_idle = 0ms;
  const std::size_t index = ask(get());
  const auto socket = accept();
  ASSERT_TRUE(request_at(*socket));
  EXPECT_TRUE(socket->has("\r\nconnection: close\r\n"));
  socket->send("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=60\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(wait(index).outcome, HttpOutcome::kAnswered);
  EXPECT_TRUE(run_until([&socket] { return socket->over(); }));
}

}  // namespace
}  // namespace ringside::net
