// HTTP/1.1 as served by a listener, spoken byte by byte.

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "tests/unit/net/net_fixture.h"

namespace ringside::net {
namespace {

using namespace std::chrono_literals;
using testing::RawSocket;

class Http1Server : public testing::ListenerTest {
 protected:
  void SetUp() override {
    http1_.max_body = 1000;
    http1_.max_header = 1000;
    http1_.handler = [this](HttpRequest request, HttpReply reply) {
      seen_.push_back(request);
      if (request.target == "/length") {
        reply({799, {{"content-length", "1234"}, {"date", "Sun, 06 Nov 1994 08:49:37 GMT"}}, ""});
      } else if (request.target == "/later") {
        reply.on_input_end([this] { ++input_ends_; });
        later_.push_back(std::move(reply));
      } else if (request.target != "/drop") {
        reply({200, {{"x-method", request.method}, {"connection", "x"}, {"bad", "a\r\nb"}}, request.body + "."});
      }
    };
    http1_.shape_error = [](int status, std::string_view detail) {
      return HttpResponse{status, {{"content-type", "application/problem+json"}}, "{" + std::string(detail) + "}"};
    };
  }

  RawSocket open() {
    if (!listener_) {
      auto options = testing::on_loopback();
      options.http1 = http1_;
      listener_ = testing::serve(loop, std::move(options));
    }
    return connect();
  }

  // How many requests were handled before the one for /other.
  std::size_t before_other() const {
    const auto found =
        std::find_if(seen_.begin(), seen_.end(), [](const HttpRequest& one) { return one.target == "/other"; });
    return static_cast<std::size_t>(found - seen_.begin());
  }

  // Everything until the server closes.
  std::string exchange(std::string_view bytes) {
    auto socket = open();
    socket.send(bytes);
    socket.half_close();
    EXPECT_TRUE(run_until([&socket] { return socket.over(); }));
    return socket.input();
  }

  static int count(const std::string& text, std::string_view what) {
    int n = 0;
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
    return n;
  }

  Http1Options http1_;
  std::vector<HttpRequest> seen_;
  std::deque<HttpReply> later_;
  int input_ends_ = 0;  // of clients whose requests for /later wait
};

TEST_F(Http1Server, AnswersAndStaysOpen) {
  auto socket = open();
  for (int i = 0; i < 3; ++i) {
    socket.input().clear();
    socket.send("POST /p?q=%20 HTTP/1.1\r\nHost: localhost\r\nX-A:  b \r\nContent-Length: 3\r\n\r\nabc");
    ASSERT_TRUE(run_until([&socket] { return socket.has("abc."); }));
    EXPECT_TRUE(socket.has("HTTP/1.1 200 OK\r\n"));
    EXPECT_TRUE(socket.has("content-length: 4\r\n"));
    EXPECT_TRUE(socket.has("connection: keep-alive\r\n"));
    EXPECT_FALSE(socket.has("bad"));
  }
  ASSERT_EQ(seen_.size(), 3U);
  EXPECT_EQ(seen_[0].target, "/p?q=%20");
  EXPECT_EQ(seen_[0].headers.get("x-a"), "b");
  EXPECT_EQ(seen_[0].peer, "127.0.0.1");
}

TEST_F(Http1Server, PipelinedInOrder) {
  std::string all;
  for (int i = 0; i < 20; ++i)
    all += "POST /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n.";
  const std::string answers = exchange(all);
  EXPECT_EQ(count(answers, "200 OK"), 20);
  ASSERT_EQ(seen_.size(), 20U);
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(seen_[i].target, "/" + std::to_string(i));
}

TEST_F(Http1Server, PipelinedBehindOneThatWaits) {
  auto socket = open();
  socket.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\nGET /next HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(run_until([this] { return later_.size() == 1; }));
  settle();
  EXPECT_EQ(seen_.size(), 1U);
  later_.front()({204, {}, "no body with 204"});
  ASSERT_TRUE(run_until([&socket] { return socket.has("204 No Content") && socket.has("200 OK"); }));
  EXPECT_FALSE(socket.has("no body"));
}

TEST_F(Http1Server, AnyCutOfTheBytes) {
  const std::string request =
      "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;e=1\r\nabc\r\n2\r\nde\r\n0\r\nT: r\r\n\r\n";
  auto socket = open();
  for (std::size_t cut = 1; cut < request.size(); cut += 3) {
    socket.input().clear();
    socket.send(request.substr(0, cut));
    settle();
    socket.send(request.substr(cut));
    ASSERT_TRUE(run_until([&socket] { return socket.has("abcde."); })) << cut;
  }
}

TEST_F(Http1Server, ExpectContinueAndUpgrade) {
  auto socket = open();
  socket.send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  ASSERT_TRUE(run_until([&socket] { return socket.has("HTTP/1.1 100 Continue\r\n\r\n"); }));
  socket.send("ok");
  ASSERT_TRUE(run_until([&socket] { return socket.has("ok."); }));
  socket.input().clear();
  socket.send(
      "POST / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n"
      "Content-Length: 2\r\n\r\nup");
  ASSERT_TRUE(run_until([&socket] { return socket.has("up."); }));
  EXPECT_TRUE(socket.has("200 OK"));
}

TEST_F(Http1Server, HeadAndHttp10) {
  const std::string head = exchange("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_NE(head.find("content-length: 1\r\n"), std::string::npos);
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
  const std::string length = exchange("HEAD /length HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(length.starts_with("HTTP/1.1 799 \r\n"));
  EXPECT_NE(length.find("content-length: 1234\r\n"), std::string::npos);
  EXPECT_NE(length.find("date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"), std::string::npos);
  EXPECT_EQ(count(length, "date: "), 1);
  EXPECT_NE(exchange("GET /length HTTP/1.1\r\nHost: x\r\n\r\n").find("content-length: 0\r\n"), std::string::npos);
  auto old = open();
  old.send("GET / HTTP/1.0\r\n\r\n");
  ASSERT_TRUE(run_until([&old] { return old.over(); }));
  EXPECT_TRUE(old.has("connection: close"));
  auto kept = open();
  kept.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  ASSERT_TRUE(run_until([&kept] { return kept.has("connection: keep-alive"); }));
}

TEST_F(Http1Server, AnAbsoluteTargetNamesTheHost) {
  for (const char* target : {"http://proxy.example:80/p?q", "HTTP://proxy.example:80/p?q"}) {
    exchange("GET " + std::string(target) + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_EQ(seen_.back().target, "/p?q");
    EXPECT_EQ(seen_.back().headers.get("host"), "proxy.example:80");
    EXPECT_EQ(seen_.back().headers.count("host"), 1U);
  }
  exchange("GET http://x HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(seen_.back().target, "/");
  exchange("GET http://x?a=/ HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(seen_.back().target, "/?a=/");
}

TEST_F(Http1Server, RefusesWhatSmugglersNeed) {
  const std::string host = "Host: x\r\n";
  const std::vector<std::string> table = {
      "POST / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
      "POST / HTTP/1.1\r\n" + host + "Content-Length: 1, 1\r\n\r\na",
      "POST / HTTP/1.1\r\n" + host + "Content-Length: +1\r\n\r\na",
      "POST / HTTP/1.1\r\n" + host + "Content-Length: 0x1\r\n\r\na",
      "POST / HTTP/1.1\r\n" + host + "Content-Length: 99999999999999999999\r\n\r\na",
      "POST / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip\r\n\r\n",
      "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: identity\r\n\r\n",
      "POST / HTTP/1.0\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
      "GET / HTTP/1.1\r\n" + host + "X: a\r\n b\r\n\r\n",
      "GET / HTTP/1.1\r\n X: a\r\n" + host + "\r\n",
      "GET https://x/ HTTP/1.1\r\n" + host + "\r\n",
      "GET http:/x HTTP/1.1\r\n" + host + "\r\n",
      "GET http:///x HTTP/1.1\r\n" + host + "\r\n",
      "GET http://a@x/ HTTP/1.1\r\n" + host + "\r\n",
      "GET http://x/ HTTP/1.1\r\n\r\n",
      "GET http://x/#a HTTP/1.1\r\n" + host + "\r\n",
      "CONNECT x:80 HTTP/1.1\r\n" + host + "\r\n",
      "GET / HTTP/1.1\r\n" + host + "X: a\x01\r\n\r\n",
      "GET / HTTP/1.1\r\n" + host + std::string("X: a\0b\r\n\r\n", 10),
      "GET / HTTP/1.1\r\n" + host + "X: a\nY: b\r\n\r\n",
      "GET / HTTP/1.1\r\n" + host + "X: a\rY: b\r\n\r\n",
      "GET /\x7f HTTP/1.1\r\n" + host + "\r\n",
      "GET  / HTTP/1.1\r\n" + host + "\r\n",
      "GET / x HTTP/1.1\r\n" + host + "\r\n",
      "GET / HTTP/2.0\r\n" + host + "\r\n",
      "GET / HTTP/1.2\r\n" + host + "\r\n",
      "GET /\r\n\r\n",
      "G@T / HTTP/1.1\r\n" + host + "\r\n",
      "GET / HTTP/1.1\r\n" + host + "X a: b\r\n\r\n",
      "GET / HTTP/1.1\r\n" + host + ": b\r\n\r\n",
      "GET / HTTP/1.1\r\n" + host + "nocolon\r\n\r\n",
      "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\nx\r\n",
      "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n-1\r\n",
      "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
      "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
      "\x16\x03\x01\x02 tls hello\r\n\r\n",
  };
  for (const std::string& request : table) {
    const std::string answer = exchange(request + "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ") || answer.starts_with("HTTP/1.1 413 "))
        << request << "\n=> " << answer;
    EXPECT_EQ(count(answer, "HTTP/1.1 "), answer.find("not HTTP/1.1") == std::string::npos ? 1 : 2) << request;
    EXPECT_NE(answer.find("connection: close"), std::string::npos);
    EXPECT_NE(answer.find("application/problem+json"), std::string::npos);
  }
  EXPECT_TRUE(seen_.empty());
}

TEST_F(Http1Server, WhatIsNotHttpIsToldSoBeforeALineEnds) {
  auto socket = open();
  socket.send(std::string("\x16\x03\x01\x02\x00", 5));  // a TLS hello
  ASSERT_TRUE(run_until([&socket] { return socket.over(); }));
  EXPECT_TRUE(socket.input().starts_with("HTTP/1.1 400 ")) << socket.input();
}

TEST_F(Http1Server, Limits) {
  const std::string large_header = "GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(2000, 'x') + "\r\n\r\n";
  EXPECT_TRUE(exchange(large_header).starts_with("HTTP/1.1 431 "));
  EXPECT_TRUE(exchange("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n").starts_with("HTTP/1.1 413 "));
  EXPECT_TRUE(exchange("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n\r\n")
                  .starts_with("HTTP/1.1 413 "));
  const std::string chunked = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_TRUE(exchange(chunked + "500\r\n" + std::string(0x500, 'x') + "\r\n0\r\n\r\n").starts_with("HTTP/1.1 413 "));
  EXPECT_TRUE(exchange(chunked + "1;" + std::string(20'000, 'e')).starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(seen_.empty());
}

TEST_F(Http1Server, LargeRefusedBodyStillSeesTheAnswer) {
  auto socket = open();
  std::string out = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n" + std::string(500'000, 'x');
  ASSERT_TRUE(run_until([&] {
    out.erase(0, socket.send(out));
    return socket.over();
  }));
  EXPECT_TRUE(socket.input().starts_with("HTTP/1.1 413 "));
}

TEST_F(Http1Server, BodiesInTotalAreBounded) {
  http1_.total = std::make_shared<Budget>(1500);
  auto first = open();
  auto second = open();
  first.send("POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'x'));
  ASSERT_TRUE(run_until([this] { return later_.size() == 1; }));
  second.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'x'));
  ASSERT_TRUE(run_until([&second] { return second.has("HTTP/1.1 503 "); }));
  later_.front()({200, {}, ""});
  ASSERT_TRUE(run_until([&first] { return first.has("200 OK"); }));
  EXPECT_EQ(http1_.total->used(), 0U);
}

TEST_F(Http1Server, WhoeverIsSlowestGivesWayWhereBytesAreShort) {
  http1_.total = std::make_shared<Budget>(4000);
  std::vector<RawSocket> slow;
  for (int i = 0; i < 3; ++i) {
    slow.push_back(open());
    slow.back().send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + std::string(900, 'x'));
    const std::size_t before = http1_.total->used();
    ASSERT_TRUE(run_until([&] { return http1_.total->used() >= before + 900; }));
  }
  auto whole = open();
  whole.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'y'));
  ASSERT_TRUE(run_until([&whole] { return whole.has("HTTP/1.1 200 "); }));
  ASSERT_TRUE(run_until([&slow] { return slow[0].has("HTTP/1.1 503 "); }));
  EXPECT_TRUE(slow[0].has("is not whole although it began first: send it again")) << slow[0].input();
  EXPECT_LE(http1_.total->used(), 4000U);
  slow[2].send(std::string(100, 'x'));
  ASSERT_TRUE(run_until([&slow] { return slow[2].has("HTTP/1.1 200 "); }));
}

TEST_F(Http1Server, AnAnswerThatIsNotReadCountsAndGivesWay) {
  constexpr std::size_t kLarge = std::size_t{8} << 20;  // more than any socket takes
  http1_.total = std::make_shared<Budget>(2 * kLarge + kLarge / 2);
  http1_.handler = [](const HttpRequest&, HttpReply reply) { reply({200, {}, std::string(kLarge, 'x')}); };
  std::vector<RawSocket> unread;
  for (int i = 0; i < 4; ++i) {
    unread.push_back(open());
    unread.back().send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(run_until([&] { return http1_.total->used() >= std::min(i + 1, 2) * kLarge; }));
    settle();
    EXPECT_LE(http1_.total->used(), http1_.total->limit());
  }
  // Those that have waited longest were closed; the others may still read.
  ASSERT_TRUE(run_until([&unread] { return unread[0].over() && unread[1].over(); }));
  ASSERT_TRUE(run_until([&unread] { return unread[3].has("\r\n\r\n") && unread[3].input().size() > kLarge; }));
  ASSERT_TRUE(run_until([&unread] { return unread[2].has("\r\n\r\n") && unread[2].input().size() > kLarge; }));
  ASSERT_TRUE(run_until([this] { return http1_.total->used() == 0; }));
}

TEST_F(Http1Server, WhatIsRefusedIsNotKept) {
  http1_.max_body = std::size_t{1} << 20;
  http1_.total = std::make_shared<Budget>(std::size_t{4} << 20);
  http1_.body_timeout = 50ms;
  auto slow = open();
  slow.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + std::string(50'000, 'x'));
  ASSERT_TRUE(run_until([this] { return http1_.total->used() >= 50'000; }));
  ASSERT_TRUE(run_until([&slow] { return slow.has("HTTP/1.1 408 "); }));
  EXPECT_EQ(http1_.total->used(), 0U);
}

TEST_F(Http1Server, WhatIsPipelinedCounts) {
  http1_.total = std::make_shared<Budget>(200'000);
  std::vector<RawSocket> sockets;
  for (std::size_t i = 0; i < 8; ++i) {
    sockets.push_back(open());
    sockets.back().send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(run_until([&] { return later_.size() == i + 1; }));
    std::string more;
    for (int one = 0; one < 2000; ++one) more += "GET /later HTTP/1.1\r\nHost: x\r\n\r\n";
    sockets.back().send(more);
    settle();
    EXPECT_LE(http1_.total->used(), 200'000U);
  }
  EXPECT_GT(http1_.total->used(), 60'000U);
}

TEST_F(Http1Server, APipelineHoldsLittleHoweverLongItIs) {
  http1_.total = std::make_shared<Budget>(std::size_t{64} << 20);
  auto socket = open();
  std::string more;
  std::size_t most = 0;
  ASSERT_TRUE(run_until([&] {
    while (more.size() < 1'000'000) more += "GET /pipelined HTTP/1.1\r\nHost: x\r\n\r\n";
    more.erase(0, socket.send(more));
    socket.pump();
    socket.input().clear();
    most = std::max(most, http1_.total->used());
    return seen_.size() > 5'000;
  }));
  EXPECT_LT(most, 400'000U);
}

TEST_F(Http1Server, EmptyLinesBeforeARequestAreFew) {
  const std::string request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  EXPECT_TRUE(exchange("\r\n\r\n" + request).starts_with("HTTP/1.1 200 "));
  std::string noise;
  for (int i = 0; i < 10'000; ++i) noise += "\r\n";
  const std::string answer = exchange(noise + request);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ")) << answer;
  EXPECT_NE(answer.find("more than 8 empty lines stand before the request line"), std::string::npos) << answer;
}

TEST_F(Http1Server, PipelinesTakeTurnsWithOthers) {
  auto other = open();
  other.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(run_until([&other] { return other.has("200 OK"); }));
  std::string many;
  for (int i = 0; i < 500; ++i) many += "GET /pipelined HTTP/1.1\r\nHost: x\r\n\r\n";
  std::vector<RawSocket> pipelines;
  for (int i = 0; i < 100; ++i) {
    pipelines.push_back(open());
    pipelines.back().send(many);
  }
  ASSERT_TRUE(run_until([this] { return seen_.size() > 1000; }));
  seen_.clear();
  other.send("GET /other HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(run_until([this] { return before_other() < seen_.size(); }));
  EXPECT_LT(before_other(), 100U) << "less than one of each came between";
}

TEST_F(Http1Server, LargeRequestsTakeTurnsWithOthers) {
  http1_.max_body = std::size_t{1} << 20;
  auto other = open();
  other.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(run_until([&other] { return other.has("200 OK"); }));
  seen_.clear();
  std::vector<RawSocket> large;
  const std::string body(300'000, 'x');
  for (int i = 0; i < 20; ++i) {
    large.push_back(open());
    large.back().send("POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n");
    std::string out = body;
    // All but the last byte is read, so that all of them are whole at once.
    while (out.size() > 1) {
      out.erase(0, large.back().send(std::string_view(out).substr(0, out.size() - 1)));
      settle();
    }
  }
  for (RawSocket& one : large) one.send("x");
  other.send("GET /other HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(run_until([this] { return before_other() < seen_.size(); }));
  EXPECT_LT(before_other(), 5U) << "one of the large ones in each iteration";
  ASSERT_TRUE(run_until([this] { return seen_.size() == 21; }));
}

TEST_F(Http1Server, SlowSenders) {
  http1_.header_timeout = 50ms;
  http1_.body_timeout = 50ms;
  http1_.idle_timeout = 50ms;
  auto header = open();
  header.send("GET / HTTP/1.1\r\nHo");
  auto body = open();
  body.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab");
  auto idle = open();
  idle.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(run_until([&] { return header.over() && body.over() && idle.over(); }));
  EXPECT_TRUE(header.has("HTTP/1.1 408 "));
  EXPECT_TRUE(body.has("HTTP/1.1 408 "));
  EXPECT_EQ(count(idle.input(), "HTTP/1.1"), 1);
}

TEST_F(Http1Server, ATrickleGainsNothing) {
  http1_.header_timeout = 100ms;
  auto socket = open();
  socket.send("GET / HTTP/1.1\r\nHost: x\r\n");
  ASSERT_TRUE(run_until([&socket] {
    socket.send("a: b\r\n");
    return socket.has("HTTP/1.1 4");
  }));
  EXPECT_TRUE(seen_.empty());
}

TEST_F(Http1Server, ClientGoesAwayBeforeTheAnswer) {
  auto socket = open();
  socket.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(run_until([this] { return later_.size() == 1; }));
  bool gone = false;
  later_.front().on_cancel([&gone] { gone = true; });
  socket.reset();
  ASSERT_TRUE(run_until([&gone] { return gone; }));
  EXPECT_TRUE(later_.front().input_ended());
  later_.front()({200, {}, "late"});
  later_.clear();
  ASSERT_TRUE(run_until([this] { return listener_->connections() == 0; }));
}

TEST_F(Http1Server, WhoAsksLateWhetherTheClientHasGoneIsToldAtOnce) {
  auto socket = open();
  socket.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(run_until([this] { return later_.size() == 1; }));
  socket.reset();
  ASSERT_TRUE(run_until([this] { return listener_->connections() == 0; }));
  bool gone = false;
  later_.front().on_cancel([&gone] { gone = true; });
  EXPECT_TRUE(gone);
}

// As `nc -N` does: it has said everything, and waits for the answers.
TEST_F(Http1Server, ClientEndsItsHalfBeforeTheAnswer) {
  auto socket = open();
  for (int i = 0; i < 3; ++i) socket.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  socket.half_close();
  bool cancelled = false;
  for (std::size_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(run_until([this, i] { return later_.size() == i + 1; }));
    later_.back().on_cancel([&cancelled] { cancelled = true; });
    ASSERT_TRUE(run_until([this] { return later_.back().input_ended(); }));
    later_.back()({200, {}, "done"});
  }
  ASSERT_TRUE(run_until([&socket] { return socket.over(); }));
  EXPECT_EQ(count(socket.input(), "200 OK"), 3);
  EXPECT_FALSE(cancelled);
  EXPECT_GE(input_ends_, 1);
  ASSERT_TRUE(run_until([this] { return listener_->connections() == 0; }));
}

TEST_F(Http1Server, DroppedReplyIs500) {
  EXPECT_TRUE(exchange("GET /drop HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 500 "));
}

TEST_F(Http1Server, DrainAnswersWhatRunsAndClosesWhatIdles) {
  auto idle = open();
  idle.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  auto busy = open();
  busy.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(run_until([&] { return later_.size() == 1 && idle.has("200 OK"); }));
  std::optional<std::size_t> cut;
  listener_->drain(20s, [&cut](std::size_t n) { cut = n; });
  ASSERT_TRUE(run_until([&idle] { return idle.over(); }));
  EXPECT_FALSE(cut);
  later_.front()({200, {}, "done"});
  ASSERT_TRUE(run_until([&] { return cut && busy.over(); }));
  EXPECT_EQ(*cut, 0U);
  EXPECT_TRUE(busy.has("done"));
  EXPECT_TRUE(busy.has("connection: close"));
}

TEST_F(Http1Server, ReplyAfterTheListenerIsGone) {
  auto socket = open();
  socket.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(run_until([this] { return later_.size() == 1; }));
  listener_.reset();
  later_.front()({200, {}, "late"});
  ASSERT_TRUE(run_until([&socket] { return socket.over(); }));
}

}  // namespace
}  // namespace ringside::net
