// Token bucket over frames that cost us something and ask for nothing (RFC 9113 §10.5). Useful work earns tokens
// back, so that a busy honest peer, which sends many window updates and pings, is never taken for an attacker.
#pragma once

#include <algorithm>
#include <chrono>

#include "sidecar/net/transport.h"

namespace ringside::net {

class AbuseGuard {
 public:
  AbuseGuard(double burst, double per_second) : burst_(burst), per_second_(per_second), tokens_(burst) {}

  // False when the peer has used up its tokens.
  bool charge(double cost, Clock::time_point now) {
    if (tokens_ < cost) {
      if (last_ != Clock::time_point()) {
        tokens_ += per_second_ * std::chrono::duration<double>(now - last_).count();
      }
      tokens_ = std::min(tokens_, burst_);
      last_ = now;
      if (tokens_ < cost) return false;
    } else if (last_ == Clock::time_point()) {
      last_ = now;
    }
    tokens_ -= cost;
    return true;
  }
  void earn(double tokens) { tokens_ = std::min(burst_, tokens_ + tokens); }

 private:
  double burst_;
  double per_second_;
  double tokens_;
  Clock::time_point last_{};
};

}  // namespace ringside::net
