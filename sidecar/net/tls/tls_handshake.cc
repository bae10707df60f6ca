#include "sidecar/net/tls/tls_handshake.h"

#include <utility>

namespace ringside::net {

TlsHandshake::TlsHandshake(Loop& loop, TlsUse use, Transport transport, TlsSide side, bool known)
    : use_(std::move(use)), transport_(std::move(transport)), side_(side), known_(known), timer_(loop) {}

TlsHandshake::~TlsHandshake() { transport_.close(); }

void TlsHandshake::start(std::chrono::milliseconds timeout, Done done) {
  done_ = std::move(done);
  timer_.after(timeout, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self || !self->done_) return;
    if (self->layer_) self->layer_->give_up();
    self->finish(base::Error(std::string("the TLS handshake took too long")));
  });
  // What this host begins itself is bounded by whom it calls.
  if (side_ == TlsSide::kClient) return soon();
  ticket_ = use_.queue->enter(transport_.peer_address(), known_, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->soon();
  });
}

void TlsHandshake::soon() {
  use_.queue->step(weak_from_this(), known_, [this] { step(); });
}

void TlsHandshake::step() {
  if (!done_) return;
  if (!layer_) layer_ = use_.tls->layer(transport_, side_);
  const auto again = [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self && self->done_) self->soon();
  };
  const TlsLayer::Progress progress = layer_->handshake();
  if (layer_->has_read_all()) transport_.read_all();
  switch (progress) {
    case TlsLayer::Progress::kWantsRead:
      return transport_.wait_readable(again);
    case TlsLayer::Progress::kWantsWrite:
      return transport_.wait_writable(again);
    case TlsLayer::Progress::kFailed:
      return finish(base::Error(layer_->failure()));
    case TlsLayer::Progress::kDone:
      transport_.secure(std::move(layer_));
      return finish(std::move(transport_));
  }
}

void TlsHandshake::finish(base::Result<Transport, std::string> result) {
  const auto keep = shared_from_this();
  timer_.cancel();
  ticket_.reset();
  auto done = std::move(done_);
  done_ = nullptr;
  if (!result) transport_.close();
  done(std::move(result));
}

}  // namespace ringside::net
