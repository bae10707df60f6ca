// What may come many times in a moment (core::comes_in_bursts) begins a burst: the first is recorded at once, and those
// that follow are counted, and recorded together when a second has passed without another one, or ten since any were.
// Everything else is recorded at once.
//
// Where those that are counted are about different hosts or actors, the event names none.
//
// Example: 1,204 calls of actor 42 are refused within 3 s, as its queue is full. That is one event at once, and a
// second later one of 1,203, of those 3 s. Bounded: kOpen bursts at a time; what comes beside them goes into one for
// all of its kind. A timer runs only while there is one. Loop thread only.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include "sidecar/core/ports.h"
#include "sidecar/events/history.h"
#include "sidecar/net/transport.h"

namespace ringside::events {

struct BurstTimes {
  std::chrono::milliseconds quiet{1'000};
  std::chrono::milliseconds longest{10'000};
};

class Bursts final : public core::EventSink {
 public:
  static constexpr std::size_t kOpen = 64;

  // `history` records them, and outlives this.
  Bursts(net::Loop& loop, History& history, BurstTimes times = {}) : times_(times), history_(history), timer_(loop) {}

  void happened(core::HostEvent event) override;
  // Records what has been counted, and ends all that are open.
  void end_all();

 private:
  using Key = std::tuple<core::EventKind, std::string, std::string>;  // host, why
  struct Burst {
    net::Clock::time_point last;
    net::Clock::time_point recorded;
    core::HostEvent more{.count = 0};  // those that have been counted since
    std::int64_t first_ms = 0, last_ms = 0;
  };
  void count(Burst& burst, core::HostEvent event) const;
  void record(Burst& burst);
  void arm();
  void record_those_due();

  const BurstTimes times_;
  History& history_;
  net::Timer timer_;
  std::map<Key, Burst> open_;
};

}  // namespace ringside::events
