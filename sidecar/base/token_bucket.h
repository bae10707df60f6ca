// How often something may happen: `burst` times at once, and then `per_second`. Time is an argument.
//
// With a burst of 5 and 500 a second, five happen at once, and the sixth 2 ms later.
#pragma once

#include <algorithm>
#include <chrono>

namespace ringside::base {

class TokenBucket {
 public:
  using Time = std::chrono::steady_clock::time_point;

  TokenBucket(double burst, double per_second) : burst_(burst), per_second_(per_second), tokens_(burst) {}

  // False, and nothing is taken: there are not that many now.
  bool take(double tokens, Time now) {
    if (filled_ != Time()) {
      const double seconds = std::chrono::duration<double>(now - filled_).count();
      tokens_ = std::min(burst_, tokens_ + per_second_ * seconds);
    }
    filled_ = now;
    if (tokens_ < tokens) return false;
    tokens_ -= tokens;
    return true;
  }
  void give_back(double tokens) { tokens_ = std::min(burst_, tokens_ + tokens); }

 private:
  double burst_;
  double per_second_;
  double tokens_;
  Time filled_{};
};

}  // namespace ringside::base
