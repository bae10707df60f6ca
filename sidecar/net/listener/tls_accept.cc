#include "sidecar/net/listener/tls_accept.h"

#include <utility>

#include <boost/asio/error.hpp>

namespace ringside::net {

namespace {

constexpr std::uint8_t kHandshakeRecord = 22;

}  // namespace

TlsAccept::TlsAccept(Loop& loop, TlsUse use, Transport transport, bool known, std::chrono::milliseconds timeout,
                     Decided decided, ConnectionEnd on_end)
    : EarlyConnection(loop, std::move(transport), std::move(on_end)),
      loop_(loop),
      use_(std::move(use)),
      known_(known),
      timeout_(timeout),
      decided_(std::move(decided)) {}

void TlsAccept::start() {
  arm(timeout_);
  wait_readable();
}

void TlsAccept::on_readable() {
  error_code ec;
  const auto first = transport().peek(ec);
  if (ec == boost::asio::error::would_block) return wait_readable();
  if (!first) return close_now();
  if (*first == kHandshakeRecord) return shake_hands();
  const TlsOptions& options = use_.tls->options();
  if (!use_.plaintext_too && options.on_handshake) {
    options.on_handshake(TlsSide::kServer, HandshakeResult::kPlaintext, transport().peer_address(),
                         "the other end speaks plaintext, and this host takes TLS only (--peer-tls require)");
  }
  decide(std::move(transport()));
}

// It has a time of its own, at whose end it says what was missing.
void TlsAccept::shake_hands() {
  arm(2 * timeout_);
  handshake_ = std::make_shared<TlsHandshake>(loop_, use_, std::move(transport()), TlsSide::kServer, known_);
  const auto weak = std::weak_ptr(std::static_pointer_cast<TlsAccept>(shared_from_this()));
  handshake_->start(timeout_, [weak](base::Result<Transport, std::string> secured) {
    const auto self = weak.lock();
    if (!self || self->is_over()) return;
    secured ? self->decide(std::move(*secured)) : self->close_now();
  });
}

void TlsAccept::decide(Transport transport) {
  const auto keep = shared_from_this();
  hand_over();
  handshake_.reset();
  decided_(std::move(transport));
}

void TlsAccept::close_now() {
  const auto keep = shared_from_this();
  handshake_.reset();
  EarlyConnection::close_now();
}

}  // namespace ringside::net
