// An accepted connection before anything is read from it, where TLS is spoken: tells it from plaintext by its first
// byte (RFC 8446 §5.1: a handshake record is of type 22, and no text begins so), and sees its handshake through.
#pragma once

#include <chrono>
#include <memory>

#include <absl/functional/any_invocable.h>

#include "sidecar/net/listener/early_connection.h"
#include "sidecar/net/tls/tls_handshake.h"

namespace ringside::net {

class TlsAccept final : public EarlyConnection {
 public:
  // Secured, or in plaintext and as it was: nothing has been read.
  using Decided = absl::AnyInvocable<void(Transport transport)>;

  // `known`: a member by its address, who does not wait behind strangers. `timeout`: until its first byte, and again
  // for the handshake.
  TlsAccept(Loop& loop, TlsUse use, Transport transport, bool known, std::chrono::milliseconds timeout, Decided decided,
            ConnectionEnd on_end);
  void start();
  void close_now() override;

 private:
  void on_readable() override;
  void shake_hands();
  void decide(Transport transport);

  Loop& loop_;
  TlsUse use_;
  const bool known_;
  const std::chrono::milliseconds timeout_;
  Decided decided_;
  std::shared_ptr<TlsHandshake> handshake_;
};

}  // namespace ringside::net
