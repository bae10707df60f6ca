// How long each host's event handlers take, by a clock of this machine: told, never judged, and in no trace.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

namespace ringside::sim {

class LoopTimes {
 public:
  using Time = std::chrono::nanoseconds;
  struct OfHost {
    Time longest{0};  // of one event
    Time total{0};
  };

  explicit LoopTimes(std::size_t hosts) : of_(hosts) {}

  template <typename Handling>
  void measure(std::size_t host, const Handling& handle) {
    const auto began = std::chrono::steady_clock::now();
    handle();
    const Time took = std::chrono::steady_clock::now() - began;
    of_[host].longest = std::max(of_[host].longest, took);
    of_[host].total += took;
  }

  const std::vector<OfHost>& all() const { return of_; }

 private:
  std::vector<OfHost> of_;
};

}  // namespace ringside::sim
