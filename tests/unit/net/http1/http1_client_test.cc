// Requests over the pool of connections, against servers that behave and servers that do not.

#include "sidecar/net/http1/http1_client.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/error.hpp>
#include <sys/socket.h>

#include "sidecar/net/http1/connect_pace.h"
#include "sidecar/net/resolver.h"
#include "tests/unit/net/http1/http1_client_fixture.h"

namespace ringside::net {
namespace {

using namespace std::chrono_literals;
using namespace testing;

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

TEST_F(Http1Pool, RefusedIsNotSent) {
  options_.endpoint = testing::unused_endpoint();
  client_ = std::make_unique<Http1Client>(loop, options_);
  HttpResult& result = wait(ask(get()));
  EXPECT_EQ(result.outcome, HttpOutcome::kNotSent);
  EXPECT_TRUE(result.no_listener);
  options_.endpoint = Endpoint{"", 0, "/nonexistent/app.sock"};
  client_ = std::make_unique<Http1Client>(loop, options_);
  EXPECT_TRUE(wait(ask(get())).no_listener);
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
    EXPECT_FALSE(result.error.empty()) << response;
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

TEST_F(Http1Pool, AnswersThatComeInShareARoom) {
  constexpr std::size_t kSize = 1'000'000;
  options_.room = std::make_shared<AnswerRoom>(2 * kSize);
  std::vector<std::size_t> asked;
  std::vector<std::unique_ptr<RawSocket>> sockets;
  std::vector<std::string> left;
  for (int i = 0; i < 8; ++i) {
    asked.push_back(ask(get("/" + std::to_string(i))));
    sockets.push_back(accept());
    ASSERT_TRUE(request_at(*sockets.back()));
    left.push_back("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kSize) + "\r\n\r\n" +
                   std::string(kSize, 'x'));
  }
  // All of them at once, as far as they are read; the last byte of each is kept back until nothing moves any more.
  std::size_t most = 0;
  const auto send_all_but = [&](std::size_t kept) {
    for (std::size_t i = 0; i < sockets.size(); ++i) {
      if (left[i].size() > kept)
        left[i].erase(0, sockets[i]->send(std::string_view(left[i]).substr(0, left[i].size() - kept)));
    }
    settle();
    most = std::max(most, options_.room->used());
  };
  for (int i = 0; i < 200; ++i) send_all_but(1);
  // A small one passes by.
  const std::size_t small = ask(get("/small"));
  const auto socket = accept();
  ASSERT_TRUE(request_at(*socket));
  socket->send("HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n" + std::string(10'000, 'y'));
  EXPECT_EQ(wait(small).response.body.size(), 10'000U);
  EXPECT_LE(most, 3 * kSize) << "the room, and what the first one goes on with";
  ASSERT_TRUE(run_until([&] {
    send_all_but(0);
    return std::all_of(asked.begin(), asked.end(), [this](std::size_t one) { return results_[one].has_value(); });
  }));
  for (const std::size_t one : asked) EXPECT_EQ(results_[one]->response.body.size(), kSize);
  EXPECT_EQ(options_.room->used(), 0U);
  EXPECT_LE(most, 3 * kSize);
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

TEST_F(Http1Pool, DeadlineAndCancel) {
  HttpResult& late = wait(ask(get(), Clock::now() + 30ms));
  EXPECT_TRUE(late.timed_out);
  EXPECT_EQ(late.outcome, HttpOutcome::kLost);
  EXPECT_EQ(late.error, "the deadline passed");
  const auto abandoned = accept();
  EXPECT_TRUE(run_until([&abandoned] { return abandoned->over(); }));

  const auto id = client().request(get(), {}, [](const HttpResult&) { FAIL(); });
  const auto socket = accept();
  ASSERT_TRUE(request_at(*socket));
  EXPECT_FALSE(client().cancel(id));
  EXPECT_TRUE(run_until([&socket] { return socket->over(); }));
}

TEST_F(Http1Pool, AnAnswerThatHasBegunIsToldAsSuch) {
  const auto id = client().request(get(), {}, [](const HttpResult&) { FAIL(); });
  const auto socket = accept();
  ASSERT_TRUE(request_at(*socket));
  EXPECT_EQ(client().answer_so_far(id), "");
  socket->send("HTTP/1.1 200 OK\r\n");
  ASSERT_TRUE(run_until([&] { return !client().answer_so_far(id).empty(); }));
  EXPECT_EQ(client().answer_so_far(id), "its answer had begun (a part of its headers)");
  const std::string whole = "its answer had begun (status 200, 4 bytes of its body)";
  socket->send("Transfer-Encoding: chunked\r\n\r\n4\r\ntick\r\n");
  EXPECT_TRUE(run_until([&] { return client().answer_so_far(id) == whole; })) << client().answer_so_far(id);
  client().cancel(id);
  EXPECT_EQ(client().answer_so_far(id), "");
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
