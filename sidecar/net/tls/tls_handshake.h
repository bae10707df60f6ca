// Drives one handshake to its end, on either side. Loop thread only. Dropping it ends the connection; `done` then never
// runs. `done` never runs inside start().
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <absl/functional/any_invocable.h>

#include "sidecar/base/result.h"
#include "sidecar/net/tls/tls_layer.h"
#include "sidecar/net/tls/tls_use.h"
#include "sidecar/net/transport.h"

namespace ringside::net {

class TlsHandshake : public std::enable_shared_from_this<TlsHandshake> {
 public:
  // The secured transport; or what went wrong, a sentence without the address.
  using Done = absl::AnyInvocable<void(base::Result<Transport, std::string>)>;

  // `known`: the other side is somebody who must not wait behind strangers.
  TlsHandshake(Loop& loop, TlsUse use, Transport transport, TlsSide side, bool known);
  ~TlsHandshake();
  TlsHandshake(const TlsHandshake&) = delete;
  TlsHandshake& operator=(const TlsHandshake&) = delete;

  // Held by whoever starts it until it is done.
  void start(std::chrono::milliseconds timeout, Done done);

 private:
  void soon();
  void step();
  void finish(base::Result<Transport, std::string> result);

  const TlsUse use_;
  Transport transport_;
  const TlsSide side_;
  const bool known_;
  std::unique_ptr<TlsLayer> layer_;  // from the first step until the last
  Timer timer_;
  HandshakeQueue::Ticket ticket_;
  Done done_;
};

}  // namespace ringside::net
