// Binds and listens, non-blocking; the descriptor, or -1 with `error` naming the address and the reason.
// `bound` is what the kernel made of it. "[::]" is dual-stack, or 0.0.0.0 without IPv6. A Unix socket's file is
// replaced only when nobody answers on it, and gets mode 0660.
#pragma once

#include <string>

#include "sidecar/net/endpoint.h"

namespace ringside::net {

int open_listen_socket(const ListenAddress& address, Endpoint& bound, std::string& error);

}  // namespace ringside::net
