// Asks the kernel (sock_diag, by which ss(8) lives) about listening sockets in this network namespace, whoever's they
// are. Nothing where it does not tell (another machine, an old kernel, a sandbox) and for Unix sockets. An answer
// takes microseconds: the question is put and answered within one system call. Loop thread only.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "sidecar/base/descriptor.h"
#include "sidecar/net/endpoint.h"

namespace ringside::net {

// The TCP socket that listens at an address of this machine.
struct FarListener {
  std::uint64_t cookie = 0;  // the kernel's name for it, never used again for another
  std::size_t waiting = 0;   // connections that stand and have not been accepted
  std::size_t backlog = 0;   // how many of those there may be
};

class ListenerLookup {
 public:
  // The one that gets a connection made to that address now.
  std::optional<FarListener> at(const SocketAddress& address);
  // All at that port, on whichever of this machine's addresses.
  std::vector<FarListener> at_port(std::uint16_t port);

 private:
  bool ask(const void* request, std::size_t size);
  base::Descriptor socket_;
};

}  // namespace ringside::net
