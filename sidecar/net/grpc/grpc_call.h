// One gRPC call of a client: what it is given, and what comes of it.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <absl/functional/any_invocable.h>

#include "sidecar/base/number.h"
#include "sidecar/net/grpc/grpc_status.h"
#include "sidecar/net/metadata.h"
#include "sidecar/net/transport.h"

namespace ringside::net {

enum class Delivery {
  kNotSent,  // surely nothing was processed: never connected, never written, REFUSED_STREAM, or beyond GOAWAY
  kMaybe,
};

struct CallResult {
  GrpcStatus status = GrpcStatus::kUnknown;
  std::string message;
  Metadata headers;
  Metadata trailers;  // without grpc-status and grpc-message
  std::string body;   // unary: the reply's message
  Delivery delivery = Delivery::kMaybe;
  bool from_server = false;  // the status is the server's own word, not made up here
  bool no_listener = false;  // connection refused: no process listens there
  bool reset = false;        // the connection broke
  bool not_spoken = false;   // it stood, and came to nothing before the server had said anything in HTTP/2
  bool unresolved = false;   // the endpoint's name has no address, or nobody says which
};

// One call of a channel; 0 is none.
using ChannelCallId = base::Number<struct ChannelCallTag>;

using CallDone = absl::AnyInvocable<void(CallResult)>;

struct CallOptions {
  std::optional<Clock::time_point> deadline;       // sent as grpc-timeout, and enforced here
  std::size_t max_message = std::size_t{4} << 20;  // of each message received; above it RESOURCE_EXHAUSTED
  // May take the streams that the channel reserves: it does not wait behind other calls.
  bool urgent = false;
  bool connect_now = false;  // try to connect even where the channel is waiting to reconnect (a probe)
  // So much later the deadline is enforced here: the server's own word on it says more.
  std::chrono::milliseconds grace{0};
  // Where there is no deadline: not begun by then, it fails as kNotSent. Not sent along.
  std::optional<Clock::time_point> begin_by = {};
  // Where there is neither: it may wait for its stream for ever, and then has so long. Not sent along.
  std::optional<Clock::duration> answer_within = {};
};

struct StreamHandlers {
  absl::AnyInvocable<void(const Metadata&)> on_headers;  // may be empty
  absl::AnyInvocable<void(std::string)> on_message;      // what is read is gone from the window: no back-pressure
  // A message above max_message: its first bytes, unpacked, and its length unless it is compressed. The call goes on
  // behind it. Empty: such a message ends the call.
  absl::AnyInvocable<void(std::string_view beginning, std::optional<std::size_t> length)> on_too_large;
  absl::AnyInvocable<void()> on_writable;  // unsent_bytes() fell below 64 KiB after having been above
  // The server wants to end this connection (GOAWAY): what is under way goes on, new calls use another one.
  absl::AnyInvocable<void()> on_going_away;
  absl::AnyInvocable<void(CallResult)> on_finish;  // last, exactly once, unless cancelled by us
};

}  // namespace ringside::net
