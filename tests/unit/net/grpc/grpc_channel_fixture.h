// A channel before a server that says what the test writes, frame by frame.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "sidecar/net/grpc/grpc_channel.h"
#include "tests/unit/net/net_fixture.h"

namespace ringside::net::testing {

// What a server says, frame by frame.
struct HandServer {
  static std::string settings() { return frame(kSettings, 0, 0, ""); }
  static std::string answer(std::uint32_t stream, const std::string& body) {
    return frame(kHeaders, kEndHeaders, stream, hpack({{":status", "200"}, {"content-type", "application/grpc"}})) +
           frame(kData, 0, stream, grpc_message(body)) +
           frame(kHeaders, kEndHeaders | kEndStream, stream, hpack({{"grpc-status", "0"}}));
  }
};

class Channel : public HandServerTest<CallResult> {
 protected:
  GrpcChannel& channel() {
    if (!channel_) {
      if (options_.endpoint.host.empty()) options_.endpoint = server_.endpoint();
      options_.on_disconnected = [this](const CallResult& why) { lost_.push_back(why); };
      channel_ = std::make_unique<GrpcChannel>(loop, options_);
    }
    return *channel_;
  }
  std::size_t call(const std::string& message = "request", CallOptions options = {}) {
    return begin([&](auto done) { channel().unary("/s/M", {}, message, options, std::move(done)); });
  }
  // Collects frames until one of this type has come.
  std::vector<Frame> frames_until(RawSocket& socket, std::uint8_t type) {
    std::vector<Frame> frames;
    EXPECT_TRUE(run_until([&] {
      socket.pump();
      if (socket.input().starts_with(kPreface)) socket.input().erase(0, kPreface.size());
      for (Frame& one : take_frames(socket.input())) frames.push_back(std::move(one));
      return std::any_of(frames.begin(), frames.end(), [type](const Frame& one) { return one.type == type; });
    }));
    return frames;
  }

  ChannelOptions options_;
  std::unique_ptr<GrpcChannel> channel_;
  std::vector<CallResult> lost_;
};

}  // namespace ringside::net::testing
