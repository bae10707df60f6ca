// How a listener serves HTTP/1.1. Requests of one connection are answered one after the other, in order.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include "sidecar/net/budget.h"
#include "sidecar/net/http_message.h"
#include "sidecar/net/http_serving.h"

namespace ringside::net {

struct Http1Options : HttpServing {
  HttpHandler when_full;               // answers a connection for which there is no slot; empty: 429
  std::size_t max_header = 16 * 1024;  // 431
  // Bytes of requests and of unread answers held by all that share it; null: 256 MiB for this listener. Where there are
  // no more, whoever keeps a request incomplete or an answer unread for longest gives way (503, or closed), and where
  // nobody does, the new request is refused (503).
  std::shared_ptr<Budget> total;
  std::chrono::milliseconds header_timeout{10'000};  // from the first byte of a request to its last header; 408
  std::chrono::milliseconds idle_timeout{60'000};    // between requests; closed
};

}  // namespace ringside::net
