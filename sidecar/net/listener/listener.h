// One bound address: accepts, looks at the first bytes, and hands the connection to HTTP/2 or HTTP/1.1.
// Loop thread only. Lives until close(), or until drain() reported.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <absl/functional/any_invocable.h>

#include "sidecar/net/budget.h"
#include "sidecar/net/endpoint.h"
#include "sidecar/net/http1/http1_server.h"
#include "sidecar/net/http2/http2_server.h"
#include "sidecar/net/tls/tls_use.h"
#include "sidecar/net/transport.h"
#include "sidecar/net/yield_order.h"

namespace ringside::net {

struct ListenerOptions {
  ListenAddress address;
  // At least one of the two. Without http1 a client that speaks it gets a short 400 that says so; without
  // http2 a client that speaks that gets a GOAWAY (HTTP_1_1_REQUIRED).
  std::optional<Http1Options> http1;
  std::optional<Http2Options> http2;
  std::chrono::milliseconds sniff_timeout{10'000};
  // Null: plaintext only.
  std::shared_ptr<const TlsUse> tls;
  // One slot for each connection, shared by the listeners that hold the same budget; null: 10,000 for this one. Where
  // none is left for it (listener/connection_slots.h), a connection makes room that waits for its client (`yields`);
  // where all of them work for theirs, the new one hears a refusal (429 or GOAWAY with ENHANCE_YOUR_CALM) and ends. Who
  // is a stranger says Http2Options::is_known.
  std::shared_ptr<Budget> slots;
  // In which order they make room, for slots and for bytes; shared by those that share these. Null: of its own.
  std::shared_ptr<YieldOrder> yields;
  // Dead peers: a connection whose bytes are not acknowledged for so long ends.
  std::chrono::milliseconds tcp_silence{20'000};
  // What a client did that ended its connection ("rapid reset", "header flood" ...): for a log line or a
  // count.
  std::function<void(std::string_view incident, std::string_view peer)> on_incident;
  // A connection was refused for want of a slot. on_incident hears of it once a second.
  std::function<void()> on_full;
};

class Listener {
 public:
  Listener(Loop& loop, ListenerOptions options);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Binds and listens. The error names the address and says why.
  // "[::]" is dual-stack, and 0.0.0.0 on a machine without IPv6. A Unix socket's file is replaced only when
  // nobody answers on it; its mode is 0660.
  base::Result<void, std::string> open();
  // Begins to accept; what has connected since open() is served then.
  void start();
  // The real one: port 0 replaced by what the kernel chose. After open().
  const Endpoint& local_address() const;
  std::size_t connections() const;

  // Stops accepting, tells every client to go (HTTP/2: shutdown notice, 200 ms, GOAWAY; HTTP/1.1:
  // Connection: close), lets running calls end, at most `bound`, then closes. `done` runs once, with the
  // number of connections that had to be cut.
  void drain(std::chrono::milliseconds bound, absl::AnyInvocable<void(std::size_t cut)> done);
  // Ends everything at once.
  void close();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace ringside::net
