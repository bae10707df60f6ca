// The client role: connecting, losing connections, GOAWAY, and what each of them says about delivery.

#include "sidecar/net/grpc/grpc_channel.h"

#include <memory>
#include <string>
#include <vector>

#include "sidecar/net/resolver.h"
#include "tests/unit/net/grpc/grpc_channel_fixture.h"

namespace ringside::net {
namespace {

using namespace std::chrono_literals;
using namespace testing;

TEST_F(Channel, SendsARequestAsGrpcWants) {
  CallOptions options;
  options.deadline = Clock::now() + 1min;
  const std::size_t index = call("hello", options);
  const auto socket = accept();
  socket->send(HandServer::settings());
  const auto frames = frames_until(*socket, kData);
  const Metadata headers = decode_headers(frames);
  EXPECT_EQ(headers.get(":method"), "POST");
  EXPECT_EQ(headers.get(":path"), "/s/M");
  EXPECT_EQ(headers.get(":authority"), server_.endpoint().to_string());
  EXPECT_EQ(headers.get("content-type"), "application/grpc");
  EXPECT_EQ(headers.get("te"), "trailers");
  EXPECT_FALSE(headers.get("grpc-timeout").empty());
  EXPECT_EQ(frames.back().payload, grpc_message("hello"));
  socket->send(HandServer::answer(1, "world"));
  const CallResult& result = wait(index);
  EXPECT_EQ(result.status, GrpcStatus::kOk) << result.message;
  EXPECT_EQ(result.body, "world");
  EXPECT_EQ(channel().open_calls(), 0U);
  // A call that is over on both sides is not reset besides.
  const std::size_t next = call();
  for (const Frame& one : frames_until(*socket, kData)) EXPECT_NE(one.type, kRstStream);
  socket->send(HandServer::answer(3, ""));
  wait(next);
}

TEST_F(Channel, CallsOfOneTurnGoOutInOneWrite) {
  for (int i = 0; i < 50; ++i) call();
  const auto socket = accept();
  socket->send(HandServer::settings());
  const auto frames = frames_until(*socket, kHeaders);
  EXPECT_EQ(std::count_if(frames.begin(), frames.end(), [](const Frame& one) { return one.type == kHeaders; }), 50);
}

TEST_F(Channel, RefusedConnection) {
  options_.endpoint = unused_endpoint();
  options_.backoff_min = 10min;
  const CallResult& first = wait(call());
  EXPECT_EQ(first.status, GrpcStatus::kUnavailable);
  EXPECT_EQ(first.delivery, Delivery::kNotSent);
  EXPECT_TRUE(first.no_listener);
  ASSERT_EQ(lost_.size(), 1U);
  EXPECT_TRUE(lost_[0].no_listener);
  // While it waits to try again calls fail at once, without another attempt.
  EXPECT_TRUE(wait(call()).no_listener);
  EXPECT_EQ(lost_.size(), 1U);
  // A probe tries nevertheless.
  CallOptions probe;
  probe.connect_now = true;
  EXPECT_TRUE(wait(call("", probe)).no_listener);
  EXPECT_EQ(lost_.size(), 2U);
}

TEST_F(Channel, ReconnectsAfterItsBackoff) {
  options_.endpoint = unused_endpoint();
  options_.backoff_min = options_.backoff_max = 1ms;
  options_.random = [] { return 0.5; };
  EXPECT_TRUE(wait(call()).no_listener);
  auto listen =
      on_loopback({.methods = one_method("/s/M", [](const std::shared_ptr<ServerCall>& one) { one->reply("back"); })});
  listen.address = options_.endpoint;
  const auto listener = serve(loop, std::move(listen));
  ASSERT_TRUE(run_until([this] { return wait(call()).body == "back"; }));
}

TEST_F(Channel, AServerThatNeverSpeaksHttp2) {
  const std::size_t index = call();
  auto socket = accept();
  socket->send("HTTP/1.1 400 Bad Request\r\n\r\n");
  socket->close();
  const CallResult& result = wait(index);
  EXPECT_EQ(result.status, GrpcStatus::kUnavailable);
  EXPECT_EQ(result.delivery, Delivery::kNotSent);
  EXPECT_FALSE(result.no_listener);
}

TEST_F(Channel, SilentServerAtTheHandshake) {
  options_.connect_timeout = 50ms;
  const std::size_t index = call();
  const auto socket = accept();
  const CallResult& result = wait(index);
  EXPECT_EQ(result.delivery, Delivery::kNotSent);
  EXPECT_NE(result.message.find("SETTINGS"), std::string::npos);
}

// As a server does that wants TLS. Somebody listens there: that is not a refused connection.
TEST_F(Channel, AServerThatHangsUpAtTheHandshakeIsThere) {
  options_.tls_setting = "--peer-tls";
  const std::size_t index = call();
  accept()->close();
  const CallResult& result = wait(index);
  EXPECT_EQ(result.delivery, Delivery::kNotSent);
  EXPECT_FALSE(result.no_listener);
  EXPECT_FALSE(result.reset);
  EXPECT_TRUE(result.not_spoken);
  EXPECT_NE(result.message.find("closes connections before it has said anything: does it want TLS? (--peer-tls)"),
            std::string::npos)
      << result.message;
}

TEST_F(Channel, LostAfterTheRequestWasWritten) {
  const std::size_t index = call();
  auto socket = accept();
  socket->send(HandServer::settings());
  frames_until(*socket, kData);
  socket->close();
  const CallResult& result = wait(index);
  EXPECT_EQ(result.status, GrpcStatus::kUnavailable);
  EXPECT_EQ(result.delivery, Delivery::kMaybe);
  EXPECT_TRUE(result.reset);
  EXPECT_FALSE(result.from_server);
}

TEST_F(Channel, LostWithTheMessageIncomplete) {
  // The window stops it at 64 KiB: no server can have read the message.
  const std::size_t index = call(std::string(200'000, 'x'));
  auto socket = accept();
  socket->send(HandServer::settings());
  frames_until(*socket, kData);
  socket->close();
  EXPECT_EQ(wait(index).delivery, Delivery::kNotSent);
}

// A host taken for dead hears nothing more of what was queued for it: no rest of this request, not even an orderly end.
TEST_F(Channel, CutDropsWhatTheKernelHolds) {
  const std::size_t big = call(std::string(32 << 20, 'x'));
  const std::size_t small = call();
  const auto socket = accept();
  socket->send(HandServer::settings());
  socket->send(frame(8, 0, 0, number(1 << 30)));                                   // the connection's window
  socket->send(frame(kSettings, 0, 0, std::string("\0\4", 2) + number(1 << 30)));  // the streams'
  // The server does not read: its kernel takes a part, ours holds the next, and the rest waits in the channel.
  EXPECT_TRUE(run_until([&] { return channel().connected(); }));
  settle();
  channel().drop_all("taken for dead");
  for (const std::size_t index : {big, small}) {
    const CallResult& result = wait(index);
    EXPECT_EQ(result.status, GrpcStatus::kUnavailable);
    EXPECT_FALSE(result.no_listener);
    EXPECT_FALSE(result.reset);
  }
  EXPECT_EQ(results_[big]->delivery, Delivery::kNotSent);
  EXPECT_TRUE(lost_.empty());
  EXPECT_EQ(channel().open_calls(), 0U);
  EXPECT_TRUE(run_until([&] { return socket->over(); }));
  EXPECT_TRUE(socket->was_reset());
  // The next call finds its way over a new connection.
  call();
  EXPECT_NE(accept(), nullptr);
}

TEST_F(Channel, RefusedStream) {
  const std::size_t index = call();
  const auto socket = accept();
  socket->send(HandServer::settings());
  frames_until(*socket, kData);
  socket->send(frame(kRstStream, 0, 1, number(7)));
  const CallResult& result = wait(index);
  EXPECT_EQ(result.status, GrpcStatus::kUnavailable);
  EXPECT_EQ(result.delivery, Delivery::kNotSent);
  const std::size_t other = call();
  frames_until(*socket, kData);
  socket->send(frame(kRstStream, 0, 3, number(2)));
  EXPECT_EQ(wait(other).status, GrpcStatus::kInternal);
  EXPECT_EQ(wait(other).delivery, Delivery::kMaybe);
}

TEST_F(Channel, GoawayMovesWhatWasNotProcessed) {
  const std::size_t first = call("one");
  const std::size_t second = call("two");
  const auto old = accept();
  old->send(HandServer::settings());
  frames_until(*old, kData);
  old->send(frame(kGoaway, 0, 0, number(1) + number(0)));
  // The second was above the last id: it goes out again on a connection of its own.
  const auto fresh = accept();
  fresh->send(HandServer::settings());
  const auto frames = frames_until(*fresh, kData);
  EXPECT_EQ(frames.back().payload, grpc_message("two"));
  fresh->send(HandServer::answer(1, "second"));
  EXPECT_EQ(wait(second).body, "second");
  // The first ends where it began, and then that connection.
  old->send(HandServer::answer(1, "first"));
  EXPECT_EQ(wait(first).body, "first");
  EXPECT_TRUE(run_until([&old] { return old->over(); }));
  const std::size_t third = call("three");
  frames_until(*fresh, kData);
  fresh->send(HandServer::answer(3, "third"));
  EXPECT_EQ(wait(third).body, "third");
}

TEST_F(Channel, GoawayRepeatedDoesNotLoopForEver) {
  const std::size_t index = call();
  for (int i = 0; i < 2; ++i) {
    const auto socket = accept();
    socket->send(HandServer::settings());
    frames_until(*socket, kData);
    socket->send(frame(kGoaway, 0, 0, number(0) + number(0)));
    EXPECT_TRUE(run_until([&socket] { return socket->over(); }));
  }
  EXPECT_EQ(wait(index).delivery, Delivery::kNotSent);
}

TEST_F(Channel, AnswersThatAreNotGrpc) {
  const Metadata ok{{":status", "200"}, {"content-type", "application/grpc"}};
  struct Case {
    std::string frames;
    GrpcStatus status;
  };
  const auto end_headers = [](const Metadata& headers, std::uint32_t stream) {
    return frame(kHeaders, kEndHeaders | kEndStream, stream, hpack(headers));
  };
  const auto headers = [](const Metadata& list, std::uint32_t stream) {
    return frame(kHeaders, kEndHeaders, stream, hpack(list));
  };
  const std::vector<std::function<Case(std::uint32_t)>> cases = {
      [&](std::uint32_t s) {
        return Case{end_headers({{":status", "404"}}, s), GrpcStatus::kUnimplemented};
      },
      [&](std::uint32_t s) {
        return Case{end_headers({{":status", "503"}}, s), GrpcStatus::kUnavailable};
      },
      [&](std::uint32_t s) {
        return Case{headers({{":status", "200"}, {"content-type", "text/html"}}, s), GrpcStatus::kUnknown};
      },
      [&](std::uint32_t s) {
        return Case{end_headers(ok, s), GrpcStatus::kUnknown};
      },
      [&](std::uint32_t s) {
        return Case{headers(ok, s) + end_headers({{"grpc-status", "0"}}, s), GrpcStatus::kInternal};
      },
      [&](std::uint32_t s) {
        return Case{headers(ok, s) + frame(kData, 0, s, grpc_message("a") + grpc_message("b")), GrpcStatus::kInternal};
      },
      [&](std::uint32_t s) {
        return Case{headers(ok, s) + frame(kData, 0, s, std::string("\1\0\0\0\1x", 6)), GrpcStatus::kInternal};
      },
      [&](std::uint32_t s) {
        return Case{headers(ok, s) + frame(kData, 0, s, std::string("\0\xff\0\0\0", 5)),
                    GrpcStatus::kResourceExhausted};
      },
      [&](std::uint32_t s) {
        return Case{end_headers({{":status", "200"}, {"content-type", "application/grpc"}, {"grpc-status", "99"}}, s),
                    GrpcStatus::kUnknown};
      },
      [&](std::uint32_t s) {
        std::string many;
        for (int i = 0; i < 10; ++i) many += hpack({{"x", std::string(7000, 'y')}});
        return Case{frame(kHeaders, 0, s, hpack(ok)) + frame(9, 0, s, many.substr(0, 16'000)) +
                        frame(9, 0, s, many.substr(16'000, 16'000)) + frame(9, 0, s, many.substr(32'000, 16'000)) +
                        frame(9, 0, s, many.substr(48'000, 16'000)) + frame(9, kEndHeaders, s, many.substr(64'000)),
                    GrpcStatus::kResourceExhausted};
      },
  };
  std::unique_ptr<RawSocket> socket;
  std::uint32_t stream = 1;
  for (const auto& make : cases) {
    const std::size_t index = call();
    if (!socket) {
      socket = accept();
      socket->send(HandServer::settings());
    }
    frames_until(*socket, kData);
    const Case one = make(stream);
    socket->send(one.frames);
    EXPECT_EQ(wait(index).status, one.status) << (stream - 1) / 2 << ": " << wait(index).message;
    EXPECT_EQ(wait(index).delivery, Delivery::kMaybe);
    stream += 2;
  }
}

TEST_F(Channel, BoundsOnCallsAndBytes) {
  options_.max_calls = 2;
  options_.max_unsent = 1000;
  call("a");
  call("b");
  const CallResult& full = wait(call("c"));
  EXPECT_EQ(full.status, GrpcStatus::kResourceExhausted);
  EXPECT_EQ(full.delivery, Delivery::kNotSent);
  EXPECT_EQ(channel().open_calls(), 2U);
  channel().close();
  settle();
  EXPECT_FALSE(results_[0].has_value());
  channel_.reset();
  options_.max_calls = 100;
  EXPECT_EQ(wait(call(std::string(1001, 'x'))).status, GrpcStatus::kResourceExhausted);
  std::optional<CallResult> result;
  StreamHandlers handlers;
  handlers.on_finish = [&result](CallResult r) { result = std::move(r); };
  const auto stream = channel().stream("/s/S", {}, {}, std::move(handlers));
  stream->send(std::string(600, 'x'));
  EXPECT_EQ(stream->unsent_bytes(), 605U);
  stream->send(std::string(600, 'x'));
  EXPECT_EQ(await(result).status, GrpcStatus::kResourceExhausted);
}

TEST_F(Channel, MoreCallsThanTheServersStreams) {
  std::vector<std::size_t> indices;
  indices.reserve(10);
  for (int i = 0; i < 10; ++i) indices.push_back(call(std::to_string(i)));
  const auto socket = accept();
  socket->send(frame(kSettings, 0, 0, std::string("\0\3", 2) + number(1)));
  for (std::uint32_t i = 0; i < 10; ++i) {
    const auto frames = frames_until(*socket, kData);
    EXPECT_EQ(frames.back().payload, grpc_message(std::to_string(i)));
    socket->send(HandServer::answer(2 * i + 1, "ok"));
    EXPECT_EQ(wait(indices[i]).body, "ok");
  }
}

TEST_F(Channel, UrgentCallsHaveStreamsOfTheirOwn) {
  options_.reserved_streams = 16;
  for (int i = 0; i < 10; ++i) call();
  const auto socket = accept();
  // Eight streams, of which a quarter is reserved.
  socket->send(frame(kSettings, 0, 0, std::string("\0\3", 2) + number(8)));
  const auto requests = [](const std::vector<Frame>& frames) {
    return std::count_if(frames.begin(), frames.end(), [](const Frame& one) { return one.type == kHeaders; });
  };
  std::vector<Frame> seen;
  const auto opened = [&](std::ptrdiff_t count) {
    return run_until([&] {
      socket->pump();
      if (socket->input().starts_with(kPreface)) socket->input().erase(0, kPreface.size());
      for (Frame& one : take_frames(socket->input())) seen.push_back(std::move(one));
      return requests(seen) >= count;
    });
  };
  ASSERT_TRUE(opened(6));
  EXPECT_EQ(requests(seen), 6);
  CallOptions urgent;
  urgent.urgent = true;
  for (int i = 0; i < 3; ++i) channel_->unary("/s/Urgent", {}, "", urgent, [](const CallResult&) {});
  ASSERT_TRUE(opened(8));
  settle();
  EXPECT_EQ(requests(seen), 8);
  // The third urgent one is before all that have waited longer.
  socket->send(frame(kRstStream, 0, 1, number(8)));
  ASSERT_TRUE(opened(9));
  EXPECT_EQ(channel_->waiting(), 4U);
  // More streams: the rest follows at once.
  socket->send(frame(kSettings, 0, 0, std::string("\0\3", 2) + number(100)));
  ASSERT_TRUE(opened(13));
}

TEST_F(Channel, CallsThatWaitForAStreamFindAnotherConnection) {
  options_.backoff_min = 1ms;
  for (int i = 0; i < 3; ++i) call();
  const auto socket = accept();
  socket->send(frame(kSettings, 0, 0, std::string("\0\3", 2) + number(1)));
  frames_until(*socket, kData);
  EXPECT_EQ(channel_->waiting(), 2U);
  socket->send(frame(kGoaway, 0, 0, number(1) + number(0)));
  const auto next = accept();
  next->send(HandServer::settings());
  frames_until(*next, kData);
  EXPECT_EQ(channel_->waiting(), 0U);
}

TEST_F(Channel, BidirectionalStream) {
  std::vector<std::string> received;
  std::optional<CallResult> result;
  std::string header;
  StreamHandlers handlers;
  handlers.on_headers = [&header](const Metadata& headers) { header = headers.get("x"); };
  handlers.on_message = [&received](std::string message) { received.push_back(std::move(message)); };
  handlers.on_finish = [&result](CallResult r) { result = std::move(r); };
  const auto stream = channel().stream("/s/S", {}, {}, std::move(handlers));
  stream->send("a");
  stream->send("b");
  const auto socket = accept();
  socket->send(HandServer::settings());
  const auto frames = frames_until(*socket, kData);
  EXPECT_EQ(frames.back().payload, grpc_message("a") + grpc_message("b")) << "one turn, one frame";
  socket->send(
      frame(kHeaders, kEndHeaders, 1, hpack({{":status", "200"}, {"content-type", "application/grpc"}, {"x", "y"}})) +
      frame(kData, 0, 1, grpc_message("1") + grpc_message("2")));
  ASSERT_TRUE(run_until([&received] { return received.size() == 2; }));
  EXPECT_EQ(header, "y");
  stream->half_close();
  const auto end = frames_until(*socket, kData);
  EXPECT_EQ(end.back().flags & kEndStream, kEndStream);
  socket->send(frame(kHeaders, kEndHeaders | kEndStream, 1,
                     hpack({{"grpc-status", "5"}, {"grpc-message", "gone%21"}, {"t", "u"}})));
  EXPECT_EQ(await(result).status, GrpcStatus::kNotFound);
  EXPECT_EQ(result->message, "gone!");
  EXPECT_EQ(result->trailers.get("t"), "u");
}

TEST_F(Channel, AHandlerMayEndEverything) {
  StreamHandlers handlers;
  handlers.on_message = [this](const std::string&) { channel_.reset(); };
  handlers.on_finish = [](const CallResult&) { FAIL(); };
  const auto stream = channel().stream("/s/S", {}, {}, std::move(handlers));
  stream->send("a");
  const auto socket = accept();
  socket->send(HandServer::settings());
  frames_until(*socket, kData);
  socket->send(HandServer::answer(1, "x"));
  ASSERT_TRUE(run_until([&socket] { return socket->over(); }));
  stream->send("into the void");
  stream->cancel();
  EXPECT_EQ(channel_, nullptr);
}

TEST_F(Channel, HostileServer) {
  options_.backoff_min = 10min;
  const std::size_t index = call();
  const auto socket = accept();
  socket->send(HandServer::settings());
  frames_until(*socket, kData);
  std::string out;
  ASSERT_TRUE(run_until([&] {
    while (out.size() < 200'000) out += frame(kPing, 0, 0, "12345678");
    out.erase(0, socket->send(out));
    return results_[index].has_value();
  }));
  EXPECT_TRUE(wait(index).reset);
}

// One field of 4,000 bytes in the server's table, and references to it of one byte each.
TEST_F(Channel, HeaderBombsOfAServer) {
  const std::string field = std::string("\x40", 1) + "\x01x" + std::string("\x7f\x80\x1e", 3) + std::string(3967, 'v');
  const std::string bomb = field + std::string(8'000, '\xbe');
  const std::string head = hpack({{":status", "200"}, {"content-type", "application/grpc"}});
  options_.backoff_min = 0ms;
  for (const bool in_trailers : {false, true}) {
    const std::size_t index = call();
    const auto socket = accept();
    socket->send(HandServer::settings());
    frames_until(*socket, kData);
    socket->send(in_trailers
                     ? frame(kHeaders, kEndHeaders, 1, head) + frame(kHeaders, kEndHeaders | kEndStream, 1, bomb)
                     : frame(kHeaders, kEndHeaders, 1, head + bomb));
    EXPECT_NE(wait(index).status, GrpcStatus::kOk);
    ASSERT_TRUE(run_until([&] { return socket->over(); })) << "it has more to say than is read";
    EXPECT_EQ(lost_.back().message, server_.endpoint().to_string() + ": header flood");
  }
}

TEST_F(Channel, ByName) {
  options_.endpoint = Endpoint{"localhost", server_.endpoint().port, ""};
  options_.resolver = std::make_shared<Resolver>(loop, ResolverOptions{});
  const std::size_t index = call();
  const auto socket = accept();
  socket->send(HandServer::settings());
  frames_until(*socket, kData);
  socket->send(HandServer::answer(1, "named"));
  EXPECT_EQ(wait(index).body, "named");
  channel_.reset();
  options_.resolver.reset();
  EXPECT_NE(wait(call()).message.find("no resolver"), std::string::npos);
}

}  // namespace
}  // namespace ringside::net
