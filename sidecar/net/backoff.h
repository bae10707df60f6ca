// How long to rest before the next attempt: longer after each one, up to a bound, and never for everybody alike.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <utility>

namespace ringside::net {

class Backoff {
 public:
  // `random`: in [0, 1), for the jitter; empty: there is none.
  Backoff(std::chrono::milliseconds least, std::chrono::milliseconds most, std::function<double()> random)
      : least_(std::min(least, most)), most_(most), next_(least_), random_(std::move(random)) {}

  std::chrono::steady_clock::duration next() {
    constexpr double kGrowth = 1.6;
    constexpr double kJitter = 0.2;
    const double jitter = random_ ? 1 - kJitter + 2 * kJitter * random_() : 1;
    const auto rest = std::chrono::duration_cast<std::chrono::steady_clock::duration>(next_ * jitter);
    next_ = std::min<Milliseconds>(most_, next_ * kGrowth);
    return rest;
  }
  void reset() { next_ = least_; }

 private:
  using Milliseconds = std::chrono::duration<double, std::milli>;

  Milliseconds least_;
  Milliseconds most_;
  Milliseconds next_;
  std::function<double()> random_;
};

}  // namespace ringside::net
