// Binding, sniffing and the bounds of a listener.

#include "sidecar/net/listener/listener.h"

#include <memory>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/net/net_fixture.h"

namespace ringside::net {
namespace {

using namespace std::chrono_literals;
using testing::RawSocket;

class Listening : public testing::LoopTest {
 protected:
  static Http1Options http1() {
    Http1Options options;
    options.handler = [](const HttpRequest&, HttpReply reply) { reply({200, {}, "one"}); };
    return options;
  }
  static Http2Options http2() {
    Http2Options options;
    options.service = serve_grpc(
        {.methods = testing::one_method("/s/M", [](const std::shared_ptr<ServerCall>& call) { call->reply("two"); })});
    return options;
  }
  static ListenerOptions both(const std::string& address) {
    ListenerOptions options;
    options.address = *parse_endpoint(address, 0);
    options.http1 = http1();
    options.http2 = http2();
    return options;
  }
  std::unique_ptr<Listener> open(ListenerOptions options) { return testing::serve(loop, std::move(options)); }

  const std::string http2_start_ = std::string(testing::kPreface) + testing::frame(testing::kSettings, 0, 0, "");
  const std::string http1_request_ = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
};

TEST_F(Listening, BothProtocolsOnOnePort) {
  const auto listener = open(both("127.0.0.1:0"));
  EXPECT_NE(listener->local_address().port, 0);
  auto one = RawSocket::connect_to(listener->local_address());
  auto two = RawSocket::connect_to(listener->local_address());
  one.send(http1_request_);
  two.send(http2_start_ + testing::grpc_request(1, "/s/M") +
           testing::frame(testing::kData, testing::kEndStream, 1, testing::grpc_message("")));
  EXPECT_TRUE(run_until([&] { return one.has("one") && two.has("two"); }));
}

TEST_F(Listening, PrefaceInPieces) {
  const auto listener = open(both("127.0.0.1:0"));
  auto socket = RawSocket::connect_to(listener->local_address());
  for (const char c : http2_start_) {
    socket.send(std::string_view(&c, 1));
    settle();
  }
  socket.send(testing::grpc_request(1, "/s/M") +
              testing::frame(testing::kData, testing::kEndStream, 1, testing::grpc_message("")));
  EXPECT_TRUE(run_until([&socket] { return socket.has("two"); }));
  // "PRI" is a method like any other until a byte differs.
  auto other = RawSocket::connect_to(listener->local_address());
  other.send("PRI / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(run_until([&other] { return other.has("one"); }));
}

TEST_F(Listening, HalfAPrefaceEndsOnTheTimer) {
  auto options = both("127.0.0.1:0");
  options.sniff_timeout = 50ms;
  const auto listener = open(std::move(options));
  auto half = RawSocket::connect_to(listener->local_address());
  auto silent = RawSocket::connect_to(listener->local_address());
  half.send("PRI * HTTP/2.0\r\n");
  EXPECT_TRUE(run_until([&] { return half.over() && silent.over(); }));
  EXPECT_TRUE(half.input().empty());
  EXPECT_TRUE(run_until([&] { return listener->connections() == 0; }));
}

TEST_F(Listening, SaysWhichProtocolItSpeaks) {
  auto grpc_only = both("127.0.0.1:0");
  grpc_only.http1.reset();
  const auto peer = open(std::move(grpc_only));
  auto one = RawSocket::connect_to(peer->local_address());
  one.send(http1_request_);
  ASSERT_TRUE(run_until([&one] { return one.over(); }));
  EXPECT_TRUE(one.input().starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(one.input().ends_with("This port speaks gRPC (HTTP/2) only.\r\n"));

  auto http_only = both("127.0.0.1:0");
  http_only.http2.reset();
  const auto admin = open(std::move(http_only));
  auto two = RawSocket::connect_to(admin->local_address());
  two.send(http2_start_);
  ASSERT_TRUE(run_until([&two] { return two.over(); }));
  const auto frames = testing::take_frames(two.input());
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_EQ(frames[1].type, testing::kGoaway);
  EXPECT_EQ(frames[1].payload, testing::number(0) + testing::number(0xd));
}

TEST_F(Listening, PortInUseIsAClearError) {
  const auto first = open(both("127.0.0.1:0"));
  Listener second(loop, both(first->local_address().to_string()));
  EXPECT_EQ(second.open().error(),
            "cannot listen on " + first->local_address().to_string() + ": Address already in use");
}

TEST_F(Listening, UnixSocketFiles) {
  const std::string path = ::testing::TempDir() + "ringside-listener.sock";
  ::unlink(path.c_str());
  auto first = open(both("unix:" + path));
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0660U);
  // Somebody answers there: kept.
  Listener second(loop, both("unix:" + path));
  EXPECT_EQ(second.open().error(), "cannot listen on unix:" + path + ": somebody else answers there");
  auto client = RawSocket::connect_to(first->local_address());
  client.send(http1_request_);
  EXPECT_TRUE(run_until([&client] { return client.has("one"); }));
  first.reset();
  EXPECT_NE(::stat(path.c_str(), &status), 0);
  // A file left behind by a process that is gone: replaced.
  const std::string left = path + ".left";
  ASSERT_EQ(::link(path.c_str(), left.c_str()), -1);
  {
    auto dead = open(both("unix:" + path));
    ASSERT_EQ(::rename(path.c_str(), left.c_str()), 0);
  }
  ASSERT_EQ(::rename(left.c_str(), path.c_str()), 0);
  EXPECT_TRUE(open(both("unix:" + path)));
  // No socket: kept.
  const int file = ::open(path.c_str(), O_CREAT | O_CLOEXEC | O_WRONLY, 0600);
  ASSERT_GE(file, 0);
  ::close(file);
  EXPECT_EQ(Listener(loop, both("unix:" + path)).open().error(),
            "cannot listen on unix:" + path + ": the file exists and is not a socket");
  ::unlink(path.c_str());
}

TEST_F(Listening, ConnectionsAreBounded) {
  auto options = both("127.0.0.1:0");
  options.slots = std::make_shared<Budget>(2);
  const auto slots = options.slots;
  int full = 0;
  options.on_full = [&full] { ++full; };
  std::vector<HttpReply> later;
  options.http1->handler = [&later](const HttpRequest&, HttpReply reply) { later.push_back(std::move(reply)); };
  const auto listener = open(std::move(options));
  std::vector<RawSocket> sockets;
  for (std::size_t i = 0; i < 4; ++i) {
    sockets.push_back(RawSocket::connect_to(listener->local_address()));
    sockets.back().send(i < 3 ? http1_request_ : http2_start_);
    ASSERT_TRUE(run_until([&] { return later.size() == std::min<std::size_t>(2, i + 1); }));
  }
  // One too many hears why, in its own protocol.
  EXPECT_TRUE(run_until([&] { return sockets[2].over() && sockets[3].over(); }));
  EXPECT_TRUE(sockets[2].input().starts_with("HTTP/1.1 429 ")) << sockets[2].input();
  EXPECT_TRUE(sockets[2].input().ends_with("too many connections\n")) << sockets[2].input();
  const auto frames = testing::take_frames(sockets[3].input());
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_EQ(frames[1].type, testing::kGoaway);
  EXPECT_EQ(frames[1].payload, testing::number(0) + testing::number(0xb) + "too many connections");
  EXPECT_EQ(full, 2);
  EXPECT_EQ(slots->used(), 2U);
  // Whoever has been answered makes room.
  for (HttpReply& reply : later) reply({200, {}, "one"});
  EXPECT_TRUE(run_until([&] { return sockets[0].has("one") && sockets[1].has("one"); }));
  auto again = RawSocket::connect_to(listener->local_address());
  again.send(http1_request_);
  EXPECT_TRUE(run_until([&] { return later.size() == 3; }));
  EXPECT_TRUE(run_until([&] { return sockets[0].over(); }));
  EXPECT_FALSE(sockets[1].over());
}

// Whoever waits for its client makes room for those who have something to say, without delay.
TEST_F(Listening, TheSilentAndTheSlowMakeRoom) {
  auto options = both("127.0.0.1:0");
  options.slots = std::make_shared<Budget>(4);
  const auto slots = options.slots;
  const auto listener = open(std::move(options));
  std::vector<RawSocket> waiting;
  for (const std::string& said :
       std::vector<std::string>{"", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab", http1_request_, ""}) {
    waiting.push_back(RawSocket::connect_to(listener->local_address()));
    waiting.back().send(said);
    settle();
  }
  ASSERT_TRUE(run_until([&] { return slots->used() == 4 && waiting[2].has("one"); }));
  // Silent ones first, then one that is between requests, then one in the middle of a request.
  std::vector<RawSocket> callers;
  for (const std::size_t goes : {0, 3, 2, 1}) {
    callers.push_back(RawSocket::connect_to(listener->local_address()));
    callers.back().send(http2_start_ + testing::grpc_request(1, "/s/M"));  // such a one stays
    EXPECT_TRUE(run_until([&] { return callers.back().has(std::string(1, testing::kSettings)); }));
    EXPECT_TRUE(run_until([&] { return waiting[goes].over(); })) << goes;
  }
  EXPECT_EQ(slots->used(), 4U);
}

// Two addresses of this machine: the one with fewer connections keeps them.
TEST_F(Listening, ASilentFloodKeepsOutItself) {
  auto options = both("127.0.0.1:0");
  options.slots = std::make_shared<Budget>(8);
  const auto listener = open(std::move(options));
  auto caller = RawSocket::connect_to(listener->local_address(), "127.0.0.2");
  settle();
  std::vector<RawSocket> silent;
  for (int i = 0; i < 40; ++i) {
    silent.push_back(RawSocket::connect_to(listener->local_address()));
    settle();
  }
  EXPECT_TRUE(silent[20].over());
  caller.send(http1_request_);
  EXPECT_TRUE(run_until([&caller] { return caller.has("one") || caller.over(); }));
  EXPECT_TRUE(caller.has("one"));
}

TEST_F(Listening, AFloodOfSilentConnectionsKeepsNobodyOut) {
  auto options = both("127.0.0.1:0");
  options.slots = std::make_shared<Budget>(8);
  const auto listener = open(std::move(options));
  std::vector<RawSocket> silent;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 16; ++i) silent.push_back(RawSocket::connect_to(listener->local_address()));
    auto caller = RawSocket::connect_to(listener->local_address());
    caller.send(http1_request_);
    EXPECT_TRUE(run_until([&caller] { return caller.has("one") || caller.over(); }));
    EXPECT_TRUE(caller.has("one")) << round;
  }
}

// Nor does one that says which protocol it speaks and then asks nothing.
TEST_F(Listening, ThoseThatAskNothingMakeRoom) {
  auto options = both("127.0.0.1:0");
  options.slots = std::make_shared<Budget>(2);
  const auto listener = open(std::move(options));
  auto idle = RawSocket::connect_to(listener->local_address());
  auto asking = RawSocket::connect_to(listener->local_address());
  idle.send(http2_start_);
  asking.send(http2_start_ + testing::grpc_request(1, "/s/M"));
  const auto answered = [](RawSocket& socket) {
    socket.pump();
    return !socket.input().empty();
  };
  ASSERT_TRUE(run_until([&] { return answered(idle) && answered(asking); }));
  EXPECT_TRUE(run_until([&] {
    auto one = RawSocket::connect_to(listener->local_address());
    one.send(http1_request_);
    EXPECT_TRUE(run_until([&one] { return one.has("one") || one.over(); }));
    return one.has("one");
  }));
  EXPECT_TRUE(idle.over());
  EXPECT_FALSE(asking.over());
}

TEST_F(Listening, OutOfDescriptorsItWaits) {
  const auto listener = open(both("127.0.0.1:0"));
  auto socket = RawSocket::connect_to(listener->local_address());
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const int next_free = ::dup(0);
  ::close(next_free);
  rlimit tight = before;
  tight.rlim_cur = static_cast<rlim_t>(next_free);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  socket.send(http1_request_);
  std::size_t turns = 0;
  const auto until = Clock::now() + 250ms;
  while (Clock::now() < until) turns += loop.run_once(10ms);
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_LT(turns, 50U) << "it spins";
  EXPECT_TRUE(run_until([&socket] { return socket.has("one"); }));
}

TEST_F(Listening, DrainServesWhatHasConnected) {
  // Connected and sent, not yet accepted: the kernel would reset them when the listener closes.
  const auto listener = open(both("127.0.0.1:0"));
  std::vector<RawSocket> sockets;
  for (int i = 0; i < 20; ++i) {
    sockets.push_back(RawSocket::connect_to(listener->local_address()));
    sockets.back().send(http1_request_);
  }
  std::optional<std::size_t> cut;
  listener->drain(20s, [&cut](std::size_t n) { cut = n; });
  ASSERT_TRUE(run_until([&cut] { return cut.has_value(); }));
  EXPECT_EQ(*cut, 0U);
  for (RawSocket& socket : sockets) EXPECT_TRUE(run_until([&socket] { return socket.has("one"); }));
}

}  // namespace
}  // namespace ringside::net
