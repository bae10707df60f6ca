// The client role: deadlines, latest beginnings, and connections that go away in order.
#include <string>

#include "tests/unit/net/grpc/grpc_channel_fixture.h"

namespace ringside::net {
namespace {

using namespace std::chrono_literals;
using namespace testing;

TEST_F(Channel, DeadlineAndCancelResetTheStream) {
  const std::size_t index = call("x", {Clock::now() + 100ms, 1000, false});
  const auto socket = accept();
  socket->send(HandServer::settings());
  const auto frames = frames_until(*socket, kRstStream);
  EXPECT_EQ(frames.back().payload, number(8));
  EXPECT_EQ(wait(index).status, GrpcStatus::kDeadlineExceeded);
  EXPECT_EQ(wait(index).delivery, Delivery::kMaybe);
  const auto id = channel().unary("/s/M", {}, "y", {}, [](const CallResult&) { FAIL(); });
  EXPECT_EQ(channel().cancel(id), Delivery::kNotSent);
  // Passed already: never sent.
  CallOptions past;
  past.deadline = Clock::now() - 1s;
  EXPECT_EQ(wait(call("x", past)).status, GrpcStatus::kDeadlineExceeded);
}

// What it has to say of the deadline takes its time to come back.
TEST_F(Channel, TheServersOwnWordMayComeAfterTheDeadline) {
  CallOptions options;
  options.deadline = Clock::now() + 20ms;
  options.grace = 1min;
  const std::size_t index = call("x", options);
  const auto socket = accept();
  socket->send(HandServer::settings());
  EXPECT_FALSE(decode_headers(frames_until(*socket, kData)).get("grpc-timeout").ends_with("S")) << "without the grace";
  EXPECT_TRUE(run_until([&] { return Clock::now() > *options.deadline + 5ms; }));
  EXPECT_FALSE(results_[index].has_value());
  socket->send(HandServer::answer(1, "late"));
  EXPECT_EQ(wait(index).body, "late");
}

// Behind the server's limit of streams a call may wait long.
TEST_F(Channel, ALatestBeginningIsNoEnd) {
  CallOptions soon;
  soon.begin_by = Clock::now() + 300ms;
  const std::size_t first = call("first", soon);
  EXPECT_FALSE(channel().any_begun());
  const auto socket = accept();
  socket->send(frame(kSettings, 0, 0, std::string("\0\3", 2) + number(1)));
  EXPECT_TRUE(decode_headers(frames_until(*socket, kData)).get("grpc-timeout").empty());
  soon.begin_by = Clock::now() + 350ms;
  const CallResult& late = wait(call("late", soon));
  EXPECT_EQ(late.status, GrpcStatus::kDeadlineExceeded);
  EXPECT_EQ(late.delivery, Delivery::kNotSent);
  EXPECT_FALSE(results_[first].has_value()) << "one that has begun goes on";
  EXPECT_TRUE(channel().any_begun());
  const std::size_t next = call("next");
  socket->send(HandServer::answer(1, "ok"));
  EXPECT_EQ(wait(first).body, "ok");
  const auto frames = frames_until(*socket, kData);
  EXPECT_EQ(frames.back().payload, grpc_message("next"));
  socket->send(HandServer::answer(frames.back().stream, "ok"));
  EXPECT_EQ(wait(next).body, "ok");
}

TEST_F(Channel, AStreamHearsThatItsConnectionGoesAway) {
  int heard = 0;
  std::vector<std::string> received;
  std::optional<CallResult> result;
  StreamHandlers handlers;
  handlers.on_going_away = [&heard] { ++heard; };
  handlers.on_message = [&received](std::string message) { received.push_back(std::move(message)); };
  handlers.on_finish = [&result](CallResult r) { result = std::move(r); };
  const auto stream = channel().stream("/s/S", {}, {}, std::move(handlers));
  stream->send("a");
  const auto old = accept();
  old->send(HandServer::settings());
  frames_until(*old, kData);
  for (int i = 0; i < 2; ++i) old->send(frame(kGoaway, 0, 0, number(0x7fffffff) + number(0)));
  ASSERT_TRUE(run_until([&heard] { return heard == 1; }));
  // What is under way goes on where it is, and what is new has another connection.
  stream->send("b");
  EXPECT_EQ(frames_until(*old, kData).back().payload, grpc_message("b"));
  call("new");
  const auto fresh = accept();
  fresh->send(HandServer::settings());
  EXPECT_EQ(frames_until(*fresh, kData).back().payload, grpc_message("new"));
  old->send(HandServer::answer(1, "last"));
  EXPECT_EQ(await(result).status, GrpcStatus::kOk);
  EXPECT_EQ(received, std::vector<std::string>{"last"});
  EXPECT_EQ(heard, 1);
}

}  // namespace
}  // namespace ringside::net
