// How a listener serves gRPC.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "sidecar/net/budget.h"
#include "sidecar/net/grpc_bridge.h"
#include "sidecar/net/http_message.h"
#include "sidecar/net/method_table.h"

namespace ringside::net {

struct Http2Options {
  std::shared_ptr<const MethodTable> methods;
  // Where methods outside the table go; null: they answer UNIMPLEMENTED.
  std::shared_ptr<BridgeTarget> bridge;
  // Why a request may reach no method at all; empty: it may. Null: all may.
  std::function<std::string(const std::string& authority, const std::string& peer, const Metadata& metadata)> guard;
  // The answer to what is not gRPC: status and a sentence in. Null: the status alone.
  HttpErrorShaper not_grpc;
  std::size_t max_header_list = 16 * 1024;  // of one request; above it RESOURCE_EXHAUSTED
  std::uint32_t max_concurrent_streams = 4096;
  std::uint32_t stream_window = 1 << 20;
  std::uint32_t connection_window = 8 << 20;
  // Bytes of requests and of unread answers held for one connection, and for all that share `total`.
  std::size_t connection_budget = std::size_t{64} << 20;
  std::shared_ptr<Budget> total;  // null: 256 MiB for this listener
  // Token bucket over what costs us but asks for nothing: resets, pings, settings, empty data, priority,
  // window updates. Honest peers with short deadlines reset by the thousand, so it is generous.
  double control_burst = 20'000;
  double control_per_second = 5'000;
  std::chrono::milliseconds idle_timeout{0};  // without a stream; 0: never, which peers' channels want
};

}  // namespace ringside::net
