// When the next stream may be opened: at once where the last one had lived for a while; otherwise after a rest that
// grows up to a second, so that an application that ends its streams as soon as they are open does not keep the sidecar
// busy with that. Loop thread only.
#pragma once

#include <functional>

#include "sidecar/net/backoff.h"
#include "sidecar/net/transport.h"

namespace ringside::adapters {

class StreamBackoff {
 public:
  // `random`: in [0, 1), for the jitter; empty: there is none. `over`: a rest that wait() was called in has ended.
  StreamBackoff(net::Loop& loop, std::function<double()> random, std::function<void()> over);

  void opened();
  void ended();
  // Another process will take the next stream, and finds no rest.
  void reset();

  bool rests() const { return net::Clock::now() < until_; }
  // `over` is called at the end of this rest: once, however often it is waited for.
  void wait();

 private:
  std::function<void()> over_;
  net::Backoff backoff_;
  net::Clock::time_point opened_{};
  net::Clock::time_point until_{};
  net::Timer timer_;
  bool waits_ = false;
};

}  // namespace ringside::adapters
