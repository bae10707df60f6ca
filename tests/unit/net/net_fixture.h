// Where tests of a listener or of a client stand: a listener on loopback and a channel to it, or a server by hand.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "sidecar/net/grpc/grpc_channel.h"
#include "sidecar/net/grpc/grpc_server.h"
#include "sidecar/net/listener/listener.h"
#include "tests/unit/net/net_test_support.h"

namespace ringside::net::testing {

inline std::shared_ptr<MethodTable> one_method(const std::string& path,
                                               std::function<void(std::shared_ptr<ServerCall>)> handler) {
  Method method;
  method.handler = std::move(handler);
  auto methods = std::make_shared<MethodTable>();
  methods->add(path, std::move(method));
  return methods;
}

// At a port of the kernel's choice; speaks gRPC where there are methods.
inline ListenerOptions on_loopback(GrpcServerOptions grpc = {}) {
  ListenerOptions options;
  options.address = {"127.0.0.1", 0, ""};
  if (grpc.methods) options.http2.emplace().service = serve_grpc(std::move(grpc));
  return options;
}

// Open and started.
inline std::unique_ptr<Listener> serve(Loop& loop, ListenerOptions options) {
  auto listener = std::make_unique<Listener>(loop, std::move(options));
  if (const auto opened = listener->open(); !opened) ADD_FAILURE() << opened.error();
  listener->start();
  return listener;
}

class ListenerTest : public LoopTest {
 protected:
  RawSocket connect() const { return RawSocket::connect_to(listener_->local_address()); }
  GrpcChannel& channel() {
    if (!channel_) {
      ChannelOptions options;
      options.endpoint = listener_->local_address();
      channel_ = std::make_unique<GrpcChannel>(loop, options);
    }
    return *channel_;
  }
  CallResult call(const std::string& path, const std::string& message, Metadata metadata = {},
                  CallOptions options = {}) {
    std::optional<CallResult> result;
    channel().unary(path, std::move(metadata), message, options, [&result](CallResult r) { result = std::move(r); });
    return await(result);
  }

  std::unique_ptr<Listener> listener_;
  std::unique_ptr<GrpcChannel> channel_;
};

// Before the server stands a client of which requests are made, each with one `Result`.
template <typename Result>
class HandServerTest : public LoopTest {
 protected:
  // `ask` gets the function that takes the result. The request's index.
  template <typename Ask>
  std::size_t begin(Ask ask) {
    results_.emplace_back();
    const std::size_t index = results_.size() - 1;
    ask([this, index](Result result) { results_[index] = std::move(result); });
    return index;
  }
  Result& wait(std::size_t index) { return await(results_[index]); }
  std::unique_ptr<RawSocket> accept() {
    std::unique_ptr<RawSocket> socket;
    EXPECT_TRUE(run_until([&] { return (socket = server_.accept()) != nullptr; }));
    return socket;
  }

  RawListener server_;
  std::deque<std::optional<Result>> results_;
};

}  // namespace ringside::net::testing
