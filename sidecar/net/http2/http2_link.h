// One HTTP/2 connection to one server with prior knowledge (h2c), for the requests of several clients. Loop thread
// only.
//
// It is made with the first request, and anew with the next one after it has ended. What waits for it, or for one of
// the streams that the server allows, is sent in its order.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "sidecar/net/endpoint.h"
#include "sidecar/net/http2/http2_exchange.h"
#include "sidecar/net/transport.h"

namespace ringside::net {

class Resolver;

struct Http2LinkOptions {
  Endpoint endpoint;
  std::shared_ptr<Resolver> resolver;                // needed where the endpoint is a name
  std::uint32_t max_header = 64 * 1024;              // of an answer
  std::chrono::milliseconds connect_timeout{5'000};  // until the server's SETTINGS are here
  // So many of the streams that the server allows are left to urgent requests, at most a quarter of them.
  std::size_t reserved_streams = 16;
  // Asked at each new connection before anything is written to it; may cancel requests. May be empty.
  std::function<void(Transport&)> on_connected = {};
  // The server ended the connection without having said so before, or it broke. May be empty.
  std::function<void()> on_lost = {};
};

class Http2Link {
 public:
  Http2Link(Loop& loop, Http2LinkOptions options);
  ~Http2Link();
  Http2Link(const Http2Link&) = delete;
  Http2Link& operator=(const Http2Link&) = delete;

  std::shared_ptr<ExchangeLink> exchanges() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace ringside::net
