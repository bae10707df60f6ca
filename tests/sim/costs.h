// What changes cost a host, for people: of the host that each cost most, in one run or in the worst of many.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "tests/sim/loop_times.h"
#include "tests/sim/traffic.h"

namespace ringside::sim {

class Costs {
 public:
  Costs() = default;
  Costs(const Traffic& traffic, const LoopTimes& loop_times, std::int64_t run_us);

  void add(const Costs& other);  // of another run with as many hosts
  std::string to_text() const;

 private:
  std::array<double, kKindsOfQuestion> questions_{};  // a change, by kind; of pings all that were sent
  double asked_ = 0, answered_ = 0, allowed_ = 0;     // a change
  double pings_ = 0, allowed_pings_ = 0;              // a second
  double longest_ms_ = 0, total_ms_ = 0;              // in event handlers
};

}  // namespace ringside::sim
