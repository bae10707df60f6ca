// The world: time, and the run from its beginning to its last checks.
#include "tests/sim/world.h"

#include <algorithm>

#include "sidecar/core/hash.h"
#include "sidecar/core/membership/watch_circle.h"

namespace ringside::sim {
namespace {

constexpr std::int64_t kEpochWallMs = 1'790'000'000'000;
constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kQuiet = 5 * kSecond;  // before the last calls: what was under way ends
constexpr std::int64_t kLast = 30 * kSecond;  // after them: whatever is idle expires
constexpr std::size_t kTraceLimit = 400'000;
constexpr std::size_t kMany = 50;  // of more hosts only some look at their invariants after an event, and are swept
constexpr std::size_t kInBlock = 250;

// 10.0.0.1, and after 250 of them 10.0.1.1.
std::string address_of(std::size_t host, int network) {
  return "10." + std::to_string(network) + "." + std::to_string(host / kInBlock) + "." +
         std::to_string(host % kInBlock + 1);
}

}  // namespace

World::World(Options options)
    : options_(std::move(options)),
      random_(options_.seed),
      traffic_(static_cast<std::size_t>(options_.hosts), kPointsPerHost),
      loop_times_(static_cast<std::size_t>(options_.hosts)) {
  end_of_faults_ = now_ + options_.run_us;
  only_moves_ = options_.only_moves();
  for (int i = 0; i < options_.hosts; ++i) {
    Host host;
    host.name = host.announced = host.address = address_of(hosts_.size(), 0);
    host.clock_skew_ms = between(-200, 200);
    const bool tells_zone = options_.zones && !(options_.zones_untold && i % 5 == 0);
    if (tells_zone) host.zone = "zone-" + std::to_string(hosts_.size() % kZones);
    host.knows_no_weights = options_.weightless && i % 3 == 2;
    host.is_legacy = i >= options_.hosts - options_.legacy_hosts;
    hosts_.push_back(std::move(host));
  }
  std::vector<std::string> names;
  for (const Host& host : hosts_) names.push_back(host.name);
  everybody_ = core::Ring::make(names, kPointsPerHost);
  name_hosts();
  for (std::size_t i = 0; i < hosts_.size(); ++i) places_[hosts_[i].name] = places_[hosts_[i].address] = i;
  if (options_.legacy_hosts > 0) oracle_.mixed([this](core::ActorId id) { return has_arbiter(id); });
}

void World::name_hosts() {
  const FaultOptions& f = options_.faults;
  if (f.lost_names == 0) return;
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    hosts_[i].address = address_of(i, 1);
    if (i > 0 && chance(f.twins)) hosts_[i].announced = hosts_[i - 1].name;
    for (std::size_t other = 0; other < hosts_.size(); ++other) {
      if (other != i && chance(f.lost_names)) unresolved_.insert({i, other});
    }
  }
}

// With --peer-apply own it is the ring owner who grants an id to one host. A legacy host as owner grants nothing, and
// forgets who holds it when it restarts: that must not be where the id is, nor where it comes to if its owner goes.
bool World::has_arbiter(core::ActorId id) const {
  if (!options_.own) return true;
  std::size_t seen = 0;
  bool legacy = false;
  everybody_->walk(id, [&](const std::string& host) {
    legacy = legacy || hosts_[index_of(host)].is_legacy;
    return ++seen < 2;
  });
  return !legacy;
}

bool World::chance(double rate) { return static_cast<double>(random_.next() >> 11) * 0x1p-53 < rate; }

std::int64_t World::between(std::int64_t low, std::int64_t high) {
  return low + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(high - low + 1)));
}

void World::write(const std::string& line) {
  std::string dated = std::to_string(now_) + " " + line;
  checksum_ = core::hash_bytes(std::to_string(checksum_) + " " + dated).value();
  if (options_.trace && trace_.size() < kTraceLimit) trace_.push_back(std::move(dated));
}

bool World::anybody_serves() const {
  return std::any_of(hosts_.begin(), hosts_.end(), [](const Host& one) {
    return one.node != nullptr && one.node->status().phase == core::Phase::kReady;
  });
}

std::size_t World::index_of(const std::string& name) const {
  const auto found = places_.find(name);
  return found == places_.end() ? hosts_.size() : found->second;
}

std::uint32_t World::points_of(std::uint32_t weight) {
  core::MembershipConfig config;
  config.points = kPointsPerHost;
  config.weight = weight;
  return config.own_points();
}

bool World::is_looked_at(std::size_t event) const { return event % (1 + (hosts_.size() - 1) / kMany) == 0; }

core::Now World::time_of(const Host& host) const {
  return {core::Instant(core::Duration(now_)), kEpochWallMs + now_ / 1000 + host.clock_skew_ms};
}

// Runs on that process, or never; later where it is stopped.
void World::on_host(std::size_t index, std::uint64_t incarnation, std::function<void(Host&)> what) {
  Host& host = hosts_[index];
  if (host.incarnation != incarnation || !host.node) return;
  if (host.stopped) {
    host.inbox.push_back([this, index, incarnation, what = std::move(what)] { on_host(index, incarnation, what); });
    return;
  }
  loop_times_.measure(index, [&] { what(host); });
  settle(index);
}

void World::run() {
  for (std::size_t host = 0; host < hosts_.size(); ++host) {
    const bool late = host > 0 && chance(options_.faults.late_joins);
    at(now_ + (late ? between(kSecond, options_.run_us / 2) : between(0, kSecond)), [this, host] { start_host(host); });
  }
  plan_faults();
  for (int caller = 0; caller < options_.callers; ++caller) {
    after(between(0, kSecond), [this, caller] { call_again(caller); });
  }
  at(end_of_faults_, [this] {
    note([] { return std::string("calm"); });
    options_.faults = FaultOptions{};
    cut_.clear();
    dark_.clear();
    zone_is_cut_ = false;
    unresolved_.clear();
    for (std::size_t index = 0; index < hosts_.size(); ++index) {
      Host& host = hosts_[index];
      host.nobody_until = 0;
      // Who has called itself like another, served with a wrong clock, or is of an earlier version, is started anew.
      const bool wrong = std::exchange(host.clock_is_wrong, false);
      if (wrong) host.clock_skew_ms = between(-200, 200);
      const bool is_old = std::exchange(host.knows_no_weights, false);
      if (wrong || is_old || host.announced != host.name) kill_host(index, "put right");
      host.announced = host.name;
    }
    oracle_.disturbed(now_);
  });
  at(end_of_faults_ + 1, [this] {
    for (std::size_t host = 0; host < hosts_.size(); ++host) start_host(host);
  });
  const std::int64_t quiet = end_of_faults_ + options_.calm_us - kQuiet;
  at(quiet, [this] { calling_ = false; });
  at(quiet + kQuiet, [this] { sweep(0, false); });
  const std::int64_t end = quiet + kQuiet + kLast;
  while (agenda_.next() <= end && oracle_.ok()) {
    now_ = agenda_.next();
    agenda_.take()();
  }
  if (!oracle_.ok()) return;
  oracle_.check_rest(now_);
  check_converged();
}

// One call after the other, each id at each host. What a legacy host has wrong is put right by the first call that
// shows it, so that one call may fail where such hosts are.
void World::sweep(std::size_t nth, bool again) {
  const std::size_t ids = static_cast<std::size_t>(options_.ids);
  const std::size_t swept = std::min(hosts_.size(), kMany);
  if (nth >= ids * swept || !oracle_.ok()) return;
  const core::ActorId id(1 + nth / swept);
  const std::size_t host = nth % swept * hosts_.size() / swept;
  Wanted wanted;
  wanted.caller = options_.callers;
  wanted.id = id;
  call(host, wanted, [this, id, host, nth, again](const core::Answer& answer) {
    // A legacy host that keeps another ring may have taken the id, and have to hear first that it was not the first.
    const bool taken = options_.own && oracle_.lives(id) > 1;
    if (options_.legacy_hosts > 0 && !again && (taken || answer.outcome == core::Outcome::kNotDelivered)) {
      return after(options_.own ? 300'000 : 100'000, [this, nth] { sweep(nth, true); });
    }
    oracle_.swept(hosts_[host].name, id, answer, now_);
    after(0, [this, nth] { sweep(nth + 1, false); });
  });
}

void World::check_converged() {
  for (const Host& host : hosts_) {
    if (!host.alive()) {
      oracle_.fail(host.name + " is not there at the end", now_);
      continue;
    }
    if (!host.node) continue;
    const core::Status status = host.node->status();
    const auto expect = [&](bool holds, const std::string& what) {
      if (!holds) oracle_.fail(host.name + " " + what, now_);
    };
    expect(status.phase == core::Phase::kReady,
           std::string("is ") + core::to_string(status.phase) + ": " + status.not_ready_because);
    expect(status.members == hosts_.size(), "knows " + std::to_string(status.members) + " members");
    expect(status.settled, "is not settled");
    // Everything has expired by now: whatever is left in a table would stay there for ever.
    expect(status.calls == 0 && status.turns_under_way == 0, "still has " + std::to_string(status.calls) + " calls");
    expect(status.actors == 0, "still has " + std::to_string(status.actors) + " actors");
    expect(status.strays == 0 || options_.legacy_hosts > 0,
           "still knows " + std::to_string(status.strays) + " strays, and nobody has any actors");
    expect(status.queued_bytes == 0, "still counts " + std::to_string(status.queued_bytes) + " queued bytes");
    expect(status.unfinished == 0, "still keeps " + std::to_string(status.unfinished) + " things that are over");
  }
  check_watchers();
  if (const std::string broken = traffic_.broken(only_moves_); !broken.empty()) oracle_.fail(broken, now_);
  if (!options_.changes_alone) return;
  if (const std::string broken = traffic_.broken_by_changes(now_ - kBegin); !broken.empty()) oracle_.fail(broken, now_);
}

// Whichever zone vanishes next, each host that lives keeps watchers that notice its silence.
void World::check_watchers() {
  const bool all_know_all = std::all_of(hosts_.begin(), hosts_.end(), [&](const Host& host) {
    return host.node && host.node->status().settled && host.node->status().members == hosts_.size();
  });
  if (!options_.zones || !all_know_all) return;
  std::vector<std::set<std::size_t>> watched(hosts_.size());
  for (std::size_t host = 0; host < hosts_.size(); ++host) {
    for (const core::MemberStatus& member : hosts_[host].node->members(time_of(hosts_[host]).mono)) {
      if (member.watched) watched[host].insert(index_of(member.host));
    }
  }
  for (std::size_t host = 0; host < hosts_.size(); ++host) {
    const std::string& name = hosts_[host].name;
    std::map<std::string, std::size_t> in_zone;
    for (const std::size_t other : watched[host]) {
      if (!watched[other].contains(host)) oracle_.fail(hosts_[other].name + " does not watch " + name + " back", now_);
      if (hosts_[other].zone != hosts_[host].zone) ++in_zone[hosts_[other].zone];
    }
    in_zone.erase("");
    if (watched[host].size() < core::WatchCircle::kWatched) oracle_.fail(name + " is watched by too few", now_);
    for (const auto& [zone, watchers] : in_zone) {
      if (watched[host].size() - watchers >= core::WatchCircle::kWatched - core::WatchCircle::kMostInZone) continue;
      oracle_.fail(name + " would lose " + std::to_string(watchers) + " of its watchers with " + zone, now_);
    }
  }
}

}  // namespace ringside::sim
