// A thread beside the loop, for what would keep it for too long.
//
// Pieces of work are done one after another, in the order in which they came. Each has a weight, in bytes; at most
// 64 MiB of them wait (has_room). Loop thread only, but for the work itself.
#pragma once

#include <cstddef>

#include <absl/functional/any_invocable.h>
#include <boost/asio/thread_pool.hpp>

#include "sidecar/base/lifetime.h"
#include "sidecar/net/transport.h"

namespace ringside::net {

class Worker {
 public:
  static constexpr std::size_t kMostBytes = std::size_t{64} << 20;

  explicit Worker(Loop& loop);
  ~Worker();  // waits for the piece under way; the others are dropped, and nobody hears of them
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  bool has_room(std::size_t bytes) const { return bytes_ + bytes <= kMostBytes; }
  // There is room. `work` may touch nothing that the loop works on; `done` follows on the loop.
  void run(std::size_t bytes, absl::AnyInvocable<void()> work, absl::AnyInvocable<void()> done);

 private:
  Loop& loop_;
  std::size_t bytes_ = 0;  // of all pieces that are not done
  boost::asio::thread_pool thread_{1};
  base::Lifetime life_;  // last
};

}  // namespace ringside::net
