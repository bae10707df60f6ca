// One sidecar beside one application: a second one would end the first one's activations (it begins with a clean
// slate), and neither would notice.
//
// A sidecar holds a name, derived from the application's address, in the network namespace that both live in (an
// abstract Unix socket): the kernel gives it to one process at a time, and takes it back when that ends, however it
// does. The application has no part in it. Whoever comes second hears who holds it, and waits for that one's end.
// docs/decisions/0010. Loop thread only.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include <sys/socket.h>
#include <sys/un.h>

#include "sidecar/base/descriptor.h"
#include "sidecar/net/endpoint.h"
#include "sidecar/net/transport.h"

namespace ringside::adapters {

// The same for every spelling of one address on this machine.
std::string lock_name(const net::Endpoint& app);

class AppLock {
 public:
  AppLock(net::Loop& loop, const net::Endpoint& app);

  // `held` once, when the application is ours alone; `taken` before that, each time somebody else turns out to hold it.
  // Both may be called from within.
  void take(std::function<void()> held, std::function<void(const std::string& holder)> taken);

 private:
  void try_it();
  void await_end();
  void again_soon();

  net::Loop& loop_;
  sockaddr_un name_{};
  socklen_t name_size_;
  base::Descriptor lock_;
  std::optional<net::Transport> holder_;  // its end is the holder's
  net::Timer retry_;
  std::function<void()> held_;
  std::function<void(const std::string&)> taken_;
  std::string told_;  // whom taken_ was last called with
};

}  // namespace ringside::adapters
