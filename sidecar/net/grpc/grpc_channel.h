// gRPC to one endpoint over one HTTP/2 connection on the loop, or several. Connects with the first call; calls wait
// while it connects and fail (kNotSent) when that fails or while it waits to try again. Loop thread only.
// Handlers never run inside the call that caused them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <absl/functional/any_invocable.h>

#include "sidecar/net/endpoint.h"
#include "sidecar/net/grpc/grpc_call.h"
#include "sidecar/net/metadata.h"
#include "sidecar/net/transport.h"

namespace ringside::net {

class Resolver;
struct TlsUse;

struct ChannelOptions {
  Endpoint endpoint;
  std::string authority;                             // empty: the endpoint's text
  std::shared_ptr<Resolver> resolver;                // needed where the endpoint is a name
  std::function<double()> random;                    // in [0, 1), for the backoff's jitter; empty: no jitter
  std::shared_ptr<const TlsUse> tls;                 // null: plaintext
  std::string tls_setting;                           // by which it could be TLS, to be named in errors; may be empty
  std::chrono::milliseconds connect_timeout{5'000};  // until the server's SETTINGS are here
  std::chrono::milliseconds backoff_min{50};
  std::chrono::milliseconds backoff_max{1'000};
  // A peer that acknowledges no byte for so long is gone (TCP_USER_TIMEOUT and TCP keep-alive). Not HTTP/2 PINGs:
  // grpc-go's server answers those on a quiet stream with GOAWAY (too_many_pings).
  std::chrono::milliseconds tcp_silence{10'000};
  // Another one is made when the streams that the server allows on the others are taken. With one, calls wait for a
  // stream; with more, calls beyond what all of them allow fail at once (RESOURCE_EXHAUSTED, kNotSent).
  std::size_t max_connections = 1;
  // Of one connection: this many streams are left to urgent calls, at most a quarter of what the server allows.
  std::size_t reserved_streams = 0;
  std::size_t max_calls = 20'000;  // open or waiting; above it RESOURCE_EXHAUSTED
  // Bytes of unary requests not yet answered and of stream messages not yet written; above it the same.
  std::size_t max_unsent = std::size_t{64} << 20;
  // A connection stands, and nothing has been written to it; may cancel calls. May be empty.
  std::function<void(Transport&)> on_transport = {};
  std::function<void()> on_connected;
  std::function<void(const CallResult& why)> on_disconnected;  // also a failed attempt; only no_listener/reset/message
};

// A streaming call of any kind. Owned by the channel; cancel() it to be rid of it.
class ClientStream {
 public:
  virtual ~ClientStream() = default;
  virtual void send(std::string message) = 0;
  virtual void half_close() = 0;
  virtual std::size_t unsent_bytes() const = 0;
  // No handler runs after this.
  virtual void cancel() = 0;
};

class GrpcChannel {
 public:
  using CallId = ChannelCallId;
  using Done = CallDone;

  GrpcChannel(Loop& loop, ChannelOptions options);
  ~GrpcChannel();  // as close()
  GrpcChannel(const GrpcChannel&) = delete;
  GrpcChannel& operator=(const GrpcChannel&) = delete;

  // `done` runs once, unless cancelled.
  CallId unary(std::string path, Metadata metadata, std::string message, CallOptions options, Done done);
  // Its `done` will not run. Says whether the server may have seen the call (kMaybe also when it is over).
  Delivery cancel(CallId call);
  std::shared_ptr<ClientStream> stream(std::string path, Metadata metadata, CallOptions options,
                                       StreamHandlers handlers);

  // Resets the connection: what the kernel still holds for it is never sent. All calls fail (neither `no_listener` nor
  // `reset`: the other end said nothing); the next one connects anew. on_disconnected is not called.
  void drop_all(const std::string& why);

  bool connected() const;
  // Whether a call is under way of which the server has seen something, on a connection that stands.
  bool any_begun() const;
  std::size_t open_calls() const;
  // Calls that wait for a connection.
  std::size_t waiting() const;
  // Ends the connection; no handler of this channel runs after it.
  void close();
  const Endpoint& endpoint() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace ringside::net
