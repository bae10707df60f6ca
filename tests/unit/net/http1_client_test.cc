// The pool of kept-alive connections, against servers that behave and servers that do not.

#include "sidecar/net/http1_client.h"

#include <memory>
#include <string>
#include <vector>

#include <boost/asio/error.hpp>
#include <sys/socket.h>

#include "sidecar/net/connect_pace.h"
#include "sidecar/net/far_listener.h"
#include "sidecar/net/resolver.h"
#include "tests/unit/net/net_fixture.h"

namespace ringside::net {
namespace {

using namespace std::chrono_literals;
using testing::RawSocket;

HttpRequest get(const std::string& target = "/") { return {"GET", target, {}, "", ""}; }

class Http1Pool : public testing::HandServerTest<HttpResult> {
 protected:
  Http1Client& client() {
    if (!client_) {
      options_.endpoint = server_.endpoint();
      client_ = std::make_unique<Http1Client>(loop, options_);
    }
    return *client_;
  }
  std::size_t ask(const HttpRequest& request, std::optional<Clock::time_point> deadline = {}) {
    return begin([&](auto done) { client().request(request, deadline, std::move(done)); });
  }
  bool request_at(RawSocket& socket) {
    return run_until([&socket] { return socket.has("\r\n\r\n"); });
  }
  std::size_t waiting_to_be_accepted() {
    const auto listeners = ListenerLookup().at_port(server_.endpoint().port);
    return listeners.empty() ? 0 : listeners.front().waiting;
  }
  HttpResult answer(const std::string& response, bool then_close, const HttpRequest& request = get()) {
    const std::size_t index = ask(request);
    const auto socket = accept();
    EXPECT_TRUE(request_at(*socket));
    socket->send(response);
    if (then_close) socket->close();
    return wait(index);
  }

  Http1ClientOptions options_;
  std::unique_ptr<Http1Client> client_;
};

TEST_F(Http1Pool, WritesWhatItIsGivenAndNothingDangerous) {
  HttpRequest request{
      "POST", "/a?b", {{"x", "y"}, {"host", "evil"}, {"evil", "a\r\nb: c"}, {"content-length", "9"}}, "body", ""};
  const std::size_t index = ask(request);
  const auto socket = accept();
  ASSERT_TRUE(run_until([&socket] { return socket->has("body"); }));
  EXPECT_EQ(socket->input(), "POST /a?b HTTP/1.1\r\nhost: " + server_.endpoint().to_string() +
                                 "\r\nx: y\r\ncontent-length: 4\r\n\r\nbody");
  socket->send(
      "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\nA: b\r\n\r\nok");
  const HttpResult& result = wait(index);
  EXPECT_EQ(result.outcome, HttpOutcome::kAnswered);
  EXPECT_EQ(result.response.status, 201);
  EXPECT_EQ(result.response.headers.get("a"), "b");
  EXPECT_EQ(result.response.body, "ok");
  EXPECT_EQ(wait(ask({"GET", "/a b", {}, "", ""})).outcome, HttpOutcome::kNotSent);
  EXPECT_EQ(wait(ask({"GET", "http://x/", {}, "", ""})).outcome, HttpOutcome::kNotSent);
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

TEST_F(Http1Pool, RefusedIsNotSent) {
  options_.endpoint = testing::unused_endpoint();
  client_ = std::make_unique<Http1Client>(loop, options_);
  HttpResult& result = wait(ask(get()));
  EXPECT_EQ(result.outcome, HttpOutcome::kNotSent);
  EXPECT_TRUE(result.refused);
  options_.endpoint = Endpoint{"", 0, "/nonexistent/app.sock"};
  client_ = std::make_unique<Http1Client>(loop, options_);
  EXPECT_TRUE(wait(ask(get())).refused);
}

TEST_F(Http1Pool, LostAfterSending) {
  EXPECT_EQ(answer("", true).outcome, HttpOutcome::kLost);
  EXPECT_EQ(answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", true).outcome, HttpOutcome::kLost);
  EXPECT_EQ(answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", true).outcome, HttpOutcome::kLost);
}

TEST_F(Http1Pool, AnswersThatAreNotHttp) {
  for (const char* response : {"garbage\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n",
                               "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
                               "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                               "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx",
                               "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                               "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n",
                               "HTTP/1.1 101 Switching\r\n\r\n", "HTTP/2 200\r\n\r\n"}) {
    const HttpResult result = answer(response, false);
    EXPECT_EQ(result.outcome, HttpOutcome::kLost) << response;
    EXPECT_FALSE(result.error.empty());
  }
}

TEST_F(Http1Pool, WhatCanBecomeNoAnswerIsToldAtOnce) {
  for (const char* response :
       {"HTTP/1.1\r\n", "HTTP/1.1 OK", "HTTP/1.1 20 OK\r\n", "HTTP/1.1 2000\r\n", "HTTP/2.0 200 OK\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nhi\n0\n\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nA: b\n\n"}) {
    const HttpResult result = answer(response, false);
    EXPECT_EQ(result.outcome, HttpOutcome::kLost) << response;
    EXPECT_TRUE(result.malformed) << response;
  }
}

TEST_F(Http1Pool, HabitsOfSmallServersAreTaken) {
  for (const char* response :
       {"HTTP/1.1 200\r\nContent-Length: 2\r\nA: b\r\n\r\nhi", "HTTP/1.1 200\nContent-Length: 2\nA: b\n\nhi",
        "HTTP/1.1 200 OK\nContent-Length: 2\r\nA: b\n\r\nhi", "HTTP/1.0 200 OK\r\nA: b\nContent-Length: 2\r\n\nhi",
        "HTTP/1.1 103 Early\n\nHTTP/1.1 200 \nA: b\nContent-Length: 2\n\nhi"}) {
    const HttpResult result = answer(response, false);
    EXPECT_EQ(result.outcome, HttpOutcome::kAnswered) << response << result.error;
    EXPECT_EQ(result.response.status, 200);
    EXPECT_EQ(result.response.headers.get("a"), "b") << response;
    EXPECT_EQ(result.response.body, "hi") << response;
  }
}

// By this a request is known not to have been read: the server's end says up to which byte it had come.
TEST_F(Http1Pool, ATransportKnowsWhatTheOtherEndHasAcknowledged) {
  const auto address = to_socket_address(server_.endpoint());
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(address->data()), static_cast<socklen_t>(address->size())),
            0);
  error_code ec;
  Transport transport = Transport::from_fd(loop, fd, ec);
  EXPECT_EQ(transport.bytes_acknowledged(), 0U);
  const auto socket = accept();
  EXPECT_EQ(transport.write_some("abc", 3, ec), 3U);
  ASSERT_TRUE(run_until([&] { return transport.bytes_acknowledged() == 3U; }));
  socket->pump();
  socket->close();
  transport.write_some("defg", 4, ec);
  char byte = 0;
  ASSERT_TRUE(
      run_until([&] { return transport.read_some(&byte, 1, ec) == 0 && ec != boost::asio::error::would_block; }));
  EXPECT_EQ(transport.bytes_acknowledged(), 3U);
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

// As many at once as there is room among those that it has not accepted, and not more: one more would cost a second.
TEST(ConnectPace, GoesByWhatWaitsToBeAccepted) {
  testing::RawListener server(5);
  Loop loop;
  error_code ec;
  const auto address = to_socket_address(server.endpoint());
  std::vector<RawSocket> waiting;
  ConnectPace pace;
  waiting.push_back(RawSocket::connect_to(server.endpoint()));
  {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    ASSERT_EQ(
        ::connect(fd, reinterpret_cast<const sockaddr*>(address->data()), static_cast<socklen_t>(address->size())), 0);
    Transport transport = Transport::from_fd(loop, fd, ec);
    pace.connected(transport);
  }
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(pace.may_connect(0, Clock::now()));
    waiting.push_back(RawSocket::connect_to(server.endpoint()));
  }
  EXPECT_FALSE(pace.may_connect(0, Clock::now())) << "five wait";
  while (server.accept()) {
  }
  EXPECT_TRUE(pace.may_connect(0, Clock::now()));
  EXPECT_TRUE(pace.may_connect(4, Clock::now()));
  EXPECT_FALSE(pace.may_connect(5, Clock::now())) << "those under way count";
}

TEST_F(Http1Pool, AnswersUntilTheEndOfTheConnection) {
  const HttpResult result = answer("HTTP/1.0 200 OK\r\n\r\nall of it", true);
  EXPECT_EQ(result.outcome, HttpOutcome::kAnswered);
  EXPECT_EQ(result.response.body, "all of it");
  HttpRequest head = get();
  head.method = "HEAD";
  EXPECT_EQ(answer("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", false, head).outcome, HttpOutcome::kAnswered);
}

TEST_F(Http1Pool, SizeIsBounded) {
  options_.max_body = 100;
  options_.max_header = 200;
  EXPECT_EQ(answer("HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n", false).outcome, HttpOutcome::kLost);
  EXPECT_EQ(
      answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n" + std::string(255, 'x'), false).outcome,
      HttpOutcome::kLost);
  EXPECT_EQ(answer("HTTP/1.1 200 OK\r\nA: " + std::string(300, 'x') + "\r\n\r\n", false).outcome, HttpOutcome::kLost);
  EXPECT_EQ(answer("HTTP/1.0 200 OK\r\n\r\n" + std::string(200, 'x'), false).outcome, HttpOutcome::kLost);
}

TEST_F(Http1Pool, ResponseThenGarbageIsNotReused) {
  const HttpResult result = answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n", false);
  EXPECT_EQ(result.outcome, HttpOutcome::kAnswered);
  EXPECT_EQ(client().connections(), 0U);
}

TEST_F(Http1Pool, DeadlineAndCancel) {
  HttpResult& late = wait(ask(get(), Clock::now() + 30ms));
  EXPECT_TRUE(late.timed_out);
  EXPECT_EQ(late.outcome, HttpOutcome::kLost);
  const auto abandoned = accept();
  EXPECT_TRUE(run_until([&abandoned] { return abandoned->over(); }));

  const auto id = client().request(get(), {}, [](const HttpResult&) { FAIL(); });
  const auto socket = accept();
  ASSERT_TRUE(request_at(*socket));
  EXPECT_FALSE(client().cancel(id));
  EXPECT_TRUE(run_until([&socket] { return socket->over(); }));
}

TEST_F(Http1Pool, ALatestBeginningIsNoEnd) {
  options_.max_connections = 1;
  const auto ask_by = [this](const std::string& target, std::chrono::milliseconds time) {
    return begin([&](auto done) {
      client().request_by(get(target), {Clock::now() + time, "time-left"}, std::move(done));
    });
  };
  const std::size_t slow = ask_by("/slow", 300ms);
  const auto socket = accept();
  ASSERT_TRUE(request_at(*socket));
  EXPECT_TRUE(socket->has("\r\ntime-left: ") && socket->has("ms\r\n")) << socket->input();
  // It waits for the only connection, until it would be too late.
  const HttpResult& late = wait(ask_by("/late", 350ms));
  EXPECT_EQ(late.outcome, HttpOutcome::kNotSent);
  EXPECT_TRUE(late.timed_out);
  const std::size_t next = ask_by("/next", 1h);
  EXPECT_FALSE(results_[slow].has_value()) << "one that has begun goes on";
  EXPECT_TRUE(client().any_begun());
  socket->input().clear();
  socket->send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(wait(slow).outcome, HttpOutcome::kAnswered);
  ASSERT_TRUE(run_until([&socket] { return socket->has("GET /next HTTP/1.1\r\ntime-left: 3"); }));
  socket->send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(wait(next).outcome, HttpOutcome::kAnswered);
}

TEST_F(Http1Pool, ARequestThatWaitsForItsConnectionHasNotBegun) {
  ask(get());
  EXPECT_FALSE(client().any_begun());
  const auto socket = accept();
  ASSERT_TRUE(request_at(*socket));
  EXPECT_TRUE(client().any_begun());
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
  ASSERT_TRUE(run_until([this] { return waiting_to_be_accepted() == 1; }));
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
    ASSERT_TRUE(run_until([this] { return waiting_to_be_accepted() == 1; }));
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

TEST_F(Http1Pool, BoundsOnConnectionsAndWaiting) {
  options_.max_connections = 2;
  options_.max_waiting = 1;
  const std::size_t first = ask(get("/1"));
  ask(get("/2"));
  auto one = accept();
  auto two = accept();
  const std::size_t third = ask(get("/3"));
  settle();
  HttpResult& fourth = wait(ask(get("/4")));
  EXPECT_TRUE(fourth.overloaded);
  EXPECT_EQ(fourth.outcome, HttpOutcome::kNotSent);
  EXPECT_EQ(client().connections(), 2U);
  EXPECT_EQ(client().waiting(), 1U);
  // A connection that becomes free takes the next one that waits.
  auto* serving = &one;
  ASSERT_TRUE(run_until([&] { return one->has("/1 ") || two->has("/1 "); }));
  if (two->has("/1 ")) serving = &two;
  (*serving)->input().clear();
  (*serving)->send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  wait(first);
  ASSERT_TRUE(run_until([&] { return (*serving)->has("/3 "); }));
  // And a waiting one whose deadline passes was never sent.
  HttpResult& waited = wait(ask(get("/5"), Clock::now() + 10ms));
  EXPECT_EQ(waited.outcome, HttpOutcome::kNotSent);
  EXPECT_TRUE(waited.timed_out);
  EXPECT_FALSE(results_[third].has_value());
  client().close();
  settle();
  EXPECT_FALSE(results_[third].has_value());
}

TEST_F(Http1Pool, OurOwnServerByNameUnderLoad) {
  auto listen = testing::on_loopback();
  listen.http1.emplace().handler = [](const HttpRequest& request, HttpReply reply) {
    reply({200, {}, request.target});
  };
  const auto listener = testing::serve(loop, std::move(listen));
  options_.endpoint = Endpoint{"localhost", listener->local_address().port, ""};
  options_.resolver = std::make_shared<Resolver>(loop, ResolverOptions{});
  client_ = std::make_unique<Http1Client>(loop, options_);
  for (int i = 0; i < 2000; ++i) ask(get("/" + std::to_string(i)));
  for (std::size_t i = 0; i < 2000; ++i)
    EXPECT_EQ(wait(i).response.body, "/" + std::to_string(i)) << results_[i]->error;
  EXPECT_LE(client().connections(), 64U);
}

}  // namespace
}  // namespace ringside::net
