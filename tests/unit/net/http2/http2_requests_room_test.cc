// Ordinary requests over HTTP/2: the bytes and the places that they take, and who gives way.
#include <string>
#include <vector>

#include "tests/unit/net/http2/http2_requests_fixture.h"

namespace ringside::net {
namespace {

using namespace std::chrono_literals;
using namespace testing;

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
