// What may come many times in a moment (core::comes_in_bursts) is recorded once, with a count, when a second has passed
// without more of it, or ten since it began. Everything else is recorded at once.
//
// Where those of one burst are about different hosts or actors, it names none; the reason is that of the first.
//
// Example: 1,204 calls of actor 42 are refused within 3 s, as its queue is full. That is one event, of those 3 s.
// Bounded: kOpen bursts at a time; what comes beside them goes into one for all of its kind. A timer runs only while
// there is one. Loop thread only.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <tuple>

#include <boost/asio/steady_timer.hpp>

#include "sidecar/base/lifetime.h"
#include "sidecar/core/ports.h"
#include "sidecar/net/transport.h"

namespace ringside::events {

struct BurstTimes {
  std::chrono::milliseconds quiet{1'000};
  std::chrono::milliseconds longest{10'000};
};

class Bursts final : public core::EventSink {
 public:
  static constexpr std::size_t kOpen = 64;

  // `then` records them, and outlives this.
  Bursts(net::Loop& loop, core::EventSink& then, BurstTimes times = {}) : times_(times), then_(then), timer_(loop) {}

  void happened(core::HostEvent event) override;
  // Records those that are open, whatever their age.
  void end_all();

 private:
  using Key = std::tuple<core::EventKind, std::string, std::string>;  // host, why
  struct Burst {
    core::HostEvent first;
    net::Clock::time_point began;
    net::Clock::time_point last;
  };
  void arm();
  void end_those_due();
  void record(Burst burst);

  const BurstTimes times_;
  core::EventSink& then_;
  boost::asio::steady_timer timer_;
  std::map<Key, Burst> open_;
  base::Lifetime life_;  // last
};

}  // namespace ringside::events
