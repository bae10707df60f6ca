// Looks at the first bytes of an accepted connection: HTTP/2's preface (RFC 9113 §3.4), or not. As soon as one
// byte differs it is not. Half a preface and then silence ends on the timer.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include <absl/functional/any_invocable.h>

#include "sidecar/net/listener/early_connection.h"

namespace ringside::net {

class Sniffer final : public EarlyConnection {
 public:
  // The connection goes on elsewhere, with what was read.
  using Decided = absl::AnyInvocable<void(Transport transport, bool http2, const std::string& read)>;

  Sniffer(Loop& loop, Transport transport, std::chrono::milliseconds timeout, Decided decided, ConnectionEnd on_end);
  void start();

 private:
  void on_readable() override;

  std::chrono::milliseconds timeout_;
  Decided decided_;
  std::string read_;
};

// Tells a client that the port does not speak its protocol, and ends the connection.
class FarewellConnection final : public EarlyConnection {
 public:
  FarewellConnection(Loop& loop, Transport transport, ConnectionEnd on_end);
  // `words` fit any socket's send buffer: written once.
  void start(std::string_view words);
  void drain() override { close_now(); }

 private:
  void on_readable() override;
};

}  // namespace ringside::net
