#include "tests/sim/options.h"

#include <algorithm>

namespace ringside::sim {
namespace {

void network(FaultOptions& f) {
  f.loss = 0.02;
  f.duplicate = 0.02;
  f.slow_message = 0.05;
  f.discovery_stale = 0.1;
  f.discovery_empty = 0.05;
  f.discovery_wrong = 0.05;
  f.discovery_fails = 0.1;
  f.slanders = 0.3;
}

void moves(FaultOptions& f) {
  f.drains = 1.5;
  f.late_joins = 0.5;
}

// Changes upon changes, and a network that is late with all of it.
void rush(Options& options) {
  FaultOptions& f = options.faults;
  options.asks_by_range = true;
  f.drains = 8;
  f.late_joins = 0.8;
  f.slow_message = 0.3;
  f.bursts = 3;
}

void churn(FaultOptions& f) {
  f.crashes = 0.7;
  f.drains = 1.0;
  f.app_crashes = 0.5;
  f.late_joins = 0.4;
  f.bursts = 3;
}

void apps(FaultOptions& f) {
  f.app_crashes = 1.0;
  f.app_unhealthy = 1.0;
  f.app_refuses = 0.02;
  f.app_busy = 0.02;
  f.app_fails = 0.01;
  f.app_hangs = 0.002;
  f.app_repeats = 0.02;
  f.slow_turn = 0.01;
}

// Apps that take their time to save, keep what they hold, or fail at it, while hosts come and go.
void saves(FaultOptions& f) {
  churn(f);
  f.app_crashes = 1.0;
  f.app_restarts_unseen = 0.5;
  f.app_saves_slowly = 0.3;
  f.app_declines = 0.2;
  f.app_cannot_save = 0.2;
  f.app_busy = 0.05;
}

// Hosts come and go in order beside apps that take their time: nobody else's call may fail for it.
void slow(Options& options) {
  moves(options.faults);
  options.strict = true;
  options.faults.app_saves_slowly = 0.3;
  options.faults.app_declines = 0.2;
  options.faults.app_puts_off = 0.02;
}

// Turns that call other actors, with room for few turns at once: none may wait for one that waits for it.
void nested(Options& options) {
  options.strict = true;
  options.few_turns = true;
  options.faults.nested = 0.5;
}

void partitions(FaultOptions& f) {
  f.stops = 0.5;
  f.partitions = 0.5;
  f.clock_jumps = 0.5;
  f.slow_spells = 0.3;
}

// The majority must be able to tell itself from the minority, and a stopped process cannot end its activations.
void quorum(Options& options) {
  options.quorum = true;
  options.faults.partitions = 1.0;
  options.faults.one_way = false;
}

void limits(Options& options) {
  options.small_limits = true;
  churn(options.faults);
  apps(options.faults);
}

void legacy(Options& options) {
  options.legacy_hosts = std::max(1, options.hosts / 3);
  options.faults.crashes = 0.3;
  options.faults.drains = 0.5;
  options.faults.bursts = 3;
}

void partial(FaultOptions& f) {
  churn(f);
  f.crashes = 0.3;
  f.partial_partitions = 1.0;
}

// Hosts are listed by addresses, and what they announce leads nowhere, or elsewhere.
void names(FaultOptions& f) {
  f.lost_names = 0.25;
  f.twins = 0.15;
  f.nobody_listed = 0.3;
  f.crashes = 0.5;
  f.drains = 0.5;
  f.late_joins = 0.6;
}

void clocks(FaultOptions& f) {
  f.wrong_clocks = true;
  f.late_joins = 0.3;
}

// Lists of ids that take longer than most of what may happen meanwhile.
void slices(Options& options) {
  options.short_slices = true;
  options.ids = 120;
  churn(options.faults);
  options.faults.drains = 2;
}

// A member that says of others that they are buried, whatever it thinks.
void liars(FaultOptions& f) {
  f.lies = 0.3;
  f.drains = 0.5;
}

// For a large cluster that is as good as its network, so that what it costs is what its changes cost.
void changes_alone(Options& options, std::int64_t run_us) {
  options.changes_alone = true;
  options.faults.links = true;
  options.run_us = run_us;
  options.calm_us = 15'000'000;
}

// On a machine that has too little for so many: what is heard is heard late, and so is the time.
void busy(Options& options) {
  changes_alone(options, 40'000'000);
  options.faults.busy_start_us = 10'000'000;
  options.faults.slow_max_us = 500'000;
  options.faults.bulk_late_us = 2'000'000;
  options.faults.starved = true;
}

void rollout(Options& options) {
  changes_alone(options, 90'000'000);
  options.faults.rollout = true;
}

void third_gone(Options& options) {
  changes_alone(options, 40'000'000);
  options.faults.vanish = 1.0 / 3;
}

void zone_cut(Options& options) {
  changes_alone(options, 45'000'000);
  options.faults.zone_cut = true;
}

// A zone is cut off, or gone, and the hosts had been told who is in it. A host more or less is no zone: there are
// enough of them that not everybody is watched by all.
void zones(Options& options) {
  changes_alone(options, 45'000'000);
  options.hosts = std::max(options.hosts, 14);
  options.zones = true;
  options.zones_untold = options.seed % 4 == 3;
  options.faults.zone_cut = options.seed % 2 == 1;
  options.faults.zone_vanishes = !options.faults.zone_cut;
}

// Hosts of different weights come and go, and come back with another one.
void weights(Options& options) {
  moves(options.faults);
  options.weights = true;
  if (options.seed % 2 == 0) churn(options.faults);
}

// Beside hosts of the version before: either those or the hosts with weights have to wait.
void weightless(Options& options) {
  options.weights = options.weightless = true;
  options.faults.crashes = 0.5;
  options.faults.drains = 1.0;
  options.faults.late_joins = 0.5;
  options.faults.bursts = 3;
}

void own(Options& options) {
  legacy(options);
  options.own = true;
}

void all(Options& options) {
  network(options.faults);
  churn(options.faults);
  apps(options.faults);
  partitions(options.faults);
  if (options.seed % 7 == 1 || options.seed % 7 == 3) options.faults.partial_partitions = 0.5;
  options.quorum = options.seed % 5 == 0;
  options.small_limits = options.seed % 7 == 0;
  options.legacy_hosts = options.seed % 11 == 0 ? 1 : 0;
  options.own = options.seed % 22 == 0;
}

}  // namespace

bool Options::only_moves() const {
  const FaultOptions& f = faults;
  return legacy_hosts == 0 && !quorum && !weightless && !f.wrong_clocks &&
         f.loss + f.duplicate + f.slow_message + f.crashes + f.app_crashes + f.app_unhealthy + f.stops + f.partitions +
                 f.partial_partitions + f.slow_spells + f.slanders + f.lies + f.app_hangs + f.slow_turn + f.vanish ==
             0 &&
         !f.zone_cut && !f.zone_vanishes && !f.starved;
}

const std::vector<std::string>& fault_names() {
  static const std::vector<std::string> names{"none",   "moves",   "rush",       "network",    "churn",      "apps",
                                              "saves",  "slow",    "nested",     "partitions", "partial",    "quorum",
                                              "limits", "legacy",  "own",        "names",      "clocks",     "slices",
                                              "liars",  "all",     "storm",      "rollout",    "third-gone", "zone-cut",
                                              "zones",  "weights", "weightless", "busy"};
  return names;
}

bool apply_faults(const std::string& name, Options& options) {
  options.faults = FaultOptions{};
  if (name == "none") return true;
  if (name == "moves") return moves(options.faults), true;
  if (name == "rush") return rush(options), true;
  if (name == "network") return network(options.faults), true;
  if (name == "churn") return churn(options.faults), true;
  if (name == "apps") return apps(options.faults), true;
  if (name == "slow") return slow(options), true;
  if (name == "nested") return nested(options), true;
  if (name == "saves") return saves(options.faults), true;
  if (name == "partitions") return partitions(options.faults), true;
  if (name == "partial") return partial(options.faults), true;
  if (name == "quorum") return quorum(options), true;
  if (name == "limits") return limits(options), true;
  if (name == "legacy") return legacy(options), true;
  if (name == "names") return names(options.faults), true;
  if (name == "clocks") return clocks(options.faults), true;
  if (name == "own") return own(options), true;
  if (name == "liars") return liars(options.faults), true;
  if (name == "slices") return slices(options), true;
  if (name == "storm") return changes_alone(options, 30'000'000), true;
  if (name == "rollout") return rollout(options), true;
  if (name == "third-gone") return third_gone(options), true;
  if (name == "busy") return busy(options), true;
  if (name == "zone-cut") return zone_cut(options), true;
  if (name == "zones") return zones(options), true;
  if (name == "weights") return weights(options), true;
  if (name == "weightless") return weightless(options), true;
  if (name == "all") return all(options), true;
  return false;
}

}  // namespace ringside::sim
