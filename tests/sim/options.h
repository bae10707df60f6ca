// What one simulated run is made of: everything that chance may do, each with its own rate, all from one seed.
#pragma once

#include <cstdint>
#include <string>

namespace ringside::sim {

struct FaultOptions {
  // The network between hosts. Rates are per message.
  double loss = 0;
  double duplicate = 0;
  std::int64_t delay_min_us = 100;
  std::int64_t delay_max_us = 2'000;
  double slow_message = 0;  // delayed by up to slow_max_us
  std::int64_t slow_max_us = 300'000;
  // Events, expected number for each host in a run.
  double crashes = 0;  // and restart under the same name, at once or later
  double drains = 0;   // and restart
  double app_crashes = 0;
  double stops = 0;       // the process is stopped for seconds and goes on
  double partitions = 0;  // one host cut off from the others, both ways or one way, then healed
  double late_joins = 0;  // part of the hosts that start in the middle of the run
  // The application. Rates are per turn.
  double app_refuses = 0;
  double app_busy = 0;
  double app_fails = 0;
  double slow_turn = 0;  // takes up to a second
  // Discovery. Rates are per reading.
  double discovery_stale = 0;
  double discovery_fails = 0;
};

struct Options {
  std::uint64_t seed = 1;
  int hosts = 5;
  int ids = 40;
  int callers = 12;
  std::int64_t run_us = 60'000'000;   // with faults
  std::int64_t calm_us = 30'000'000;  // without, before the last checks
  bool trace = false;
  FaultOptions faults;
};

// "none", "network", "churn", "partitions" or "all".
FaultOptions faults_named(const std::string& name);

}  // namespace ringside::sim
