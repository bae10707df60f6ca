// Requests that wait behind others on their connections, those of HTTP/2 and large ones are handled a few in each
// iteration of the loop, whatever the number of connections, so that all that is ready besides comes in between. Loop
// thread only.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <utility>

#include <absl/functional/any_invocable.h>

#include "sidecar/net/transport.h"

namespace ringside::net {

class RequestQueue {
 public:
  // The first of these bounds that is met, and one request at least.
  static constexpr std::size_t kAtOnce = 64;
  static constexpr std::size_t kBytesAtOnce = 256 * 1024;
  static constexpr std::chrono::milliseconds kLongest{1};  // of work: a large view takes more than many calls

  explicit RequestQueue(Loop& loop) : loop_(loop) {}

  // Runs `handle` in a later iteration, behind those that wait already. `bytes`: of the request, as far as it is here.
  void wait(std::size_t bytes, absl::AnyInvocable<void()> handle) {
    waiting_.push_back({bytes, std::move(handle)});
    if (waiting_.size() == 1) run_soon();
  }

 private:
  struct Waiting {
    std::size_t bytes;
    absl::AnyInvocable<void()> handle;
  };

  void run_soon() {
    loop_.post([this] { run(); });
  }

  void run() {
    std::size_t bytes = 0;
    const auto until = Clock::now() + kLongest;
    for (std::size_t i = 0; i < kAtOnce && bytes < kBytesAtOnce && !waiting_.empty(); ++i) {
      if (i > 0 && Clock::now() >= until) break;
      Waiting next = std::move(waiting_.front());
      bytes += next.bytes;
      next.handle();
      waiting_.pop_front();  // only now: what it has added starts no second round
    }
    if (!waiting_.empty()) run_soon();
  }

  Loop& loop_;
  std::deque<Waiting> waiting_;
};

}  // namespace ringside::net
