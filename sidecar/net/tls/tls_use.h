// How a listener or a channel uses TLS.
#pragma once

#include <memory>

#include "sidecar/net/tls/handshake_queue.h"
#include "sidecar/net/tls/tls.h"

namespace ringside::net {

struct TlsUse {
  std::shared_ptr<Tls> tls;
  std::shared_ptr<HandshakeQueue> queue;  // of the loop: everything on it that uses TLS has the same
  // Of a listener: whether it also takes connections in plaintext.
  bool plaintext_too = false;
};

}  // namespace ringside::net
