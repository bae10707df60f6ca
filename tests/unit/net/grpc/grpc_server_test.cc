// gRPC over our HTTP/2 server: native methods, called by our own channel and by hand-made frames.

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sidecar/net/http2/idle_reset_filter.h"
#include "tests/unit/net/net_fixture.h"

namespace ringside::net {
namespace {

using testing::Frame;

class GrpcServer : public testing::ListenerTest {
 protected:
  void SetUp() override { methods_ = std::make_shared<MethodTable>(); }

  void add(const std::string& path, std::function<void(std::shared_ptr<ServerCall>)> handler) {
    Method method;
    method.handler = std::move(handler);
    methods_->add(path, std::move(method));
  }

  void listen(const std::string& address = "127.0.0.1:0") {
    ListenerOptions options;
    options.address = *parse_endpoint(address, 0);
    options.http2 = http2_;
    options.http2->service = serve_grpc({.methods = methods_});
    options.on_incident = [this](std::string_view incident, std::string_view) { incidents_.emplace_back(incident); };
    listener_ = testing::serve(loop, std::move(options));
  }

  // Everything that the server sends to these bytes, until it has ended the stream or the connection.
  std::vector<Frame> exchange(const std::string& bytes, std::uint32_t stream = 1) {
    auto socket = connect();
    socket.send(std::string(testing::kPreface) + testing::frame(testing::kSettings, 0, 0, "") + bytes);
    std::vector<Frame> frames;
    EXPECT_TRUE(run_until([&] {
      const bool over = socket.over();
      for (Frame& one : testing::take_frames(socket.input())) frames.push_back(std::move(one));
      for (const Frame& one : frames) {
        const bool ends = (one.flags & testing::kEndStream) != 0 && one.type <= testing::kHeaders;
        if (one.stream == stream && (ends || one.type == testing::kRstStream)) return true;
      }
      return over;
    }));
    return frames;
  }

  Http2Options http2_;
  std::shared_ptr<MethodTable> methods_;
  std::vector<std::string> incidents_;
};

TEST_F(GrpcServer, UnaryCallCarriesEverything) {
  add("/s/Echo", [](const std::shared_ptr<ServerCall>& one) {
    EXPECT_EQ(one->path(), "/s/Echo");
    EXPECT_EQ(one->peer_address(), "127.0.0.1");
    EXPECT_EQ(one->metadata().get("k"), "v");
    EXPECT_TRUE(one->deadline());
    EXPECT_EQ(one->metadata().find(":path"), nullptr);
    one->reply(one->take_message() + "!", {{"ringside-outcome", "applied"}});
  });
  listen();
  CallOptions options;
  options.deadline = Clock::now() + std::chrono::minutes(1);
  const CallResult result = call("/s/Echo", "hello", {{"k", "v"}}, options);
  EXPECT_EQ(result.status, GrpcStatus::kOk) << result.message;
  EXPECT_EQ(result.body, "hello!");
  EXPECT_EQ(result.trailers.get("ringside-outcome"), "applied");
  EXPECT_TRUE(result.from_server);
}

TEST_F(GrpcServer, LargeMessagesBothWays) {
  add("/s/Echo", [](const std::shared_ptr<ServerCall>& one) { one->reply(one->take_message()); });
  listen();
  const std::string large(std::size_t{3} << 20, 'x');
  for (int i = 0; i < 8; ++i) EXPECT_EQ(call("/s/Echo", large).body, large);
}

TEST_F(GrpcServer, ManyCallsAtOnce) {
  add("/s/Echo", [](const std::shared_ptr<ServerCall>& one) { one->reply(one->take_message()); });
  listen();
  int answered = 0;
  for (int i = 0; i < 10'000; ++i) {
    channel().unary("/s/Echo", {}, std::to_string(i), {}, [&answered, i](const CallResult& result) {
      EXPECT_EQ(result.body, std::to_string(i)) << result.message;
      ++answered;
    });
  }
  EXPECT_TRUE(run_until([&answered] { return answered == 10'000; }));
  EXPECT_TRUE(incidents_.empty());
}

TEST_F(GrpcServer, ErrorsCarryMessageAndTrailers) {
  add("/s/Fail", [](const std::shared_ptr<ServerCall>& one) {
    one->finish(GrpcStatus::kFailedPrecondition, "no \xc3\xa9 50%",
                {{"ringside-outcome", "not-delivered"}, {"bad", "a\nb"}});
  });
  listen();
  const CallResult result = call("/s/Fail", "");
  EXPECT_EQ(result.status, GrpcStatus::kFailedPrecondition);
  EXPECT_EQ(result.message, "no \xc3\xa9 50%");
  EXPECT_EQ(result.trailers.get("ringside-outcome"), "not-delivered");
  EXPECT_EQ(result.trailers.find("bad"), nullptr);
}

TEST_F(GrpcServer, DroppedCallIsAnswered) {
  add("/s/Drop", [](const std::shared_ptr<ServerCall>&) {});
  listen();
  EXPECT_EQ(call("/s/Drop", "").status, GrpcStatus::kInternal);
}

TEST_F(GrpcServer, AnswerAfterTheClientHasGoneIsHarmless) {
  std::shared_ptr<ServerCall> kept;
  bool cancelled = false;
  add("/s/Wait", [&](const std::shared_ptr<ServerCall>& one) {
    kept = one;
    kept->on_cancel([&cancelled] { cancelled = true; });
  });
  listen();
  const auto id = channel().unary("/s/Wait", {}, "x", {}, [](const CallResult&) { FAIL(); });
  ASSERT_TRUE(run_until([&kept] { return kept != nullptr; }));
  EXPECT_EQ(channel().cancel(id), Delivery::kMaybe);
  ASSERT_TRUE(run_until([&cancelled] { return cancelled; }));
  EXPECT_TRUE(kept->cancelled());
  kept->reply("late");
  kept.reset();
  settle();
  // And when the whole server is gone.
  cancelled = false;
  channel().unary("/s/Wait", {}, "x", {}, [](const CallResult& result) { EXPECT_TRUE(result.reset); });
  ASSERT_TRUE(run_until([&kept] { return kept != nullptr; }));
  listener_.reset();
  ASSERT_TRUE(run_until([&cancelled] { return cancelled; }));
  kept->send("late");
  kept->finish(GrpcStatus::kOk, "", {});
}

TEST_F(GrpcServer, ServerStreamingWithBackPressure) {
  constexpr int kMessages = 400;
  const std::string chunk(10'000, 'c');
  int sent = 0;
  std::size_t most_unsent = 0;
  std::function<void()> more;
  add("/s/List", [&](const std::shared_ptr<ServerCall>& one) {
    more = [&, one] {
      while (sent < kMessages && one->unsent_bytes() < 256 * 1024) {
        one->send(chunk);
        ++sent;
        most_unsent = std::max(most_unsent, one->unsent_bytes());
      }
      if (sent == kMessages) one->finish(GrpcStatus::kOk, "", {{"done", "yes"}});
    };
    one->on_writable([&more] { more(); });
    more();
  });
  listen();
  int received = 0;
  std::optional<CallResult> result;
  StreamHandlers handlers;
  handlers.on_message = [&](const std::string& message) {
    EXPECT_EQ(message, chunk);
    ++received;
  };
  handlers.on_finish = [&](CallResult r) { result = std::move(r); };
  const auto stream = channel().stream("/s/List", {}, {}, std::move(handlers));
  stream->send("request");
  stream->half_close();
  EXPECT_EQ(await(result).status, GrpcStatus::kOk) << result->message;
  EXPECT_EQ(result->trailers.get("done"), "yes");
  EXPECT_EQ(received, kMessages);
  EXPECT_LT(most_unsent, 300 * 1024U);
  more = nullptr;
}

TEST_F(GrpcServer, StreamingWithoutRegardForTheClientIsReset) {
  http2_.connection_budget = 1'000'000;
  bool cancelled = false;
  add("/s/List", [&cancelled](const std::shared_ptr<ServerCall>& one) {
    one->on_cancel([&cancelled, one] { cancelled = true; });
    for (int i = 0; i < 100; ++i) one->send(std::string(100'000, 'x'));
    one->finish(GrpcStatus::kOk, "", {});
  });
  listen();
  const CallResult result = call("/s/List", "");
  EXPECT_EQ(result.status, GrpcStatus::kResourceExhausted);
  EXPECT_FALSE(result.from_server);
  EXPECT_TRUE(cancelled);
}

TEST_F(GrpcServer, RefusalsOfTheServerCarryTheMethodsTrailers) {
  Method method;
  method.handler = [](const std::shared_ptr<ServerCall>&) { FAIL(); };
  method.max_message = 100;
  method.oversize = method.malformed = GrpcStatus::kInvalidArgument;
  method.refusal = [](Refusal) { return Metadata{{"ringside-outcome", "invalid"}}; };
  methods_->add("/s/Apply", method);
  listen();
  const CallResult oversize = call("/s/Apply", std::string(101, 'x'));
  EXPECT_EQ(oversize.status, GrpcStatus::kInvalidArgument);
  EXPECT_EQ(oversize.trailers.get("ringside-outcome"), "invalid");
  EXPECT_EQ(call("/s/Apply", "", {{"big", std::string(17'000, 'h')}}).status, GrpcStatus::kInvalidArgument);
  const CallResult huge = call("/s/Apply", std::string(std::size_t{8} << 20, 'x'));
  EXPECT_EQ(huge.status, GrpcStatus::kInvalidArgument) << huge.message;

  const auto answer = [this](const Metadata& metadata, const std::string& data) {
    return testing::decode_headers(exchange(testing::grpc_request(1, "/s/Apply", metadata) +
                                            testing::frame(testing::kData, testing::kEndStream, 1, data)));
  };
  const auto message = [&answer](const Metadata& metadata, const std::string& data) {
    const Metadata headers = answer(metadata, data);
    EXPECT_EQ(headers.get("ringside-outcome"), "invalid");
    return std::string(headers.get("grpc-message"));
  };
  EXPECT_EQ(message({{"grpc-timeout", "soon"}}, ""), "malformed grpc-timeout");
  EXPECT_EQ(message({}, std::string("\0\0\0\0\x05xx", 7)), "the message is incomplete");
  EXPECT_EQ(message({}, ""), "this method takes exactly one message");
  EXPECT_EQ(message({}, testing::grpc_message("a") + testing::grpc_message("b")),
            "this method takes exactly one message");
  EXPECT_EQ(message({}, std::string("\7\0\0\0\0", 5)), "the message's frame is malformed");
  EXPECT_EQ(message({}, std::string("\1\0\0\0\0", 5)), "compressed messages are not supported");
  EXPECT_EQ(answer({}, "").get("grpc-status"), "3");
  const Metadata gzip = answer({{"grpc-encoding", "gzip"}}, "");
  EXPECT_EQ(gzip.get("grpc-status"), "12");
  EXPECT_EQ(gzip.get("grpc-accept-encoding"), "identity");
  // Refused before the request is whole: the answer first, and not the reset alone.
  const Metadata early = testing::decode_headers(exchange(
      testing::grpc_request(1, "/s/Apply") + testing::frame(testing::kData, 0, 1, std::string("\0\0\0\xff\xff", 5))));
  EXPECT_EQ(early.get("grpc-status"), "3");
}

TEST_F(GrpcServer, UnknownMethodsAndOtherContent) {
  listen();
  EXPECT_EQ(call("/s/Nothing", "").status, GrpcStatus::kUnimplemented);
  const Metadata get{{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "x"}};
  const auto frames =
      exchange(testing::frame(testing::kHeaders, testing::kEndHeaders | testing::kEndStream, 1, testing::hpack(get)));
  EXPECT_EQ(testing::decode_headers(frames).get(":status"), "415");
}

TEST_F(GrpcServer, HeadersAboveTheLimit) {
  add("/s/Echo", [](const std::shared_ptr<ServerCall>& one) { one->reply("x"); });
  listen();
  const CallResult result = call("/s/Echo", "", {{"big", std::string(20'000, 'h')}});
  EXPECT_EQ(result.status, GrpcStatus::kResourceExhausted);
  Metadata many;
  for (int i = 0; i < 101; ++i) many.add("x-" + std::to_string(i), "");
  EXPECT_EQ(call("/s/Echo", "", many).status, GrpcStatus::kResourceExhausted);
  EXPECT_EQ(call("/s/Echo", "").status, GrpcStatus::kOk);
}

TEST_F(GrpcServer, ResetOfAStreamNeverOpenedHarmsNobody) {
  add("/s/Echo", [](const std::shared_ptr<ServerCall>& one) { one->reply("fine"); });
  listen();
  const std::string reset = testing::frame(testing::kRstStream, 0, 1, testing::number(8));
  const std::string request = testing::grpc_request(3, "/s/Echo") +
                              testing::frame(testing::kData, testing::kEndStream, 3, testing::grpc_message(""));
  EXPECT_EQ(testing::decode_headers(exchange(reset + request, 3)).get("grpc-status"), "0");
  EXPECT_TRUE(incidents_.empty());
}

TEST(IdleResetFilter, AnyCutOfTheBytes) {
  using testing::frame;
  const std::string preface(testing::kPreface);
  const std::string open = frame(testing::kHeaders, 4, 3, "xyz");
  const std::string data = frame(testing::kData, 0, 3, std::string(40, '\3'));
  const std::string own = frame(testing::kRstStream, 0, 3, "1234");
  const std::string idle = frame(testing::kRstStream, 0, 5, "1234");
  std::string all = preface;
  for (const std::string* part : {&idle, &open, &idle, &data, &own, &idle, &idle, &data}) all += *part;
  std::string expected = preface;
  for (const std::string* part : {&open, &data, &own, &data}) expected += *part;
  for (std::size_t step = 1; step <= all.size(); ++step) {
    IdleResetFilter filter;
    std::string kept;
    std::size_t dropped = 0;
    for (std::size_t at = 0; at < all.size(); at += step) {
      ASSERT_TRUE(filter.filter(std::string_view(all).substr(at, step), dropped, [&kept](std::string_view run) {
        kept += run;
        return true;
      }));
    }
    EXPECT_EQ(kept, expected) << step;
    EXPECT_EQ(dropped, 4U);
  }
}

TEST_F(GrpcServer, RequestBytesAreBounded) {
  http2_.connection_budget = 100'000;
  int handled = 0;
  add("/s/Echo", [&handled](const std::shared_ptr<ServerCall>& one) {
    ++handled;
    one->reply("");
  });
  listen();
  // Eight requests that never end, of 20,000 bytes each: the sixth does not fit.
  std::string bytes;
  for (std::uint32_t i = 0; i < 8; ++i) {
    bytes += testing::grpc_request(2 * i + 1, "/s/Echo");
    const std::string half(10'000, 'x');
    bytes += testing::frame(testing::kData, 0, 2 * i + 1, std::string("\0\0\1\0\0", 5).append(half));
    bytes += testing::frame(testing::kData, 0, 2 * i + 1, half);
  }
  const auto frames = exchange(bytes, 11);
  EXPECT_EQ(testing::decode_headers(frames).get("grpc-message"), "too many bytes are waiting on this connection");
  EXPECT_EQ(handled, 0);
  EXPECT_EQ(call("/s/Echo", "small").status, GrpcStatus::kOk);
}

// Strangers have fewer streams, and bytes of their own; one that becomes known has its own from its next request on.
TEST_F(GrpcServer, StrangersHaveLess) {
  bool known = false;
  http2_.is_known = [&known](const std::string& address) {
    EXPECT_EQ(address, "127.0.0.1");
    return known;
  };
  http2_.max_concurrent_streams = 50;
  http2_.stranger_streams = 10;
  http2_.total = std::make_shared<Budget>(1'000'000);
  http2_.strangers = std::make_shared<AddressBudgets>(100'000, 50'000);
  std::vector<std::shared_ptr<ServerCall>> held;
  add("/s/Hold", [&held](const std::shared_ptr<ServerCall>& one) { held.push_back(one); });
  listen();
  for (int i = 0; i < 70; ++i) channel().unary("/s/Hold", {}, "", {}, [](const CallResult&) {});
  ASSERT_TRUE(run_until([&held] { return held.size() == 10; }));
  settle();
  EXPECT_EQ(held.size(), 10U);
  EXPECT_GT(http2_.strangers->all().used(), 0U);
  EXPECT_EQ(http2_.total->used(), 0U);
  known = true;
  held[0]->reply("");
  ASSERT_TRUE(run_until([&held] { return held.size() == 51; }));
  settle();
  EXPECT_EQ(held.size(), 51U);
  EXPECT_EQ(http2_.strangers->all().used(), 0U);
  EXPECT_GT(http2_.total->used(), 0U);
  channel_.reset();
  ASSERT_TRUE(run_until([this] { return listener_->connections() == 0; }));
  EXPECT_EQ(http2_.total->used(), 0U);
}

TEST_F(GrpcServer, ControlMethodsHaveBytesOfTheirOwn) {
  http2_.total = std::make_shared<Budget>(50'000);
  http2_.control = std::make_shared<Budget>(50'000);
  add("/s/Call", [](const std::shared_ptr<ServerCall>& one) { one->reply(one->take_message()); });
  Method ping;
  ping.control = true;
  ping.handler = [](const std::shared_ptr<ServerCall>& one) { one->reply(one->take_message()); };
  methods_->add("/s/Ping", std::move(ping));
  listen();
  // A message that never comes whole takes all that calls may hold.
  auto socket = connect();
  std::string unfinished = std::string("\0\0\0\xff\xff", 5) + std::string(9'995, 'x');
  std::string out = std::string(testing::kPreface) + testing::frame(testing::kSettings, 0, 0, "");
  out += testing::grpc_request(1, "/s/Call") + testing::frame(testing::kData, 0, 1, unfinished);
  for (int i = 0; i < 4; ++i) out += testing::frame(testing::kData, 0, 1, std::string(10'000, 'x'));
  socket.send(out);
  ASSERT_TRUE(run_until([this] { return http2_.total->used() == 50'000; }));
  EXPECT_EQ(call("/s/Call", "there is no room").status, GrpcStatus::kResourceExhausted);
  EXPECT_EQ(call("/s/Ping", "there is").body, "there is");
  socket.close();
  ASSERT_TRUE(run_until([this] { return http2_.total->used() == 0; }));
  EXPECT_EQ(call("/s/Call", "there is room").body, "there is room");
}

TEST_F(GrpcServer, OverUnixSocketAndIpv6) {
  add("/s/Who", [](const std::shared_ptr<ServerCall>& one) { one->reply(one->peer_address()); });
  const std::string path = ::testing::TempDir() + "ringside-grpc-server.sock";
  listen("unix:" + path);
  EXPECT_EQ(call("/s/Who", "").body, "unix");
  channel_.reset();
  listener_.reset();
  settle();
  listen("[::]:0");
  Endpoint v4 = listener_->local_address();
  v4.host = "127.0.0.1";
  ChannelOptions options;
  options.endpoint = v4;
  channel_ = std::make_unique<GrpcChannel>(loop, options);
  EXPECT_EQ(call("/s/Who", "").body, "127.0.0.1");
}

TEST_F(GrpcServer, DrainLetsRunningCallsEnd) {
  std::shared_ptr<ServerCall> kept;
  add("/s/Wait", [&kept](const std::shared_ptr<ServerCall>& one) { kept = one; });
  listen();
  std::optional<CallResult> result;
  channel().unary("/s/Wait", {}, "x", {}, [&result](CallResult r) { result = std::move(r); });
  ASSERT_TRUE(run_until([&kept] { return kept != nullptr; }));
  std::optional<std::size_t> cut;
  listener_->drain(std::chrono::seconds(20), [&cut](std::size_t n) { cut = n; });
  // GOAWAY: the channel takes no new call to that connection, and nobody accepts another.
  ASSERT_TRUE(run_until([this] { return !channel().connected(); }));
  EXPECT_FALSE(result);
  EXPECT_FALSE(cut);
  kept->reply("done");
  kept.reset();
  ASSERT_TRUE(run_until([&] { return result && cut; }));
  EXPECT_EQ(result->body, "done") << result->message;
  EXPECT_EQ(*cut, 0U);
  const CallResult after = call("/s/Wait", "x");
  EXPECT_TRUE(after.no_listener);
  EXPECT_EQ(after.delivery, Delivery::kNotSent);
}

TEST_F(GrpcServer, DrainHasABound) {
  std::shared_ptr<ServerCall> kept;
  add("/s/Wait", [&kept](const std::shared_ptr<ServerCall>& one) { kept = one; });
  listen();
  std::optional<CallResult> result;
  channel().unary("/s/Wait", {}, "x", {}, [&result](CallResult r) { result = std::move(r); });
  ASSERT_TRUE(run_until([&kept] { return kept != nullptr; }));
  std::optional<std::size_t> cut;
  listener_->drain(std::chrono::milliseconds(300), [&cut](std::size_t n) { cut = n; });
  ASSERT_TRUE(run_until([&] { return result && cut; }));
  EXPECT_EQ(*cut, 1U);
  EXPECT_TRUE(result->reset);
  EXPECT_EQ(result->delivery, Delivery::kMaybe);
}

TEST_F(GrpcServer, HandlerMayCloseItsOwnListener) {
  add("/s/Close", [this](const std::shared_ptr<ServerCall>& one) {
    one->reply("bye");
    listener_.reset();
  });
  listen();
  EXPECT_TRUE(call("/s/Close", "").reset);
}

}  // namespace
}  // namespace ringside::net
