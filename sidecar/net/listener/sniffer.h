// Looks at the first bytes of an accepted connection: HTTP/2's preface (RFC 9113 §3.4), or not. As soon as one
// byte differs it is not. Half a preface and then silence ends on the timer.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include <absl/functional/any_invocable.h>
#include <boost/asio/steady_timer.hpp>

#include "sidecar/net/connection.h"
#include "sidecar/net/transport.h"

namespace ringside::net {

class Sniffer final : public Connection, public std::enable_shared_from_this<Sniffer> {
 public:
  // The connection goes on elsewhere, with what was read.
  using Decided = absl::AnyInvocable<void(Transport transport, bool http2, const std::string& read)>;

  Sniffer(Loop& loop, Transport transport, std::chrono::milliseconds timeout, Decided decided, ConnectionEnd on_end);
  void start();
  // What the client has sent already is still served; one that says nothing soon is closed.
  void drain() override;
  void close_now() override;

 private:
  void arm(std::chrono::milliseconds after);
  void wait_readable();
  void on_readable();

  Transport transport_;
  std::chrono::milliseconds timeout_;
  Decided decided_;
  ConnectionEnd on_end_;
  boost::asio::steady_timer timer_;
  std::string read_;
  bool over_ = false;
};

// Tells a client that the port does not speak its protocol, and ends the connection.
class FarewellConnection final : public Connection, public std::enable_shared_from_this<FarewellConnection> {
 public:
  FarewellConnection(Loop& loop, Transport transport, ConnectionEnd on_end);
  // `words` fit any socket's send buffer: written once.
  void start(std::string_view words);
  void drain() override { close_now(); }
  void close_now() override;

 private:
  void wait_readable();

  Transport transport_;
  ConnectionEnd on_end_;
  boost::asio::steady_timer timer_;
  bool over_ = false;
};

}  // namespace ringside::net
