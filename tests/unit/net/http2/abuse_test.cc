// What a hostile client can do to the HTTP/2 server: each ends the connection, and costs little until then.

#include <memory>
#include <string>
#include <vector>

#include <malloc.h>

#include "sidecar/net/http2/http2_requests.h"
#include "tests/unit/net/net_fixture.h"

namespace ringside::net {
namespace {

using namespace testing;

// What is allocated now; nothing under the address sanitizer, which keeps for a while what has been freed.
std::size_t heap_kib() {
  const auto heap = ::mallinfo2();
  return (heap.uordblks + heap.hblkhd) / 1024;
}

// A block of headers, from fields of one byte each that mean 4,000.
std::string bomb(std::size_t fields, bool first) {
  static const std::string field =
      std::string("\x40", 1) + "\x01x" + std::string("\x7f\x80\x1e", 3) + std::string(3967, 'v');
  return (first ? field : "") + std::string(fields, '\xbe');
}

class Abuse : public ListenerTest {
 protected:
  void SetUp() override {
    HttpServing requests;
    requests.handler = [this](const HttpRequest& request, HttpReply reply) {
      if (request.target == "/hold") {
        held_requests_.push_back(std::move(reply));
      } else {
        reply({200, {}, std::string(request.target == "/large" ? 1'000'000 : 1, '.')});
      }
    };
    auto options = on_loopback(
        {.methods = one_method("/s/Hold", [this](const std::shared_ptr<ServerCall>& call) { held_.push_back(call); }),
         .not_grpc = serve_requests(std::move(requests))});
    options.http2->control_burst = 2'000;
    options.http2->control_per_second = 1;
    options.http2->write_timeout = std::chrono::milliseconds(200);
    options.on_incident = [this](std::string_view incident, std::string_view peer) {
      incident_ = incident;
      EXPECT_EQ(peer, "127.0.0.1");
    };
    listener_ = serve(loop, std::move(options));
  }

  // Sends `unit(i)` over and over (our SETTINGS are never acknowledged) until the server ends the connection; says what
  // it was called.
  std::string flood(const std::function<std::string(std::uint32_t)>& unit, bool read_answers = true) {
    return flood(connect(), unit, read_answers);
  }
  std::string flood(RawSocket socket, const std::function<std::string(std::uint32_t)>& unit, bool read_answers) {
    std::string out = std::string(kPreface) + frame(kSettings, 0, 0, "");
    std::uint32_t i = 0;
    const std::size_t before = heap_kib();
    std::size_t most = before;
    EXPECT_TRUE(run_until([&] {
      for (; out.size() < 256 * 1024; ++i) out += unit(i);
      out.erase(0, socket.send(out));
      loop.poll();
      if (read_answers) {
        socket.pump();
        socket.input().clear();
      }
      most = std::max(most, heap_kib());
      return !incident_.empty();
    }));
    EXPECT_TRUE(run_until([this] { return listener_->connections() == 0; }));
    EXPECT_LT(most - before, 32U * 1024) << "KiB grown";
    return incident_;
  }

  std::vector<std::shared_ptr<ServerCall>> held_;
  std::vector<HttpReply> held_requests_;
  std::string incident_;
};

TEST_F(Abuse, RapidReset) {
  EXPECT_EQ(flood([](std::uint32_t i) {
              const std::uint32_t stream = 2 * i + 1;
              return grpc_request(stream, "/s/Hold") + frame(kData, kEndStream, stream, grpc_message("")) +
                     frame(kRstStream, 0, stream, number(8));
            }),
            "rapid reset");
}

std::string plain_request(std::uint32_t stream, const std::string& path, bool whole = true) {
  const Metadata headers{
      {":method", whole ? "GET" : "POST"}, {":scheme", "http"}, {":path", path}, {":authority", "localhost"}};
  return frame(kHeaders, kEndHeaders | (whole ? kEndStream : 0), stream, hpack(headers));
}

TEST_F(Abuse, RapidResetOfPlainRequests) {
  for (const char* path : {"/hold", "/large"}) {
    incident_.clear();
    EXPECT_EQ(flood([path](std::uint32_t i) {
                const std::uint32_t stream = 2 * i + 1;
                return plain_request(stream, path) + frame(kRstStream, 0, stream, number(8));
              }),
              "rapid reset");
  }
}

TEST_F(Abuse, PlainRequestsMadeToBeReset) {
  EXPECT_EQ(flood([](std::uint32_t i) {
              return plain_request(2 * i + 1, "/hold", false) + frame(8, 0, 2 * i + 1, number(0x7fffffff));
            }),
            "streams made to be reset");
}

TEST_F(Abuse, PlainRequestsWhoseAnswersAreNotRead) {
  // What is not read keeps its streams open, and more than the server allows are refused.
  EXPECT_EQ(flood([](std::uint32_t i) { return plain_request(2 * i + 1, "/"); }, false), "streams made to be reset");
}

// The client's first window takes a part of each answer; what is held of the others has a bound.
TEST_F(Abuse, LargeAnswersThatAreNotRead) {
  EXPECT_FALSE(flood([](std::uint32_t i) { return plain_request(2 * i + 1, "/large"); }, false).empty());
}

TEST_F(Abuse, EmptyDataInPlainRequests) {
  EXPECT_EQ(flood([](std::uint32_t i) { return i == 0 ? plain_request(1, "/", false) : frame(kData, 0, 1, ""); }),
            "empty DATA flood");
}

TEST_F(Abuse, HpackBombInPlainRequests) {
  EXPECT_EQ(flood([](std::uint32_t i) {
              const std::string block =
                  hpack({{":method", "GET"}, {":scheme", "http"}, {":path", "/v1/members"}}) + bomb(8'000, i == 0);
              return frame(kHeaders, kEndHeaders | kEndStream, 2 * i + 1, block);
            }),
            "header flood");
}

TEST_F(Abuse, PingFlood) {
  // Ours, or nghttp2's own bound on answers not yet sent: whichever comes first.
  EXPECT_FALSE(flood([](std::uint32_t) { return frame(kPing, 0, 0, "12345678"); }).empty());
}

TEST_F(Abuse, PingFloodThatReadsNothing) {
  EXPECT_FALSE(flood([](std::uint32_t) { return frame(kPing, 0, 0, "12345678"); }, false).empty());
}

TEST_F(Abuse, SettingsFlood) {
  EXPECT_EQ(flood([](std::uint32_t) { return frame(kSettings, 0, 0, ""); }), "SETTINGS flood");
}

TEST_F(Abuse, EmptyDataFlood) {
  EXPECT_EQ(flood([](std::uint32_t i) { return i == 0 ? grpc_request(1, "/s/Hold") : frame(kData, 0, 1, ""); }),
            "empty DATA flood");
}

TEST_F(Abuse, PriorityFlood) {
  EXPECT_EQ(flood([](std::uint32_t i) { return frame(2, 0, 2 * i + 1, number(0) + "x"); }), "PRIORITY flood");
}

TEST_F(Abuse, WindowUpdateFlood) {
  EXPECT_EQ(flood([](std::uint32_t i) { return i == 0 ? grpc_request(1, "/s/Hold") : frame(8, 0, 1, number(1)); }),
            "WINDOW_UPDATE flood");
}

TEST_F(Abuse, MadeYouReset) {
  // Each stream is made to be reset by us: a window beyond 2^31 is a stream error.
  EXPECT_EQ(flood([](std::uint32_t i) {
              return grpc_request(2 * i + 1, "/s/Hold") + frame(8, 0, 2 * i + 1, number(0x7fffffff));
            }),
            "streams made to be reset");
}

TEST_F(Abuse, HpackBomb) {
  EXPECT_EQ(flood([](std::uint32_t i) {
              const std::string block =
                  hpack({{":method", "POST"}, {":scheme", "http"}, {":path", "/"}}) + bomb(8'000, i == 0);
              return frame(kHeaders, kEndHeaders, 2 * i + 1, block);
            }),
            "header flood");
}

TEST_F(Abuse, HpackBombInTrailers) {
  EXPECT_EQ(flood([](std::uint32_t i) {
              const std::uint32_t stream = 2 * i + 1;
              return grpc_request(stream, "/s/Hold") +
                     frame(kHeaders, kEndHeaders | kEndStream, stream, bomb(8'000, i == 0));
            }),
            "header flood");
}

TEST_F(Abuse, HpackBombInContinuations) {
  EXPECT_EQ(flood([](std::uint32_t i) {
              const std::uint32_t stream = 2 * i + 1;
              std::string frames = grpc_request(stream, "/s/Hold") + frame(kHeaders, kEndStream, stream, bomb(8, true));
              for (int more = 0; more < 4; ++more) {
                frames += frame(kContinuation, more == 3 ? kEndHeaders : 0, stream, bomb(16'000, false));
              }
              return frames;
            }),
            "header flood");
}

// Each below what ends the connection, and each above the limit.
TEST_F(Abuse, ManyLargeBlocks) {
  EXPECT_EQ(flood([](std::uint32_t i) {
              const std::uint32_t stream = 2 * i + 1;
              return grpc_request(stream, "/s/Hold") +
                     frame(kHeaders, kEndHeaders | kEndStream, stream, bomb(8, i == 0));
            }),
            "header flood");
}

TEST_F(Abuse, ContinuationFlood) {
  EXPECT_FALSE(flood([](std::uint32_t i) {
                 if (i == 0) return grpc_request(1, "/s/Hold") + frame(kHeaders, kEndStream, 1, "");
                 return frame(kContinuation, 0, 1, "");
               }).empty());
}

TEST_F(Abuse, ManyFields) {
  EXPECT_EQ(flood([](std::uint32_t i) {
              Metadata many;
              for (int field = 0; field < 500; ++field) many.add("a", "");
              return grpc_request(2 * i + 1, "/s/Hold", many);
            }),
            "header flood");
}

// What is refused costs the client nothing to send, and an answer to make: none is read here.
TEST_F(Abuse, RefusalsThatAreNotRead) {
  const Metadata get{{":method", "GET"},
                     {":scheme", "http"},
                     {":path", "/"},
                     {":authority", "here"},
                     {"content-type", "application/grpc"}};
  const auto refused = [&get](std::uint32_t i) {
    return frame(kHeaders, kEndHeaders | kEndStream, 2 * i + 1, hpack(get));
  };
  // Refusals are small: it takes 300,000 of them to fill what the kernel holds for an ordinary connection.
  EXPECT_EQ(flood(RawSocket::connect_narrow(listener_->local_address()), refused, false), "answers that are not read");
}

TEST_F(Abuse, BadHeadersWhoseResetsAreNotRead) {
  const auto bad = [](std::uint32_t i) { return grpc_request(2 * i + 1, "/s/Hold", {{"Upper", "case"}}); };
  EXPECT_FALSE(flood(bad, false).empty());
}

TEST_F(Abuse, EmptyBlocksWhoseResetsAreNotRead) {
  EXPECT_FALSE(flood([](std::uint32_t i) { return frame(kHeaders, kEndHeaders, 2 * i + 1, ""); }, false).empty());
}

TEST_F(Abuse, TrailersWithoutEndWhoseResetsAreNotRead) {
  const auto unit = [](std::uint32_t i) {
    return grpc_request(2 * i + 1, "/s/Hold") + frame(kHeaders, kEndHeaders, 2 * i + 1, hpack({{"x", "y"}}));
  };
  EXPECT_FALSE(flood(unit, false).empty());
}

TEST_F(Abuse, Garbage) {
  EXPECT_FALSE(flood([](std::uint32_t) { return std::string("\xff\xff\xff\xff garbage"); }).empty());
}

TEST_F(Abuse, MemoryOfHeldStreamsIsBounded) {
  // Announces 4 MiB on a thousand streams and sends nothing of it.
  auto socket = connect();
  std::string out = std::string(kPreface) + frame(kSettings, 0, 0, "");
  for (std::uint32_t i = 0; i < 1000; ++i) {
    out += grpc_request(2 * i + 1, "/s/Hold") + frame(kData, 0, 2 * i + 1, std::string("\0\0\x3f\xff\xff", 5));
  }
  out += frame(kPing, 0, 0, "lastping");
  const std::size_t before = heap_kib();
  ASSERT_TRUE(run_until([&] {
    out.erase(0, socket.send(out));
    return socket.has("lastping");
  }));
  EXPECT_LT(heap_kib(), before + 16U * 1024);
  EXPECT_TRUE(incident_.empty());
}

// Ten connections of large requests that wait for their bodies: headers count in the budget, of each and of all.
TEST_F(Abuse, HeadersThatAreHeld) {
  auto options = on_loopback({.methods = one_method("/s/Hold", [](const auto&) {})});
  options.http2->connection_budget = std::size_t{2} << 20;
  options.http2->total = std::make_shared<Budget>(std::size_t{8} << 20);
  const auto total = options.http2->total;
  listener_ = serve(loop, std::move(options));
  const std::size_t before = heap_kib();
  std::vector<RawSocket> sockets;
  for (int connection = 0; connection < 10; ++connection) {
    RawSocket& socket = sockets.emplace_back(connect());
    std::string out = std::string(kPreface) + frame(kSettings, 0, 0, "");
    for (std::uint32_t i = 0; i < 1000; ++i) {
      out += grpc_request(2 * i + 1, "/s/Hold", {{"big", std::string(15'000, 'h')}});
    }
    out += frame(kPing, 0, 0, "lastping");
    ASSERT_TRUE(run_until([&] {
      out.erase(0, socket.send(out));
      return socket.has("lastping");
    }));
    EXPECT_LE(total->used(), total->limit());
  }
  EXPECT_GT(total->used(), total->limit() / 2) << "they are counted";
  EXPECT_LT(heap_kib(), before + 32U * 1024);
  sockets.clear();
  ASSERT_TRUE(run_until([this] { return listener_->connections() == 0; }));
  EXPECT_EQ(total->used(), 0U);
  EXPECT_EQ(call("/s/Hold", "").message, "the handler gave no answer") << "there is room again";
}

}  // namespace
}  // namespace ringside::net
