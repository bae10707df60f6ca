#include "sidecar/net/listener/early_connection.h"

#include <utility>

namespace ringside::net {

EarlyConnection::EarlyConnection(Loop& loop, Transport transport, ConnectionEnd on_end)
    : transport_(std::move(transport)), on_end_(std::move(on_end)), timer_(loop) {}

void EarlyConnection::arm(std::chrono::milliseconds after) {
  timer_.after(after, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self) self->close_now();
  });
}

void EarlyConnection::wait_readable() {
  transport_.wait_readable([self = shared_from_this()] {
    if (!self->over_) self->on_readable();
  });
}

void EarlyConnection::hand_over() {
  over_ = true;
  timer_.cancel();
}

void EarlyConnection::close_now() {
  if (over_) return;
  const auto keep = shared_from_this();
  hand_over();
  transport_.close();
  on_end_("");
}

}  // namespace ringside::net
