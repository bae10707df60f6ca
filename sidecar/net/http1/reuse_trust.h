// Whether a server may be trusted to keep a connection open after its answer.
//
// Some close it and do not say so (`Connection: close` is missing), and a request that is on its way by then is lost
// without anybody knowing what became of it. So connections are watched: one that is still open `watch` after its
// answer shows that the server keeps them, and from then on they are used again at once. One that was closed sooner
// shows the opposite; then only those that have been idle for `watch` are used again, until many have stood the test.
#pragma once

#include <chrono>
#include <cstddef>

#include "sidecar/net/transport.h"

namespace ringside::net {

class ReuseTrust {
 public:
  explicit ReuseTrust(Clock::duration watch) : watch_(watch), trusted_(watch.count() == 0) {}

  bool trusted() const { return trusted_; }
  Clock::duration watch() const { return watch_; }
  bool may_reuse(Clock::duration idle) const { return trusted_ || idle >= watch_; }
  // A connection is still open so long after its answer.
  void kept(Clock::duration idle) {
    if (trusted_ || idle < watch_ || ++kept_ < needed_) return;
    trusted_ = true;
  }
  // The server closed one so long after its answer, and had not said so.
  void closed(Clock::duration idle) {
    if (watch_.count() == 0 || idle >= watch_) return;
    kept_ = 0;
    needed_ = kAfterBreach;
    trusted_ = false;
  }

 private:
  static constexpr std::size_t kAfterBreach = 1'000;
  Clock::duration watch_;
  std::size_t kept_ = 0;
  std::size_t needed_ = 1;
  bool trusted_;
};

}  // namespace ringside::net
