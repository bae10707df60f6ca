// An accepted connection before anything is read from it, where TLS is spoken: tells it from plaintext by its first
// byte (RFC 8446 §5.1: a handshake record is of type 22, and no text begins so), and sees its handshake through.
#pragma once

#include <chrono>
#include <memory>

#include <absl/functional/any_invocable.h>
#include <boost/asio/steady_timer.hpp>

#include "sidecar/net/connection.h"
#include "sidecar/net/tls/tls_handshake.h"
#include "sidecar/net/transport.h"

namespace ringside::net {

class TlsAccept final : public Connection, public std::enable_shared_from_this<TlsAccept> {
 public:
  // Secured, or in plaintext and as it was: nothing has been read.
  using Decided = absl::AnyInvocable<void(Transport transport)>;

  TlsAccept(Loop& loop, TlsUse use, Transport transport, bool known, Decided decided, ConnectionEnd on_end);
  // `timeout`: for all of it.
  void start(std::chrono::milliseconds timeout);
  void drain() override;
  void close_now() override;

 private:
  void arm(std::chrono::milliseconds after);
  void wait_readable();
  void on_readable();
  void decide(Transport transport);

  Loop& loop_;
  TlsUse use_;
  Transport transport_;
  const bool known_;
  Decided decided_;
  ConnectionEnd on_end_;
  boost::asio::steady_timer timer_;
  std::chrono::milliseconds timeout_{};
  std::shared_ptr<TlsHandshake> handshake_;
  bool over_ = false;
};

}  // namespace ringside::net
