// What a test writes with Boost.Asio, so that the other end of a connection is not of our making, on the test's loop.
#pragma once

#include <chrono>

#include <boost/asio/io_context.hpp>

#include "sidecar/net/transport.h"

namespace ringside::net::testing {

class AsioGuest {
 public:
  explicit AsioGuest(Loop& loop) : timer_(loop) { look(); }
  boost::asio::io_context& context() { return context_; }

 private:
  // Asio does not tell another loop when it has something to do.
  void look() {
    context_.poll();
    context_.restart();
    timer_.after(std::chrono::milliseconds(1), [this] { look(); });
  }

  boost::asio::io_context context_;
  Timer timer_;
};

}  // namespace ringside::net::testing
