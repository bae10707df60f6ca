// Ordinary requests over HTTP/2, frame by frame.
#include <string>
#include <vector>

#include "tests/unit/net/http2/http2_requests_fixture.h"

namespace ringside::net {
namespace {

using namespace std::chrono_literals;
using namespace testing;

TEST_F(Http2Requests, ManyAtOnceOnOneConnection) {
  auto client = open();
  std::vector<std::uint32_t> streams;
  for (int i = 0; i < 200; ++i) streams.push_back(client.post("/p?q=%20" + std::to_string(i), std::to_string(i)));
  for (std::size_t i = 0; i < streams.size(); ++i) {
    const Answer& answer = await(client, streams[i]);
    EXPECT_EQ(answer.status(), 200);
    EXPECT_EQ(answer.body, std::to_string(i) + ".");
    EXPECT_EQ(answer.headers.get("content-length"), std::to_string(answer.body.size()));
    EXPECT_EQ(answer.headers.get("x-method"), "POST");
    EXPECT_EQ(answer.headers.count("date"), 1U);
    EXPECT_EQ(answer.headers.count("connection") + answer.headers.count("bad"), 0U);
  }
  ASSERT_EQ(seen_.size(), 200U);
  EXPECT_EQ(seen_[7].target, "/p?q=%207");
  EXPECT_EQ(seen_[7].peer, "127.0.0.1");
  EXPECT_EQ(seen_[7].headers.get("host"), "localhost");
  EXPECT_EQ(total_->used(), 0U);
}

TEST_F(Http2Requests, TheHandlerSeesWhatItSeesOverHttp1) {
  auto client = open();
  await(client, client.get("/a", {{"cookie", "a=1"}, {"x", "1"}, {"cookie", "b=2"}, {"host", "localhost"}}));
  ASSERT_EQ(seen_.size(), 1U);
  EXPECT_EQ(seen_[0].headers.get("cookie"), "a=1; b=2");
  EXPECT_EQ(seen_[0].headers.count("cookie"), 1U);
  EXPECT_EQ(seen_[0].headers.count("host"), 1U);
  for (const Header& header : seen_[0].headers) EXPECT_FALSE(header.name.starts_with(':'));
  // Without an authority it is Host that counts.
  await(client, client.head({{":method", "GET"}, {":scheme", "http"}, {":path", "/b"}, {"host", "there"}}, true));
  EXPECT_EQ(seen_.at(1).headers.get("host"), "there");
  await(client, client.head(Client::request("OPTIONS", "*"), true));
  EXPECT_EQ(seen_.at(2).target, "*");
}

TEST_F(Http2Requests, GrpcGoesOnBesideThem) {
  auto client = open();
  const auto plain = client.post("/a", "b");
  client.send(grpc_request(101, "/s/Echo") + frame(kData, kEndStream, 101, grpc_message("")));
  EXPECT_EQ(await(client, 101).body, grpc_message("grpc"));
  EXPECT_EQ(await(client, 101).headers.get("grpc-status"), "0");
  EXPECT_EQ(await(client, plain).body, "b.");
}

TEST_F(Http2Requests, AnswersWithoutBodies) {
  serving_.handler = [](const HttpRequest& request, HttpReply reply) {
    if (request.target == "/none") return reply({204, {}, "no body with 204"});
    reply({200, {{"content-length", "1234"}, {"date", "Sun, 06 Nov 1994 08:49:37 GMT"}}, ""});
  };
  auto client = open();
  const Answer& none = await(client, client.get("/none"));
  EXPECT_EQ(none.status(), 204);
  EXPECT_EQ(none.body, "");
  EXPECT_EQ(none.headers.count("content-length"), 0U);
  const Answer& head = await(client, client.head(Client::request("HEAD", "/"), true));
  EXPECT_EQ(head.headers.get("content-length"), "1234");
  EXPECT_EQ(head.headers.get("date"), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(await(client, client.get("/")).headers.get("content-length"), "0");
}

TEST_F(Http2Requests, LargeBodiesBothWays) {
  serving_.max_body = 1'000'000;
  auto client = open();
  const std::string body(1'000'000, 'b');
  const auto one = client.post("/echo", body);
  const auto other = client.get("/large");
  EXPECT_EQ(await(client, one).body, body + ".");
  EXPECT_EQ(await(client, other).body.size(), kLarge);
  EXPECT_EQ(total_->used(), 0U);
}

TEST_F(Http2Requests, WhatTwoProgramsCouldReadDifferentlyIsRefused) {
  auto client = open();
  const std::vector<Metadata> table = {
      Client::request("GET", "/a#b"),
      Client::request("GET", "/a b"),
      Client::request("GET", "/", {{"host", "other"}}),
      Client::request("GET", "/", {{"host", "localhost"}, {"host", "localhost"}}),
      {{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a@x"}},
      {{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a/b"}},
      {{":method", "G@T"}, {":scheme", "http"}, {":path", "/"}, {":authority", "x"}},
      {{":method", "CONNECT"}, {":authority", "x:80"}},
      {{":method", "GET"}, {":scheme", "x"}, {":path", "path"}, {":authority", "x"}},
      {{":method", "GET"}, {":scheme", "http"}, {":path", "/"}},
      Client::request("GET", "/", {{"transfer-encoding", "chunked"}}),
      Client::request("GET", "/", {{"connection", "close"}}),
      Client::request("POST", "/", {{"content-length", "1"}}),
      Client::request("POST", "/", {{"content-length", "1"}, {"content-length", "2"}}),
  };
  for (const Metadata& headers : table) {
    const Answer& answer = await(client, client.head(headers, true));
    EXPECT_TRUE(answer.status() == 400 || answer.reset == 1U) << answer.status() << headers.get(":path");
  }
  EXPECT_TRUE(seen_.empty());
  EXPECT_EQ(await(client, client.get("/")).status(), 200) << "and the connection goes on";
}

TEST_F(Http2Requests, Limits) {
  auto client = open();
  const Answer& large = await(client, client.get("/", {{"big", std::string(16'300, 'x')}}));
  EXPECT_EQ(large.status(), 431);
  EXPECT_EQ(large.headers.get("content-type"), "application/problem+json");
  Metadata many;
  for (int i = 0; i < 101; ++i) many.add("x", "");
  EXPECT_EQ(await(client, client.get("/", many)).status(), 431);
  const auto announced = client.begin("/", "", {{"content-length", "100001"}});
  EXPECT_EQ(await(client, announced).status(), 413);
  EXPECT_EQ(await(client, client.begin("/", "", {{"content-length", "100001"}, {"expect", "100-continue"}})).status(),
            413);
  EXPECT_TRUE(client.answer(announced + 2).interim.empty());
  const auto unannounced = client.post("/", std::string(100'001, 'x'));
  EXPECT_EQ(await(client, unannounced).status(), 413);
  EXPECT_TRUE(seen_.empty());
  EXPECT_EQ(await(client, client.post("/", std::string(100'000, 'x'))).status(), 200);
  EXPECT_LT(total_->used(), 1000U) << "headers of streams that have not ended";
}

TEST_F(Http2Requests, WhoeverSendsOnAfterARefusalIsReadForAWhileAndThenToldToStop) {
  auto client = open();
  const auto stream = client.begin("/", std::string(100'001, 'x'));
  ASSERT_TRUE(run_until([&] { return client.ended(stream); }));
  EXPECT_EQ(client.answer(stream).status(), 413);
  await_read(client);
  EXPECT_FALSE(client.answer(stream).reset);
  for (int i = 0; i < 40 && !client.answer(stream).reset; ++i) {
    client.data(stream, std::string(500'000, 'x'), false);
    await_read(client);
  }
  EXPECT_EQ(client.answer(stream).reset, 0U) << "NO_ERROR";
}

TEST_F(Http2Requests, ExpectContinue) {
  auto client = open();
  const auto stream = client.begin("/", "", {{"expect", "100-continue"}});
  ASSERT_TRUE(run_until([&] {
    client.turn();
    return !client.answer(stream).interim.empty();
  }));
  client.data(stream, "ok", true);
  EXPECT_EQ(await(client, stream).body, "ok.");
  EXPECT_EQ(client.answer(stream).interim, std::vector<int>{100});
}

TEST_F(Http2Requests, AResetCancels) {
  auto client = open();
  const auto stream = client.get("/later");
  const auto other = client.get("/later");
  ASSERT_TRUE(run_until([&] {
    client.turn();
    return later_.size() == 2;
  }));
  EXPECT_FALSE(later_[0].input_ended()) << "the end of a request says nothing";
  std::string heard;
  later_[0].on_input_end([&heard] { heard += "end "; });
  later_[0].on_cancel([&heard] { heard += "cancel "; });
  client.reset(stream);
  ASSERT_TRUE(run_until([&] {
    client.turn();
    return heard == "end cancel ";
  }));
  later_[0]({200, {}, "too late"});
  later_[1]({200, {}, "in time"});
  EXPECT_EQ(await(client, other).body, "in time");
  EXPECT_EQ(client.answer(stream).body, "");
}

TEST_F(Http2Requests, TheEndOfTheConnectionCancelsAll) {
  int cancelled = 0;
  {
    auto client = open();
    for (int i = 0; i < 5; ++i) client.get("/later");
    ASSERT_TRUE(run_until([&] {
      client.turn();
      return later_.size() == 5;
    }));
    for (HttpReply& reply : later_) reply.on_cancel([&cancelled] { ++cancelled; });
  }
  ASSERT_TRUE(run_until([&] { return cancelled == 5; }));
  int at_once = 0;
  later_[0].on_cancel([&at_once] { ++at_once; });
  EXPECT_EQ(at_once, 1);
}

TEST_F(Http2Requests, WhatIsResetBeforeItsTurnIsNeverHandled) {
  auto client = open();
  std::vector<std::uint32_t> streams;
  for (int i = 0; i < 50; ++i) {
    streams.push_back(client.get("/gone"));
    client.reset(streams.back());
  }
  EXPECT_EQ(await(client, client.get("/last")).status(), 200);
  ASSERT_EQ(seen_.size(), 1U);
  EXPECT_EQ(seen_[0].target, "/last");
}

TEST_F(Http2Requests, ADroppedReplyIsAnswered) {
  auto client = open();
  const Answer& answer = await(client, client.get("/drop"));
  EXPECT_EQ(answer.status(), 500);
  EXPECT_EQ(answer.body, "{the request was not answered}");
}

TEST_F(Http2Requests, ABodyHasItsTime) {
  serving_.body_timeout = 50ms;
  auto client = open();
  const auto stream = client.begin("/", "half");
  const Answer& answer = await(client, stream);
  EXPECT_EQ(answer.status(), 408);
  EXPECT_EQ(answer.body, "{the body took too long}");
  EXPECT_EQ(total_->used(), list_size(":method", "POST") + list_size(":scheme", "http") + list_size(":path", "/") +
                                list_size(":authority", "localhost"))
      << "its headers, until its stream has ended";
  EXPECT_EQ(await(client, client.get("/")).status(), 200);
}

TEST_F(Http2Requests, AnAnswerOfWhichNothingIsReadIsGivenUp) {
  serving_.write_timeout = 50ms;
  auto client = open(0);  // nothing may be sent to it
  const Answer& answer = await(client, client.get("/large"));
  EXPECT_EQ(answer.status(), 200);
  EXPECT_EQ(answer.body, "");
  EXPECT_EQ(answer.reset, 11U) << "ENHANCE_YOUR_CALM";
  EXPECT_EQ(total_->used(), 0U);
}

TEST_F(Http2Requests, AnAnswerThatIsReadSlowlyIsNot) {
  serving_.write_timeout = 100ms;
  auto client = open(0);
  const auto stream = client.get("/large");
  std::size_t read = 0;
  const auto begin = Clock::now();
  // A little in each half of that time.
  while (Clock::now() < begin + 500ms) {
    client.send(frame(kWindowUpdate, 0, stream, number(1000)));
    ASSERT_TRUE(run_until([&] {
      client.turn();
      return client.answer(stream).body.size() > read || client.answer(stream).reset;
    }));
    ASSERT_FALSE(client.answer(stream).reset);
    read = client.answer(stream).body.size();
    const auto pause = Clock::now() + 20ms;
    ASSERT_TRUE(run_until([pause] { return Clock::now() >= pause; }));
  }
}

TEST_F(Http2Requests, ADrainLetsThemEnd) {
  auto client = open();
  const auto stream = client.get("/later");
  ASSERT_TRUE(run_until([&] {
    client.turn();
    return later_.size() == 1;
  }));
  std::optional<std::size_t> cut;
  listener_->drain(10s, [&cut](std::size_t count) { cut = count; });
  ASSERT_TRUE(run_until([&] { return client.gone(); }));
  later_[0]({200, {}, "done"});
  EXPECT_EQ(await(client, stream).body, "done");
  EXPECT_EQ(ListenerTest::await(cut), 0U);
  ASSERT_TRUE(run_until([&] { return client.over(); }));
}

}  // namespace
}  // namespace ringside::net
