// What the parts of one node share while an event is handled: the time, the effects so far, tokens, chance, counters.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "sidecar/core/counters.h"
#include "sidecar/core/effects.h"
#include "sidecar/core/hot_actors.h"
#include "sidecar/core/lateness.h"
#include "sidecar/core/types.h"

namespace ringside::core {

// Seeded by whoever makes the node (splitmix64, Steele et al. 2014).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : next() % bound; }
  Duration between(Duration low, Duration high) {
    return low + Duration(static_cast<std::int64_t>(below(static_cast<std::uint64_t>((high - low).count() + 1))));
  }

 private:
  std::uint64_t state_;
};

struct Context {
  explicit Context(std::uint64_t seed) : random(seed) {}

  using Fields = std::vector<std::pair<std::string, std::string>>;
  void log(Level level, std::string event, Fields fields = {}) {
    effects.push_back(LogLine{level, std::move(event), std::move(fields)});
  }
  // What people may ask for later. Where the log tells it as well, that is its line.
  void happened(HostEvent event) { effects.push_back(std::move(event)); }
  void happened(HostEvent event, Level level, std::string line, Fields fields = {}) {
    log(level, std::move(line), std::move(fields));
    happened(std::move(event));
  }
  // Names the next thing of its kind: next<TurnId>().
  template <typename Token>
  Token next() {
    return Token(next_number++);
  }

  Now now;
  Effects effects;
  Random random;
  Counters counters;
  Lateness lateness;
  HotActors hot;  // for people who look; nothing is decided by it
  std::uint64_t next_number = 1;
};

}  // namespace ringside::core
