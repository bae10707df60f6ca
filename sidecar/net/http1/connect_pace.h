// When another connection to a server may be begun. Small servers listen with a backlog of five (Python's
// socketserver), and a connection beyond it costs whole seconds of TCP's retransmission.
//
// Where the kernel tells how many connections wait to be accepted and how many may, there are never more. Elsewhere
// they are paced by time: five at once, and then one in two milliseconds. Unix sockets need neither: one too many is
// refused at once, and tried again.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>

#include "sidecar/base/token_bucket.h"
#include "sidecar/net/far_listener.h"
#include "sidecar/net/transport.h"

namespace ringside::net {

class ConnectPace {
 public:
  // `last_place`: one more, which the kernel takes beyond the backlog. For those that others would keep out for ever.
  explicit ConnectPace(bool last_place = false) : beyond_(last_place ? 1 : 0) {}

  // `under_way`: connections that have been begun and do not stand yet.
  bool may_connect(std::size_t under_way, Clock::time_point now) {
    if (unix_) return true;
    const auto listener = at_ ? lookup_.at(*at_) : std::nullopt;
    if (!listener) return by_time_.take(1, now);
    return listener->waiting + under_way < std::max<std::size_t>(1, listener->backlog) + beyond_;
  }
  // Connections, whoever's, wait for the server to accept them. False where the kernel does not tell.
  bool others_wait() {
    const auto listener = at_ ? lookup_.at(*at_) : std::nullopt;
    return listener && listener->waiting > 0;
  }
  // A connection stands: this is where the server listens.
  void connected(Transport& transport) {
    const auto remote = transport.remote();
    if (!remote) return;
    unix_ = remote->protocol().family() == AF_UNIX;
    if (!unix_ && !at_) at_ = remote;
  }
  // Nobody answers there any more, perhaps at another of its addresses.
  void failed() { at_.reset(); }

 private:
  std::size_t beyond_;
  ListenerLookup lookup_;
  std::optional<SocketAddress> at_;
  bool unix_ = false;
  base::TokenBucket by_time_{5, 500};
};

}  // namespace ringside::net
