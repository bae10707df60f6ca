// Ordinary requests over HTTP/2, frame by frame.

#include "sidecar/net/http2/http2_requests.h"

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/unit/net/net_fixture.h"

namespace ringside::net {
namespace {

using namespace std::chrono_literals;
using namespace testing;

struct Answer {
  std::vector<int> interim;  // 1xx
  Metadata headers;
  std::string body;
  bool ended = false;
  std::optional<std::uint32_t> reset;
  int status() const { return headers.empty() ? 0 : std::stoi(std::string(headers.get(":status"))); }
};

// One connection, whose windows are as large as can be unless the test says otherwise.
class Client {
 public:
  explicit Client(RawSocket socket, std::uint32_t window = 0x7fffffff) : socket_(std::move(socket)) {
    out_ = std::string(kPreface) + frame(kSettings, 0, 0, std::string("\0\4", 2) + number(window)) +
           frame(kWindowUpdate, 0, 0, number(0x7fff0000));
  }

  // What does not go beyond the windows that the server has opened by its first words.
  void send(std::string_view bytes) { (heard_ ? out_ : waiting_) += bytes; }
  std::uint32_t head(const Metadata& headers, bool whole) {
    const std::uint32_t stream = next_;
    next_ += 2;
    send(frame(kHeaders, kEndHeaders | (whole ? kEndStream : 0), stream, hpack(headers)));
    return stream;
  }
  std::uint32_t get(const std::string& path, const Metadata& more = {}) {
    return head(request("GET", path, more), true);
  }
  std::uint32_t post(const std::string& path, std::string_view body, const Metadata& more = {}) {
    const std::uint32_t stream = head(request("POST", path, more), false);
    data(stream, body, true);
    return stream;
  }
  // A request that is not whole.
  std::uint32_t begin(const std::string& path, std::string_view body = {}, const Metadata& more = {}) {
    const std::uint32_t stream = head(request("POST", path, more), false);
    if (!body.empty()) data(stream, body, false);
    return stream;
  }
  void data(std::uint32_t stream, std::string_view body, bool last) {
    constexpr std::size_t kFrame = 16'384;
    do {
      const std::string_view part = body.substr(0, kFrame);
      body.remove_prefix(part.size());
      send(frame(kData, body.empty() && last ? kEndStream : 0, stream, part));
    } while (!body.empty());
  }
  void reset(std::uint32_t stream) { send(frame(kRstStream, 0, stream, number(8))); }
  static Metadata request(const std::string& method, const std::string& path, const Metadata& more = {}) {
    Metadata headers{{":method", method}, {":scheme", "http"}, {":path", path}, {":authority", "localhost"}};
    headers.append(more);
    return headers;
  }

  void turn() {
    out_.erase(0, socket_.send(out_));
    socket_.pump();
    for (const Frame& one : take_frames(socket_.input())) {
      Answer& answer = answers_[one.stream];
      const bool last = (one.flags & kEndStream) != 0;
      if (one.type == kSettings && (one.flags & kAck) == 0) out_ += frame(kSettings, kAck, 0, "");
      if (one.type == kWindowUpdate && !std::exchange(heard_, true)) out_ += waiting_;
      if (one.type == kHeaders) {
        Metadata headers = reader_.read(one.payload);
        if (headers.get(":status").starts_with('1')) {
          answer.interim.push_back(std::stoi(std::string(headers.get(":status"))));
        } else {
          answer.headers.append(std::move(headers));
        }
        answer.ended = last;
      } else if (one.type == kData) {
        answer.body += one.payload;
        answer.ended = last;
      } else if (one.type == kRstStream) {
        answer.reset = static_cast<std::uint8_t>(one.payload[3]);
      } else if (one.type == kGoaway) {
        gone_ = true;
      } else if (one.type == kPing && (one.flags & kAck) != 0) {
        ++pongs_;
      }
    }
  }
  const Answer& answer(std::uint32_t stream) { return answers_[stream]; }
  bool ended(std::uint32_t stream) {
    turn();
    return answers_[stream].ended || answers_[stream].reset;
  }
  bool gone() {
    turn();
    return gone_;
  }
  // All that was sent before has been read by then.
  void ping() { send(frame(kPing, 0, 0, "12345678")); }
  int pongs() {
    turn();
    return pongs_;
  }
  bool over() {
    turn();
    return socket_.ended();
  }

 private:
  RawSocket socket_;
  std::string out_;
  std::string waiting_;  // until the server has been heard
  bool heard_ = false;
  HeaderReader reader_;
  std::map<std::uint32_t, Answer> answers_;
  std::uint32_t next_ = 1;
  bool gone_ = false;
  int pongs_ = 0;
};

class Http2Requests : public ListenerTest {
 protected:
  void SetUp() override {
    serving_.max_body = 100'000;
    serving_.handler = [this](HttpRequest request, HttpReply reply) {
      seen_.push_back(request);
      if (request.target == "/later") {
        later_.push_back(std::move(reply));
      } else if (request.target == "/large") {
        reply({200, {}, std::string(kLarge, 'x')});
      } else if (request.target == "/stream") {
        HttpStream::Events events;
        events.drained = [this] { ++drained_; };
        events.ended = [this] { ++ended_; };
        stream_ = reply.stream({200, {{"content-type", "text/event-stream"}}, ""}, std::move(events));
      } else if (request.target != "/drop") {
        reply({200, {{"x-method", request.method}, {"connection", "x"}, {"bad", "a\r\nb"}}, request.body + "."});
      }
    };
    serving_.shape_error = [](int status, std::string_view detail) {
      return HttpResponse{status, {{"content-type", "application/problem+json"}}, "{" + std::string(detail) + "}"};
    };
  }

  Client open(std::uint32_t window = 0x7fffffff) {
    if (!listener_) {
      auto options = on_loopback(
          {.methods = one_method("/s/Echo", [](const std::shared_ptr<ServerCall>& one) { one->reply("grpc"); }),
           .not_grpc = serve_requests(serving_)});
      options.http2->total = total_;
      options.http2->idle_gives_way = true;
      options.slots = slots_;
      options.http1.emplace();
      static_cast<HttpServing&>(*options.http1) = serving_;
      options.http1->total = total_;
      options.on_incident = [this](std::string_view incident, std::string_view) { incident_ = incident; };
      listener_ = serve(loop, std::move(options));
    }
    return Client(connect(), window);
  }
  const Answer& await(Client& client, std::uint32_t stream) {
    EXPECT_TRUE(run_until([&] { return client.ended(stream); })) << stream;
    return client.answer(stream);
  }
  void await_read(Client& client) {
    const int before = client.pongs();
    client.ping();
    ASSERT_TRUE(run_until([&] { return client.pongs() > before; }));
  }

  static constexpr std::size_t kLarge = std::size_t{4} << 20;
  HttpServing serving_;
  std::shared_ptr<Budget> total_ = std::make_shared<Budget>(std::size_t{64} << 20);
  std::shared_ptr<Budget> slots_;
  std::vector<HttpRequest> seen_;
  std::deque<HttpReply> later_;
  std::string incident_;
  std::unique_ptr<HttpStream> stream_;
  int drained_ = 0;
  int ended_ = 0;
};

// ---- answers that go on ----

TEST_F(Http2Requests, AnAnswerThatGoesOnComesInPiecesBesideOthers) {
  auto client = open();
  const std::uint32_t id = client.get("/stream");
  ASSERT_TRUE(run_until([&] {
    client.turn();
    return stream_ && client.answer(id).status() == 200;
  }));
  EXPECT_EQ(client.answer(id).headers.count("content-length"), 0U);
  for (const std::string piece : {"first\n", "second\n"}) {
    stream_->write(piece);
    ASSERT_TRUE(run_until([&] {
      client.turn();
      return client.answer(id).body.ends_with(piece);
    }));
    EXPECT_EQ(await(client, client.get("/other")).status(), 200);
  }
  EXPECT_EQ(stream_->unsent(), 0U);
  EXPECT_LT(total_->used(), 1000U) << "the head of the request alone";
  EXPECT_FALSE(client.answer(id).ended);
  stream_->write("last\n");
  stream_.reset();
  EXPECT_EQ(await(client, id).body, "first\nsecond\nlast\n");
  EXPECT_TRUE(client.answer(id).ended);
}

TEST_F(Http2Requests, AnAnswerThatGoesOnHearsThatItsClientHasGone) {
  auto client = open();
  const std::uint32_t id = client.get("/stream");
  ASSERT_TRUE(run_until([&] {
    client.turn();
    return stream_ != nullptr;
  }));
  client.reset(id);
  ASSERT_TRUE(run_until([&] {
    client.turn();
    return ended_ == 1;
  }));
  stream_->write("nowhere");
  EXPECT_EQ(stream_->unsent(), 0U);
  EXPECT_EQ(ended_, 1);
}

TEST_F(Http2Requests, AListenerThatDrainsEndsWhatWouldGoOn) {
  auto client = open();
  const std::uint32_t id = client.get("/stream");
  ASSERT_TRUE(run_until([&] {
    client.turn();
    return stream_ != nullptr;
  }));
  bool drained = false;
  listener_->drain(10s, [&](std::size_t) { drained = true; });
  ASSERT_TRUE(run_until([&] {
    client.turn();
    return ended_ == 1;
  }));
  stream_.reset();
  EXPECT_TRUE(await(client, id).ended);
  ASSERT_TRUE(run_until([&] {
    client.turn();
    return drained;
  }));
}

TEST_F(Http2Requests, WhatIsNotReadOfAnAnswerThatGoesOnWaitsForRoom) {
  auto client = open(10'000);
  const std::uint32_t id = client.get("/stream");
  ASSERT_TRUE(run_until([&] {
    client.turn();
    return stream_ != nullptr;
  }));
  stream_->write(std::string(25'000, 'x'));
  ASSERT_TRUE(run_until([&] {
    client.turn();
    return client.answer(id).body.size() == 10'000;
  }));
  EXPECT_EQ(stream_->unsent(), 15'000U);
  EXPECT_EQ(drained_, 0);
  client.send(frame(kWindowUpdate, 0, id, number(20'000)));
  ASSERT_TRUE(run_until([&] {
    client.turn();
    return drained_ == 1;
  }));
  EXPECT_EQ(client.answer(id).body.size(), 25'000U);
  EXPECT_EQ(stream_->unsent(), 0U);
}

TEST_F(Http2Requests, OfAnAnswerThatGoesOnWhatIsGivenUpIsReset) {
  auto client = open(10'000);
  const std::uint32_t id = client.get("/stream");
  ASSERT_TRUE(run_until([&] {
    client.turn();
    return stream_ != nullptr;
  }));
  stream_->write(std::string(25'000, 'x'));
  stream_->give_up();
  EXPECT_EQ(stream_->unsent(), 0U);
  EXPECT_TRUE(await(client, id).reset);
  ASSERT_TRUE(run_until([&] { return ended_ == 1; }));
  EXPECT_EQ(await(client, client.get("/other")).status(), 200);
}

TEST_F(Http2Requests, AnAnswerThatGoesOnAndIsNotReadEndsAfterTheWriteTimeout) {
  serving_.write_timeout = 50ms;
  auto client = open(10'000);
  const std::uint32_t id = client.get("/stream");
  ASSERT_TRUE(run_until([&] {
    client.turn();
    return stream_ != nullptr;
  }));
  stream_->write(std::string(25'000, 'x'));
  EXPECT_TRUE(await(client, id).reset);
  ASSERT_TRUE(run_until([&] { return ended_ == 1; }));
}

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

TEST_F(Http2Requests, BytesInTotalAreBounded) {
  total_ = std::make_shared<Budget>(150'000);
  auto client = open();
  const auto first = client.post("/later", std::string(100'000, 'x'));
  ASSERT_TRUE(run_until([&] {
    client.turn();
    return later_.size() == 1;
  }));
  const auto second = client.post("/", std::string(100'000, 'x'));
  EXPECT_EQ(await(client, second).status(), 503);
  later_[0]({200, {}, ""});
  EXPECT_EQ(await(client, first).status(), 200);
  EXPECT_EQ(await(client, client.post("/", std::string(100'000, 'x'))).status(), 200);
  EXPECT_EQ(total_->used(), 0U);
}

TEST_F(Http2Requests, WhoeverIsSlowestGivesWayWhereBytesAreShort) {
  total_ = std::make_shared<Budget>(250'000);
  auto slow = open();
  auto other = open();
  const auto first = slow.begin("/", std::string(80'000, 'x'));
  await_read(slow);
  const auto second = other.begin("/", std::string(80'000, 'x'));
  await_read(other);
  const auto third = slow.begin("/", std::string(80'000, 'x'));
  await_read(slow);
  EXPECT_EQ(await(other, other.post("/", std::string(80'000, 'y'))).status(), 200);
  const Answer& gave = await(slow, first);
  EXPECT_EQ(gave.status(), 503);
  EXPECT_NE(gave.body.find("is not whole although it began first: send it again"), std::string::npos) << gave.body;
  EXPECT_FALSE(other.ended(second));
  EXPECT_FALSE(slow.ended(third));
  slow.data(third, "z", true);
  EXPECT_EQ(await(slow, third).status(), 200);
  other.data(second, "z", true);
  EXPECT_EQ(await(other, second).status(), 200);
}

// Those of HTTP/1.1 and of HTTP/2 share their bytes, and give way to one another.
TEST_F(Http2Requests, BytesAreSharedWithHttp1) {
  total_ = std::make_shared<Budget>(150'000);
  auto client = open();
  const auto slow = client.begin("/", std::string(90'000, 'x'));
  await_read(client);
  auto socket = connect();
  socket.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n" + std::string(90'000, 'y'));
  ASSERT_TRUE(run_until([&socket] { return socket.has("HTTP/1.1 200 "); }));
  EXPECT_EQ(await(client, slow).status(), 503);
}

TEST_F(Http2Requests, AnswersThatAreNotReadCountAndGiveWay) {
  total_ = std::make_shared<Budget>(3 * kLarge + kLarge / 2);
  auto client = open(0);
  std::vector<std::uint32_t> streams;
  for (int i = 0; i < 8; ++i) {
    streams.push_back(client.get("/large"));
    await_read(client);
    EXPECT_LE(total_->used(), total_->limit());
  }
  EXPECT_TRUE(client.ended(streams[0]));
  EXPECT_EQ(client.answer(streams[0]).reset, 11U);
  EXPECT_FALSE(client.ended(streams[7]));
  client.send(frame(kWindowUpdate, 0, streams[7], number(0x7fffffff)));
  EXPECT_EQ(await(client, streams[7]).body.size(), kLarge);
}

// One connection that has all that one may have does not make others give way.
TEST_F(Http2Requests, WhatOneConnectionMayHoldIsBoundedToo) {
  auto options =
      on_loopback({.methods = one_method("/s/Echo", [](const auto&) {}), .not_grpc = serve_requests(serving_)});
  options.http2->connection_budget = 100'000;
  options.http2->total = total_;
  listener_ = serve(loop, std::move(options));
  Client slow(connect());
  const auto other = slow.begin("/", std::string(50'000, 'x'));
  await_read(slow);
  Client client(connect());
  const auto first = client.begin("/", std::string(70'000, 'x'));
  const auto second = client.begin("/", std::string(70'000, 'x'));
  EXPECT_EQ(await(client, second).status(), 503);
  EXPECT_FALSE(client.ended(first));
  EXPECT_FALSE(slow.ended(other));
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

TEST_F(Http2Requests, AnIdleConnectionMakesRoomForAnother) {
  slots_ = std::make_shared<Budget>(2);
  auto idle = open();
  EXPECT_EQ(await(idle, idle.get("/")).status(), 200);
  auto busy = open();
  const auto under_way = busy.get("/later");
  ASSERT_TRUE(run_until([&] {
    busy.turn();
    return later_.size() == 1;
  }));
  auto third = open();
  EXPECT_EQ(await(third, third.get("/")).status(), 200);
  ASSERT_TRUE(run_until([&] { return idle.over(); }));
  later_[0]({200, {}, "done"});
  EXPECT_EQ(await(busy, under_way).body, "done");
}

}  // namespace
}  // namespace ringside::net
