// Methods that take a stream of requests, and the bound on the streams that are open.

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "tests/unit/net/net_fixture.h"

namespace ringside::net {
namespace {

using namespace testing;

class RequestStream : public ListenerTest {
 protected:
  struct Open {
    std::shared_ptr<ClientStream> stream;
    std::vector<std::string> replies;
    std::optional<CallResult> result;
  };

  void SetUp() override {
    Method method;
    method.streams_requests = true;
    method.max_message = 1000;
    method.open_streams = open_streams_;
    method.handler = [this](const std::shared_ptr<ServerCall>& call) {
      ++handled_;
      call->send(reply_size_ == 0 ? call->take_message() : std::string(reply_size_, 'r'));
    };
    auto methods = std::make_shared<MethodTable>();
    methods->add("/s/Each", std::move(method));
    listener_ = serve(loop, on_loopback({.methods = std::move(methods)}));
  }

  std::shared_ptr<Open> begin(GrpcChannel& on) {
    auto open = std::make_shared<Open>();
    StreamHandlers handlers;
    handlers.on_message = [open](std::string message) { open->replies.push_back(std::move(message)); };
    handlers.on_finish = [open](CallResult result) { open->result = std::move(result); };
    open->stream = on.stream("/s/Each", {}, {}, std::move(handlers));
    return open;
  }

  std::shared_ptr<OpenStreams> open_streams_ = std::make_shared<OpenStreams>(2, 3);
  std::size_t reply_size_ = 0;
  std::size_t handled_ = 0;
};

TEST_F(RequestStream, EachMessageIsAnswered) {
  const auto open = begin(channel());
  for (const std::string message : {"one", "", "three"}) open->stream->send(message);
  ASSERT_TRUE(run_until([&] { return open->replies.size() == 3; }));
  EXPECT_FALSE(open->result) << "it stays open until the client ends it";
  open->stream->send("four");
  open->stream->half_close();
  EXPECT_EQ(await(open->result).status, GrpcStatus::kOk) << open->result->message;
  EXPECT_EQ(open->replies, (std::vector<std::string>{"one", "", "three", "four"}));
}

TEST_F(RequestStream, WithoutAMessageItIsOver) {
  const auto open = begin(channel());
  open->stream->half_close();
  EXPECT_EQ(await(open->result).status, GrpcStatus::kOk) << open->result->message;
}

TEST_F(RequestStream, ATooLargeMessageIsRefusedByItsPrefix) {
  const auto open = begin(channel());
  open->stream->send("fine");
  open->stream->send(std::string(1001, 'x'));
  EXPECT_EQ(await(open->result).status, GrpcStatus::kResourceExhausted);
  EXPECT_EQ(open->replies, (std::vector<std::string>{"fine"}));
}

TEST_F(RequestStream, AMessageThatIsCutOffIsAnError) {
  auto socket = connect();
  socket.send(std::string(kPreface) + frame(kSettings, 0, 0, "") + grpc_request(1, "/s/Each") +
              frame(kData, kEndStream, 1, grpc_message("cut off").substr(0, 9)));
  std::vector<Frame> frames;
  const auto ended = [](const Frame& one) { return one.type == kHeaders && (one.flags & kEndStream) != 0; };
  ASSERT_TRUE(run_until([&] {
    socket.pump();
    for (Frame& one : take_frames(socket.input())) frames.push_back(std::move(one));
    return std::any_of(frames.begin(), frames.end(), ended);
  }));
  EXPECT_EQ(decode_headers(frames).get("grpc-message"), "the last message is incomplete");
  EXPECT_EQ(handled_, 0U);
}

// Answers wait for whoever reads them, and so do the requests: what is made ahead is bounded.
TEST_F(RequestStream, WhoeverDoesNotReadIsNotAnsweredAhead) {
  reply_size_ = 10'000;
  auto socket = connect();
  std::string out = std::string(kPreface) + frame(kSettings, 0, 0, "") + grpc_request(1, "/s/Each");
  for (int i = 0; i < 40; ++i) {
    std::string messages;
    for (int j = 0; j < 1000; ++j) messages += grpc_message("");
    out += frame(kData, 0, 1, messages);
  }
  out += frame(kPing, 0, 0, "lastping");
  ASSERT_TRUE(run_until([&] {
    out.erase(0, socket.send(out));
    return socket.has("lastping");
  }));
  // The client's window of 64 KiB, and as much again unsent.
  EXPECT_LE(handled_, 20U);
}

TEST_F(RequestStream, HowManyAreOpenIsBounded) {
  ChannelOptions options;
  options.endpoint = listener_->local_address();
  GrpcChannel other(loop, options);
  const auto answered = [](const std::shared_ptr<Open>& open) { return [open] { return !open->replies.empty(); }; };
  std::vector<std::shared_ptr<Open>> open{begin(channel()), begin(channel()), begin(other)};
  for (const auto& one : open) {
    one->stream->send("here");
    ASSERT_TRUE(run_until(answered(one)));
  }
  for (GrpcChannel* on : {&channel(), &other}) {
    const auto refused = begin(*on);
    EXPECT_EQ(await(refused->result).status, GrpcStatus::kResourceExhausted);
    EXPECT_NE(refused->result->message.find("too many streams of /s/Each"), std::string::npos);
  }
  // A place is free again as soon as one has gone: of the connection, and of all.
  open[0]->stream->cancel();
  open[2]->stream->half_close();
  await(open[2]->result);
  const auto third = begin(channel());
  third->stream->send("here");
  ASSERT_TRUE(run_until(answered(third)));
  EXPECT_EQ(await(begin(channel())->result).status, GrpcStatus::kResourceExhausted) << "two on this connection";
}

TEST_F(RequestStream, StopEndsThemAndTakesNoMore) {
  const auto open = begin(channel());
  open->stream->send("here");
  ASSERT_TRUE(run_until([&] { return !open->replies.empty(); }));
  open_streams_->stop();
  EXPECT_EQ(await(open->result).status, GrpcStatus::kUnavailable);
  EXPECT_EQ(await(begin(channel())->result).status, GrpcStatus::kUnavailable);
}

TEST_F(RequestStream, ALostConnectionGivesItsPlacesBack) {
  {
    const auto open = begin(channel());
    const auto second = begin(channel());
    open->stream->send("here");
    ASSERT_TRUE(run_until([&] { return !open->replies.empty(); }));
    EXPECT_EQ(await(begin(channel())->result).status, GrpcStatus::kResourceExhausted);
    channel_.reset();
  }
  ASSERT_TRUE(run_until([this] { return listener_->connections() == 0; }));
  const auto open = begin(channel());
  open->stream->send("again");
  ASSERT_TRUE(run_until([&] { return open->replies.size() == 1; }));
}

}  // namespace
}  // namespace ringside::net
