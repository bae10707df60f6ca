// Carries streams of one accepted connection to the gRPC library over a socketpair, frame by frame, opened with
// the first stream that needs it. Loop thread only. One for each connection.
#pragma once

#include <cstdint>
#include <memory>

#include "sidecar/net/budget.h"
#include "sidecar/net/transport.h"

namespace ringside::net {

class Http2ServerSession;
class ServerStream;
struct RequestHead;

// Where gRPC methods without a native handler go.
class BridgeTarget {
 public:
  // `sessions`: socketpairs at the same time, two descriptors each.
  explicit BridgeTarget(std::size_t sessions) : slots_(sessions) {}
  virtual ~BridgeTarget() = default;
  // A connected socket to a gRPC server (one end of a socketpair), the caller's to close; -1 when there is none.
  virtual int connect() = 0;
  // One slot for each session. Loop thread only.
  Budget& slots() { return slots_; }

 private:
  Budget slots_;
};

// The header in which the bridge tells the gRPC library's handlers who the client is (the client's own copy is
// stripped).
inline constexpr const char kBridgePeerHeader[] = "ringside-bridge-peer";

class BridgeSession;

class GrpcBridge {
 public:
  GrpcBridge(Loop& loop, std::shared_ptr<BridgeTarget> target);
  ~GrpcBridge();
  GrpcBridge(const GrpcBridge&) = delete;
  GrpcBridge& operator=(const GrpcBridge&) = delete;

  // Null when the library cannot be reached, or has no session free.
  std::shared_ptr<ServerStream> open(const std::shared_ptr<Http2ServerSession>& session, std::int32_t id,
                                     const RequestHead& head);
  // Cuts the socketpair: gRPC cancels what still runs.
  void close();

 private:
  Loop& loop_;
  std::shared_ptr<BridgeTarget> target_;
  std::shared_ptr<BridgeSession> current_;
};

}  // namespace ringside::net
