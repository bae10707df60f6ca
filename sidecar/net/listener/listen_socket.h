// Binds and listens, non-blocking. "[::]" is dual-stack, or 0.0.0.0 without IPv6. A Unix socket's file is replaced only
// when nobody answers on it, and gets mode 0660.
#pragma once

#include <string>

#include "sidecar/base/descriptor.h"
#include "sidecar/base/result.h"
#include "sidecar/net/endpoint.h"

namespace ringside::net {

struct ListenSocket {
  base::Descriptor descriptor;
  Endpoint bound;  // what the kernel made of the address
};
// The error names the address and the reason.
base::Result<ListenSocket, std::string> open_listen_socket(const ListenAddress& address);

}  // namespace ringside::net
