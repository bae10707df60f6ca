// What one simulated run is made of: everything that chance may do, each with its own rate, all from one seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace ringside::sim {

inline constexpr std::uint32_t kPointsPerHost = 64;  // enough for a few hosts, and quick to build
inline constexpr std::uint32_t kOtherPoints = 48;
inline constexpr std::size_t kZones = 3;
inline constexpr std::uint32_t kWeights[] = {1000, 250, 2000, 500, 1000};  // thousandths

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
  double app_unhealthy = 0;        // its health fails for a while, and it goes on working
  double stops = 0;                // the process is stopped for seconds and goes on
  double partitions = 0;           // one host cut off from the others, both ways or one way, then healed
  double partial_partitions = 0;   // one host cut off from about half of the others
  bool one_way = true;             // some partitions are
  double clock_jumps = 0;          // of the wall clock, to up to 20 s from the true time
  double lost_names = 0;           // of all pairs: the one cannot resolve the other's name
  double twins = 0;                // of all hosts but the first: it announces the name of the one before it
  double nobody_listed = 0;        // of all hosts: its source names nobody for some seconds after each start
  bool wrong_clocks = false;       // of fewer than half of the hosts, by minutes or hours
  double slow_spells = 0;          // seconds in which everything that reaches the host comes up to slow_max_us later
  double lies = 0;                 // one host says for some seconds that it has buried whoever pings it
  double slanders = 0;             // a Closing in this host's name, sent by somebody else
  double late_joins = 0;           // part of the hosts that start in the middle of the run
  bool links = false;              // connections break with the process at their end, which is noticed at once
  bool rollout = false;            // all are drained and started anew, a twentieth of them at a time
  double vanish = 0;               // of all hosts: gone at one moment, and nothing refuses a connection in their place
  std::int64_t busy_start_us = 0;  // so long after its start everything comes up to slow_max_us later to a host
  std::int64_t bulk_late_us = 0;   // and what is not a ping up to so much later still
  bool starved = false;            // for some seconds hosts get to run three times, all at once
  bool zone_cut = false;           // a third of the hosts cannot reach the others, nor be reached, for a while
  bool zone_vanishes = false;      // the same third is gone at one moment, as with `vanish`
  // The application. Rates are per turn.
  double app_refuses = 0;
  double app_busy = 0;
  double app_fails = 0;
  double app_restarts_unseen = 0;  // rate per replaced app: nothing tells until the sidecar turns to it
  double app_saves_slowly = 0;     // a deactivation takes up to four seconds (rate per deactivation, as the next two)
  double app_declines = 0;         // it keeps an actor that nobody used
  double app_cannot_save = 0;      // it fails, or says nothing
  double app_puts_off = 0;         // rate per batch: answered "not now" whenever it comes
  double nested = 0;               // the turn calls another actor, and ends when that has answered
  double app_hangs = 0;            // no answer until the turn is broken
  double app_repeats = 0;          // its answer comes twice
  double slow_turn = 0;            // takes up to a second
  // Discovery. Rates are per reading.
  double discovery_stale = 0;
  double discovery_empty = 0;
  double discovery_wrong = 0;  // names hosts that never were
  double discovery_fails = 0;
  // Calls.
  double bursts = 0;  // expected number for each host: several hosts touch one fresh id at the same instant
};

struct Options {
  std::uint64_t seed = 1;
  int hosts = 5;
  int legacy_hosts = 0;  // of them: they speak the given protocol and nothing more
  int ids = 40;
  int callers = 12;
  std::int64_t run_us = 60'000'000;   // with faults
  std::int64_t calm_us = 30'000'000;  // without, before the last checks
  bool zones = false;                 // hosts tell theirs, each one in kZones hosts
  bool zones_untold = false;          // and one in five tells none
  bool weights = false;               // each run of a host has one of some weights
  bool weightless = false;            // and every third host is of a version that knows of none, until the calm
  bool own = false;                   // --peer-apply own, and the legacy hosts keep another ring
  bool quorum = false;                // --quorum: a majority
  bool few_turns = false;             // four at once, at each host
  bool small_limits = false;          // queues of a few calls, few turns at once, few displaced activations
  bool asks_by_range = false;         // nobody is asked for all that it holds, however little that is
  bool short_slices = false;          // lists are told and heard three ids at a time
  bool strict = false;                // nothing stands in the way of any call: each is applied, or the app said no
  bool changes_alone = false;         // hosts come, go and fall silent, and what that costs each of them has a bound
  bool trace = false;
  bool checksum = false;  // of the trace
  FaultOptions faults;

  // Hosts only come and go in order, and nothing gets lost.
  bool only_moves() const;
};

// What --faults may name.
const std::vector<std::string>& fault_names();
// False: no such name. "all" also draws quorum mode, small limits and legacy hosts from the seed.
bool apply_faults(const std::string& name, Options& options);

}  // namespace ringside::sim
