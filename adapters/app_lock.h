// One sidecar beside one application: a second one would end the first one's activations (it begins with a clean
// slate), and neither would notice.
//
// A sidecar holds a name, derived from the application's address, in the network namespace that both live in (an
// abstract Unix socket): the kernel gives it to one process at a time, and takes it back when that ends, however it
// does. The application has no part in it. Whoever comes second hears who holds it, and waits for that one's end.
// docs/decisions/0010. Loop thread only.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include "sidecar/base/lifetime.h"
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
  using Protocol = boost::asio::local::stream_protocol;
  void try_it();
  void await_end();
  void again_soon();

  Protocol::endpoint name_;
  Protocol::acceptor lock_;
  Protocol::socket holder_;  // its end is the holder's
  boost::asio::steady_timer retry_;
  std::function<void()> held_;
  std::function<void(const std::string&)> taken_;
  std::string told_;     // whom taken_ was last called with
  base::Lifetime life_;  // last
};

}  // namespace ringside::adapters
