// Requests over one HTTP/2 connection, before a server whose frames are written by hand.

#include "sidecar/net/http2/http2_client.h"

#include <map>
#include <memory>
#include <string>

#include "tests/unit/net/net_fixture.h"

namespace ringside::net {
namespace {

using namespace std::chrono_literals;
using namespace testing;

struct Asked {
  Metadata headers;
  std::string body;
  bool whole = false;
  std::optional<std::uint32_t> reset;
};

// One connection that a client has made.
class Server {
 public:
  explicit Server(std::unique_ptr<RawSocket> socket, std::uint32_t streams = 100) : socket_(std::move(socket)) {
    allow(streams);
  }
  void allow(std::uint32_t streams) { send(frame(kSettings, 0, 0, std::string("\0\3", 2) + number(streams))); }
  void send(std::string_view bytes) { socket_->send(bytes); }
  void answer(std::uint32_t stream, const std::string& body, const std::string& status = "200",
              const Metadata& more = {}) {
    Metadata headers{{":status", status}};
    headers.append(more);
    send(frame(kHeaders, body.empty() ? kEndHeaders | kEndStream : kEndHeaders, stream, hpack(headers)));
    if (!body.empty()) send(frame(kData, kEndStream, stream, body));
  }
  void reset(std::uint32_t stream, std::uint32_t error) { send(frame(kRstStream, 0, stream, number(error))); }
  void go_away(std::uint32_t last) { send(frame(kGoaway, 0, 0, number(last) + number(0))); }
  void turn() {
    socket_->pump();
    if (!greeted_ && socket_->input().size() >= kPreface.size()) {
      EXPECT_TRUE(socket_->input().starts_with(kPreface));
      socket_->input().erase(0, kPreface.size());
      greeted_ = true;
    }
    if (!greeted_) return;
    for (const Frame& one : take_frames(socket_->input())) {
      Asked& asked = asked_[one.stream];
      if (one.type == kHeaders) asked.headers = reader_.read(one.payload);
      if (one.type == kData) asked.body += one.payload;
      if ((one.type == kHeaders || one.type == kData) && (one.flags & kEndStream) != 0) asked.whole = true;
      if (one.type == kRstStream) asked.reset = static_cast<std::uint8_t>(one.payload[3]);
      if (one.type == kWindowUpdate) window_ += one.stream == 0 ? 0 : 1;
    }
  }
  std::size_t requests() {
    turn();
    std::size_t whole = 0;
    for (const auto& [stream, asked] : asked_) whole += asked.whole ? 1 : 0;
    return whole;
  }
  Asked& asked(std::uint32_t stream) { return asked_[stream]; }
  int windows() const { return window_; }
  void close() { socket_->close(); }
  bool over() { return socket_->over(); }
  RawSocket& socket() { return *socket_; }

 private:
  std::unique_ptr<RawSocket> socket_;
  HeaderReader reader_;
  std::map<std::uint32_t, Asked> asked_;
  bool greeted_ = false;
  int window_ = 0;
};

class Http2ClientTest : public HandServerTest<HttpResult> {
 protected:
  HttpClient& client() {
    if (!client_) {
      Http2LinkOptions link;
      link.endpoint = server_.endpoint();
      link.reserved_streams = reserved_;
      link.connect_timeout = connect_timeout_;
      link.on_connected = [this](Transport&) { ++connected_; };
      link.on_lost = [this] { ++lost_; };
      link_ = std::make_unique<Http2Link>(loop, std::move(link));
      options_.max_body = 100'000;
      client_ = std::make_unique<Http2Client>(loop, *link_, options_);
      Http2ClientOptions urgent;
      urgent.urgent = true;
      urgent_ = std::make_unique<Http2Client>(loop, *link_, urgent);
    }
    return *client_;
  }
  HttpClient& urgent() { return client(), *urgent_; }
  static HttpRequest make(const std::string& target, const std::string& body = {}) {
    return {"POST", target, {{"x", "1"}, {"connection", "close"}, {"bad", "a\nb"}}, body, {}};
  }
  std::size_t ask(const std::string& target, const std::string& body = {}) {
    return begin(
        [&](auto done) { ids_.push_back(client().request(make(target, body), std::nullopt, std::move(done))); });
  }
  std::unique_ptr<Server> serve(std::uint32_t streams = 100) { return std::make_unique<Server>(accept(), streams); }
  [[nodiscard]] bool asked(Server& server, std::size_t requests) {
    return run_until([&] { return server.requests() == requests; });
  }

  Http2ClientOptions options_;
  std::size_t reserved_ = 0;
  std::chrono::milliseconds connect_timeout_{5'000};
  std::vector<HttpClient::RequestId> ids_;
  int connected_ = 0;
  int lost_ = 0;
  std::unique_ptr<Http2Link> link_;
  std::unique_ptr<Http2Client> client_, urgent_;
};

TEST_F(Http2ClientTest, ManyAtOnceOnOneConnection) {
  for (int i = 0; i < 50; ++i) ask("/" + std::to_string(i), std::string(i, 'b'));
  const auto server = serve();
  ASSERT_TRUE(asked(*server, 50));
  EXPECT_EQ(server->asked(3).headers.get(":path"), "/1");
  EXPECT_EQ(server->asked(3).headers.get(":authority"), server_.endpoint().to_string());
  EXPECT_EQ(server->asked(3).headers.get("content-length"), "1");
  EXPECT_EQ(server->asked(3).headers.get("x"), "1");
  EXPECT_EQ(server->asked(3).headers.count("bad") + server->asked(3).headers.count("connection"), 0U);
  for (std::uint32_t i = 50; i-- > 0;) server->answer(2 * i + 1, std::to_string(i), "201", {{"y", "z"}});
  for (std::size_t i = 0; i < 50; ++i) {
    const HttpResult& result = wait(i);
    EXPECT_EQ(result.outcome, HttpOutcome::kAnswered) << result.error;
    EXPECT_EQ(result.response.status, 201);
    EXPECT_EQ(result.response.body, std::to_string(i));
    EXPECT_EQ(result.response.headers.get("y"), "z");
  }
  EXPECT_EQ(connected_, 1);
  EXPECT_FALSE(client().any_begun());
}

TEST_F(Http2ClientTest, WhatTheServerDoesNotAllowWaits) {
  for (int i = 0; i < 5; ++i) ask("/" + std::to_string(i));
  const auto server = serve(2);
  ASSERT_TRUE(asked(*server, 2));
  EXPECT_EQ(client().waiting(), 3U);
  server->answer(1, "");
  ASSERT_TRUE(asked(*server, 3));
  EXPECT_EQ(server->asked(5).headers.get(":path"), "/2");
  server->allow(10);
  ASSERT_TRUE(asked(*server, 5));
  EXPECT_EQ(client().waiting(), 0U);
}

TEST_F(Http2ClientTest, SomeStreamsAreLeftToUrgentRequests) {
  reserved_ = 1;
  for (int i = 0; i < 6; ++i) ask("/" + std::to_string(i));
  const auto server = serve(4);
  ASSERT_TRUE(asked(*server, 3));
  begin([&](auto done) { urgent().request({"GET", "/healthz", {}, {}, {}}, std::nullopt, std::move(done)); });
  ASSERT_TRUE(asked(*server, 4));
  EXPECT_EQ(server->asked(7).headers.get(":path"), "/healthz");
  EXPECT_EQ(server->asked(7).headers.count("content-length"), 0U);
}

TEST_F(Http2ClientTest, MoreThanMayWaitAreRefused) {
  options_.max_waiting = 2;
  for (int i = 0; i < 3; ++i) ask("/");
  EXPECT_TRUE(wait(2).overloaded);
  EXPECT_EQ(wait(2).outcome, HttpOutcome::kNotSent);
  EXPECT_EQ(wait(begin([&](auto done) {
              client().request({"G ET", "/", {}, {}, {}}, std::nullopt, std::move(done));
            })).error,
            "the request cannot be written as HTTP");
}

TEST_F(Http2ClientTest, WhatAGoawayLeavesOutIsAskedOnTheNextConnection) {
  for (int i = 0; i < 3; ++i) ask("/" + std::to_string(i));
  const auto first = serve();
  ASSERT_TRUE(asked(*first, 3));
  first->go_away(3);
  const auto second = serve();
  ASSERT_TRUE(asked(*second, 1));
  EXPECT_EQ(second->asked(1).headers.get(":path"), "/2");
  ask("/3");
  ASSERT_TRUE(asked(*second, 2));
  // What was under way goes on, on the old one.
  first->answer(1, "a");
  first->answer(3, "b");
  second->answer(1, "c");
  second->answer(3, "d");
  EXPECT_EQ(wait(0).response.body + wait(1).response.body + wait(2).response.body + wait(3).response.body, "abcd");
  ASSERT_TRUE(run_until([&first] { return first->over(); })) << "nothing is left on it";
  EXPECT_EQ(lost_, 0);
}

TEST_F(Http2ClientTest, ARefusedStreamIsNotSent) {
  ask("/");
  const auto server = serve();
  ASSERT_TRUE(asked(*server, 1));
  server->reset(1, 7);
  EXPECT_EQ(wait(0).outcome, HttpOutcome::kNotSent);
  EXPECT_TRUE(wait(0).overloaded);
}

TEST_F(Http2ClientTest, AServerThatAlwaysGoesAwayIsNotAskedForEver) {
  ask("/");
  for (int i = 0; i < 3; ++i) {
    const auto server = serve();
    ASSERT_TRUE(asked(*server, 1));
    server->go_away(0);
    settle();
  }
  EXPECT_EQ(wait(0).outcome, HttpOutcome::kNotSent);
  EXPECT_NE(wait(0).error.find("3 connections"), std::string::npos) << wait(0).error;
}

TEST_F(Http2ClientTest, AResetOrABrokenConnectionMayHaveHappened) {
  ask("/reset");
  ask("/lost");
  const auto server = serve();
  ASSERT_TRUE(asked(*server, 2));
  server->reset(1, 2);
  EXPECT_EQ(wait(0).outcome, HttpOutcome::kLost);
  EXPECT_NE(wait(0).error.find("INTERNAL_ERROR"), std::string::npos) << wait(0).error;
  server->socket().reset();
  EXPECT_EQ(wait(1).outcome, HttpOutcome::kLost);
  EXPECT_EQ(lost_, 1);
  // The next one makes a new connection.
  ask("/next");
  const auto next = serve();
  ASSERT_TRUE(asked(*next, 1));
  next->answer(1, "here");
  EXPECT_EQ(wait(2).response.body, "here");
}

TEST_F(Http2ClientTest, AStatusIsOneOfAFinalAnswer) {
  const std::vector<std::string> wrong = {"099", "000", "103"};
  for (std::size_t i = 0; i < wrong.size(); ++i) ask("/");
  const auto server = serve();
  ASSERT_TRUE(asked(*server, wrong.size()));
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    const auto stream = static_cast<std::uint32_t>(1 + 2 * i);
    server->send(frame(kHeaders, kEndHeaders | kEndStream, stream, hpack({{":status", wrong[i]}})));
    EXPECT_TRUE(wait(i).malformed) << wrong[i];
    EXPECT_NE(wait(i).error, "") << wrong[i];
  }
}

TEST_F(Http2ClientTest, WhatAnAnswerMayNotBe) {
  for (int i = 0; i < 6; ++i) ask("/");
  const auto server = serve();
  ASSERT_TRUE(asked(*server, 6));
  server->send(frame(kHeaders, kEndHeaders, 1, hpack({{":status", "200"}, {"content-length", "5"}})));
  server->send(frame(kData, kEndStream, 1, "four"));
  EXPECT_TRUE(wait(0).malformed) << wait(0).error;
  server->send(frame(kHeaders, kEndHeaders | kEndStream, 3, hpack({{"no", "status"}})));
  EXPECT_TRUE(wait(1).malformed);
  server->send(frame(kHeaders, kEndHeaders, 5, hpack({{":status", "200"}})));
  for (int i = 0; i < 7; ++i) server->send(frame(kData, 0, 5, std::string(16'000, 'x')));
  EXPECT_TRUE(wait(2).too_large);
  EXPECT_EQ(wait(2).error, "of the answer, the body is larger than the limit of 100000 bytes");
  ASSERT_TRUE(run_until([&] {
    server->turn();
    return server->asked(5).reset.has_value();
  }));
  // Before the answer there may be others, and after it trailers.
  server->send(frame(kHeaders, kEndHeaders, 7, hpack({{":status", "103"}, {"link", "x"}})));
  server->send(frame(kHeaders, kEndHeaders, 7, hpack({{":status", "200"}})));
  server->send(frame(kData, 0, 7, "body"));
  server->send(frame(kHeaders, kEndHeaders | kEndStream, 7, hpack({{"trailer", "x"}})));
  EXPECT_EQ(wait(3).response.body, "body");
  EXPECT_EQ(wait(3).response.headers.size(), 0U);
  server->send(frame(kHeaders, kEndHeaders, 9, hpack({{":status", "200"}})));
  server->send(frame(kData, 0, 9, "so far"));
  ASSERT_TRUE(
      run_until([&] { return client().answer_so_far(ids_[4]).ends_with("(status 200, 6 bytes of its body)"); }));
}

TEST_F(Http2ClientTest, AnAnswerBeforeTheRequestIsWholeEndsIt) {
  const std::string body(500'000, 'b');  // more than the server's windows
  ask("/", body);
  const auto server = serve();
  ASSERT_TRUE(run_until([&] {
    server->turn();
    return server->asked(1).body.size() == 65'535;
  }));
  server->answer(1, "enough", "413");
  EXPECT_EQ(wait(0).response.status, 413);
  ASSERT_TRUE(run_until([&] {
    server->turn();
    return server->asked(1).reset.has_value();
  }));
}

TEST_F(Http2ClientTest, CancelTellsTheServer) {
  ask("/waits");
  EXPECT_TRUE(client().cancel(ids_[0])) << "nothing was written";
  ask("/begun");
  const auto server = serve();
  ASSERT_TRUE(asked(*server, 1));
  EXPECT_TRUE(client().any_begun());
  EXPECT_FALSE(client().cancel(ids_[1]));
  ASSERT_TRUE(run_until([&] {
    server->turn();
    return server->asked(1).reset == 8U;
  }));
  EXPECT_FALSE(results_[0] || results_[1]);
}

TEST_F(Http2ClientTest, Deadlines) {
  HttpStart start{Clock::now() + 50ms, "time-left"};
  const auto begun = begin([&](auto done) { client().request_by(make("/begun"), start, std::move(done)); });
  const auto server = serve(1);
  ASSERT_TRUE(asked(*server, 1));
  EXPECT_TRUE(server->asked(1).headers.get("time-left").ends_with("ms"));
  const auto late = begin([&](auto done) { client().request_by(make("/late"), start, std::move(done)); });
  EXPECT_TRUE(wait(late).timed_out);
  EXPECT_EQ(wait(late).outcome, HttpOutcome::kNotSent);
  server->answer(1, "as late as it likes");
  EXPECT_EQ(wait(begun).response.body, "as late as it likes");
  const auto within = begin([&](auto done) { client().request_within(make("/within"), 20ms, std::move(done)); });
  EXPECT_TRUE(wait(within).timed_out);
  EXPECT_EQ(wait(within).outcome, HttpOutcome::kLost);
}

TEST_F(Http2ClientTest, AnswersBeyondTheRoomWaitForOthers) {
  options_.room = std::make_shared<AnswerRoom>(60'000);
  ask("/first");
  ask("/second");
  const auto server = serve();
  ASSERT_TRUE(asked(*server, 2));
  const auto some = [&server](std::uint32_t stream, int frames) {
    for (int i = 0; i < frames; ++i) server->send(frame(kData, 0, stream, std::string(16'000, 'x')));
  };
  for (const std::uint32_t stream : {1U, 3U}) {
    server->send(frame(kHeaders, kEndHeaders, stream, hpack({{":status", "200"}})));
    some(stream, 4);
    ASSERT_TRUE(run_until([&] { return client().answer_so_far(ids_[stream / 2]).find("64000") != std::string::npos; }));
  }
  server->turn();
  const int before = server->windows();
  server->send(frame(kData, kEndStream, 1, "end"));
  EXPECT_EQ(wait(0).response.body.size(), 64'003U);
  ASSERT_TRUE(run_until([&] {
    server->turn();
    return server->windows() > before;
  })) << "now the second one's window is opened";
  EXPECT_GT(options_.room->used(), 0U);
  server->send(frame(kData, kEndStream, 3, "end"));
  EXPECT_EQ(wait(1).response.body.size(), 64'003U);
  EXPECT_EQ(options_.room->used(), 0U);
}

TEST_F(Http2ClientTest, AServerOfHttp1IsToldSo) {
  ask("/");
  const auto socket = accept();
  ASSERT_TRUE(run_until([&socket] { return socket->has("PRI * HTTP/2.0"); }));
  socket->send("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
  EXPECT_EQ(wait(0).outcome, HttpOutcome::kNotSent);
  EXPECT_FALSE(wait(0).no_listener);
  EXPECT_NE(wait(0).error.find("it does not speak HTTP/2 with prior knowledge"), std::string::npos) << wait(0).error;
  ask("/");
  accept()->close();
  EXPECT_NE(wait(1).error.find("closed the connection before it had said so"), std::string::npos) << wait(1).error;
  connect_timeout_ = 20ms;
  client_.reset();
  urgent_.reset();
  ask("/");
  const auto silent = accept();
  EXPECT_NE(wait(2).error.find("no SETTINGS in time"), std::string::npos) << wait(2).error;
}

TEST_F(Http2ClientTest, NobodyListens) {
  Http2LinkOptions link;
  link.endpoint = unused_endpoint();
  const Http2Link nowhere(loop, std::move(link));
  Http2Client client(loop, nowhere, {});
  const auto index = begin([&](auto done) { client.request(make("/"), std::nullopt, std::move(done)); });
  EXPECT_FALSE(results_[index]) << "never from inside the call";
  EXPECT_TRUE(wait(index).no_listener);
  EXPECT_EQ(wait(index).outcome, HttpOutcome::kNotSent);
}

}  // namespace
}  // namespace ringside::net
