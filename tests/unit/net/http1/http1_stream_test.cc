// A body that goes on, over HTTP/1.1: spoken byte by byte.
#include <memory>
#include <string>
#include <vector>

#include "tests/unit/net/net_fixture.h"

namespace ringside::net {
namespace {

using namespace std::chrono_literals;
using testing::RawSocket;

class Http1Stream : public testing::ListenerTest {
 protected:
  void SetUp() override {
    http1_.handler = [this](const HttpRequest&, HttpReply reply) {
      HttpStream::Events events;
      events.drained = [this] { ++drained_; };
      events.ended = [this] { ++ended_; };
      stream_ = reply.stream({200, {{"content-type", "text/event-stream"}}, ""}, std::move(events));
      if (stream_) stream_->write("first\n");
    };
  }

  RawSocket open() {
    auto options = testing::on_loopback();
    options.http1 = http1_;
    options.on_incident = [this](std::string_view what, std::string_view) { incidents_.emplace_back(what); };
    listener_ = testing::serve(loop, std::move(options));
    auto socket = connect();
    socket.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    return socket;
  }
  // Writes until the connection takes no more, and then so much.
  void fill(std::size_t unsent) {
    for (int i = 0; i < 100'000 && ended_ == 0 && stream_->unsent() < unsent; ++i)
      stream_->write(std::string(1000, 'x'));
  }

  Http1Options http1_;
  std::unique_ptr<HttpStream> stream_;
  int drained_ = 0;
  int ended_ = 0;
  std::vector<std::string> incidents_;
};

TEST_F(Http1Stream, ComesInPiecesAndEndsWithTheConnection) {
  auto socket = open();
  ASSERT_TRUE(run_until([&] { return socket.has("first\n"); }));
  EXPECT_TRUE(socket.has("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"));
  EXPECT_TRUE(socket.has("connection: close\r\n"));
  EXPECT_FALSE(socket.has("content-length"));
  stream_->write("second\n");
  ASSERT_TRUE(run_until([&] { return socket.has("first\nsecond\n"); }));
  EXPECT_EQ(stream_->unsent(), 0U);
  stream_.reset();
  ASSERT_TRUE(run_until([&] { return socket.over(); }));
  EXPECT_TRUE(socket.input().ends_with("second\n"));
}

TEST_F(Http1Stream, ItHearsThatTheClientHasGone) {
  {
    auto socket = open();
    ASSERT_TRUE(run_until([&] { return socket.has("first\n"); }));
  }
  ASSERT_TRUE(run_until([&] { return ended_ == 1; }));
  stream_->write("nowhere");
  EXPECT_EQ(stream_->unsent(), 0U);
  EXPECT_EQ(ended_, 1);
}

TEST_F(Http1Stream, AClientThatHasSaidEverythingEndsIt) {
  auto socket = open();
  ASSERT_TRUE(run_until([&] { return socket.has("first\n"); }));
  socket.half_close();
  ASSERT_TRUE(run_until([&] { return socket.over() && ended_ == 1; }));
}

TEST_F(Http1Stream, AListenerThatDrainsEndsIt) {
  auto socket = open();
  ASSERT_TRUE(run_until([&] { return socket.has("first\n"); }));
  bool drained = false;
  listener_->drain(10s, [&](std::size_t) { drained = true; });
  ASSERT_TRUE(run_until([&] { return drained && socket.over() && ended_ == 1; }));
}

TEST_F(Http1Stream, WhatIsNotReadWaitsAndIsSentOnceItIs) {
  auto socket = open();
  ASSERT_TRUE(run_until([&] { return stream_ != nullptr; }));
  fill(40'000);
  const std::size_t unsent = stream_->unsent();
  EXPECT_EQ(drained_, 0);
  ASSERT_TRUE(run_until([&] {
    socket.over();  // reads
    return drained_ == 1;
  }));
  EXPECT_EQ(stream_->unsent(), 0U);
  EXPECT_GE(unsent, 40'000U);
  stream_->write("last\n");
  ASSERT_TRUE(run_until([&] { return socket.has("last\n"); }));
}

TEST_F(Http1Stream, OneThatIsGivenUpIsClosedAtOnce) {
  auto socket = open();
  ASSERT_TRUE(run_until([&] { return stream_ != nullptr; }));
  fill(40'000);
  stream_->give_up();
  EXPECT_EQ(stream_->unsent(), 0U);
  ASSERT_TRUE(run_until([&] { return ended_ == 1 && !incidents_.empty(); }));
  EXPECT_EQ(incidents_.front(), "slow reader");
}

TEST_F(Http1Stream, OneOfWhichNothingIsReadEndsAfterTheWriteTimeout) {
  http1_.write_timeout = 50ms;
  auto socket = open();
  ASSERT_TRUE(run_until([&] { return stream_ != nullptr; }));
  ASSERT_TRUE(run_until([&] {
    fill(20'000);  // what the two kernels still take counts as read
    return ended_ == 1;
  }));
  EXPECT_EQ(stream_->unsent(), 0U);
}

}  // namespace
}  // namespace ringside::net
