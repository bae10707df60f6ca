// Answers that go on: what is written comes at once, and what is not read waits for room.
#include <memory>
#include <string>

#include "tests/unit/net/http2/http2_requests_fixture.h"

namespace ringside::net {
namespace {

using namespace std::chrono_literals;
using namespace testing;

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
  const std::uint32_t id = begin_stream(client);
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
  const std::uint32_t id = begin_stream(client);
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
  const std::uint32_t id = begin_stream(client);
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
  const std::uint32_t id = begin_stream(client);
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
  const std::uint32_t id = begin_stream(client);
  stream_->write(std::string(25'000, 'x'));
  EXPECT_TRUE(await(client, id).reset);
  ASSERT_TRUE(run_until([&] { return ended_ == 1; }));
}

}  // namespace
}  // namespace ringside::net
