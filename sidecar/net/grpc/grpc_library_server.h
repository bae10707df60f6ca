// gRPC's own server inside this process, reached only by the bridge: health, reflection (v1alpha) and
// whatever services are given. Services whose methods are all native are given too, so that reflection lists
// them. Never listens on anything. Threads: its own; connect() and set_serving() from any.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/net/grpc/grpc_bridge.h"

namespace grpc {
class Service;
}

namespace ringside::net {

class GrpcLibraryServer : public BridgeTarget {
 public:
  // The services must outlive this object. `sessions`: of accepted connections that may use it at the same time.
  explicit GrpcLibraryServer(const std::vector<grpc::Service*>& services, std::size_t sessions = 1000);
  ~GrpcLibraryServer() override;

  int connect() override;
  // grpc.health.v1: `service` empty means the whole server.
  void set_serving(const std::string& service, bool serving);
  // Ends it: after the listeners have drained. Calls still open are cancelled.
  void shutdown();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ringside::net
