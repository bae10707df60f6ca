#include "sidecar/net/listener/tls_accept.h"

#include <utility>

#include <boost/asio/error.hpp>

namespace ringside::net {

namespace {

constexpr std::uint8_t kHandshakeRecord = 22;
constexpr std::chrono::milliseconds kDrainAllowance{200};

}  // namespace

TlsAccept::TlsAccept(Loop& loop, TlsUse use, Transport transport, bool known, Decided decided, ConnectionEnd on_end)
    : loop_(loop),
      use_(std::move(use)),
      transport_(std::move(transport)),
      known_(known),
      decided_(std::move(decided)),
      on_end_(std::move(on_end)),
      timer_(loop) {}

void TlsAccept::start(std::chrono::milliseconds timeout) {
  timeout_ = timeout;
  arm(timeout);
  wait_readable();
}

void TlsAccept::drain() { arm(kDrainAllowance); }

void TlsAccept::arm(std::chrono::milliseconds after) {
  timer_.expires_after(after);
  timer_.async_wait([weak = weak_from_this()](error_code ec) {
    const auto self = weak.lock();
    if (!ec && self) self->close_now();
  });
}

void TlsAccept::wait_readable() {
  transport_.wait_readable([self = shared_from_this()](error_code ec) {
    if (!ec && !self->over_) self->on_readable();
  });
}

void TlsAccept::on_readable() {
  error_code ec;
  const auto first = transport_.peek(ec);
  if (ec == boost::asio::error::would_block) return wait_readable();
  if (!first) return close_now();
  if (*first != kHandshakeRecord) {
    const TlsOptions& options = use_.tls->options();
    if (!use_.plaintext_too && options.on_handshake) {
      options.on_handshake(TlsSide::kServer, HandshakeResult::kPlaintext, transport_.peer_address(),
                           "the other end speaks plaintext, and this host takes TLS only (--peer-tls require)");
    }
    return decide(std::move(transport_));
  }
  handshake_ = std::make_shared<TlsHandshake>(loop_, use_, std::move(transport_), TlsSide::kServer, known_);
  handshake_->start(timeout_, [weak = weak_from_this()](base::Result<Transport, std::string> secured) {
    const auto self = weak.lock();
    if (!self || self->over_) return;
    secured ? self->decide(std::move(*secured)) : self->close_now();
  });
}

void TlsAccept::decide(Transport transport) {
  over_ = true;
  const auto keep = shared_from_this();
  timer_.cancel();
  handshake_.reset();
  decided_(std::move(transport));
}

void TlsAccept::close_now() {
  if (std::exchange(over_, true)) return;
  const auto keep = shared_from_this();
  timer_.cancel();
  handshake_.reset();
  transport_.close();
  on_end_("");
}

}  // namespace ringside::net
