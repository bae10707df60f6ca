#pragma once

namespace ringside::net {

/// Where gRPC methods without a native handler go.
class BridgeTarget {
 public:
  virtual ~BridgeTarget() = default;
  /// A connected socket to a gRPC server (one end of a socketpair), the caller's to close; -1 when there is
  /// none.
  virtual int connect() = 0;
};

/// The header in which the bridge tells the gRPC library's handlers who the client is (its own copy is
/// stripped).
inline constexpr const char kBridgePeerHeader[] = "ringside-bridge-peer";

}  // namespace ringside::net
