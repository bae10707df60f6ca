// Asks a gRPC application by grpc.health.v1 whether it serves, over a connection of its own: turns may take all the
// streams that the application allows on one connection.
//
// A health service may know only services that it was told by name. Where no name is chosen, "", ActorHost's and
// ControlPlane's are tried in this order, and the one that it knows is asked for first from then on. An application
// without the health service is healthy while it accepts connections and answers. Loop thread only.
#pragma once

#include <string>
#include <vector>

#include "adapters/health_monitor.h"
#include "sidecar/net/grpc/grpc_channel.h"

namespace ringside::adapters {

class HealthCheck {
 public:
  // `service`: the name that was chosen; empty where none was.
  HealthCheck(net::Loop& loop, net::ChannelOptions channel, std::string service);

  // Answers once, by the deadline. `same_listener` is left to whoever asks.
  void ask(net::Clock::time_point deadline, HealthMonitor::Checked checked);

 private:
  // `unknown`: how many names it has said not to know.
  void ask_next(net::Clock::time_point deadline, HealthMonitor::Checked checked, std::size_t unknown);
  HealthResult judge(const net::CallResult& result) const;

  net::GrpcChannel channel_;
  const std::string service_;
  std::vector<std::string> names_;  // to ask for; the first one first
};

}  // namespace ringside::adapters
