// The world: what befalls hosts.
#include <algorithm>

#include "tests/sim/world.h"

namespace ringside::sim {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kIdleTimeout = 5 * kSecond;
constexpr std::int64_t kHealthInterval = kSecond;
constexpr std::int64_t kTurnTimeout = 3 * kSecond;
constexpr std::int64_t kStrictTurnTimeout = 60 * kSecond;  // none is to take as long

}  // namespace

void World::start_host(std::size_t index) {
  Host& host = hosts_[index];
  if (host.alive()) return;
  ++host.incarnation;
  host.stopped = host.leaving = host.misled = false;
  host.must_ask_until = 0;
  host.listed.clear();
  const double unlisted = options_.faults.nobody_listed;
  if (unlisted > 0 && chance(unlisted)) host.nobody_until = now_ + between(kSecond, 10 * kSecond);
  host.changed_at = now_;
  if (options_.faults.busy_start_us > 0) {
    host.slow_until = now_ + options_.faults.busy_start_us;
    traffic_.hardship();
  }
  host.inbox.clear();
  host.asked.clear();
  host.calls.clear();
  host.forwards.clear();
  host.app = App{{}, {}, true, host.app.instance + 1, host.app.instance + 1};
  traffic_.start();
  note([&] { return "start " + host.name; });
  if (host.is_legacy) {
    std::vector<std::string> others;
    for (const Host& other : hosts_) {
      if (other.name != host.name) others.push_back(other.name);
    }
    host.legacy = std::make_unique<LegacyHost>(static_cast<LegacyWorld&>(*this), host.name, others,
                                               options_.own ? kOtherPoints : kPointsPerHost);
    host.legacy->start([this, index, incarnation = host.incarnation] {
      return hosts_[index].incarnation == incarnation && hosts_[index].legacy != nullptr;
    });
    return;
  }
  host.obeyed.clear();
  core::NodeConfig config;
  config.host = host.announced;
  config.points = kPointsPerHost;
  config.zone = host.zone;
  if (options_.weights) host.weight = kWeights[(index + host.incarnation) % std::size(kWeights)];
  if (host.knows_no_weights) host.weight = core::kWeightOne;
  config.weight = host.weight;
  config.idle_timeout = core::Duration(kIdleTimeout);
  config.turn_timeout = core::Duration(kTurnTimeout);
  config.peer_apply_own = options_.own;
  if (options_.quorum) config.quorum = static_cast<std::uint32_t>(options_.hosts / 2 + 1);
  if (options_.small_limits) {
    config.queue_per_actor = 3;
    config.queue_bytes = 4'000;
    config.max_turns = 4;
    config.max_displaced = 8;
  }
  if (options_.few_turns) config.max_turns = 4;
  if (options_.short_slices) config.most_in_slice = slice();
  if (options_.asks_by_range) config.asked_for_all_below = 0;
  if (options_.strict) config.turn_timeout = core::Duration(kStrictTurnTimeout);
  host.node = std::make_unique<core::Node>(config, random_.next());
  host.node->start(time_of(host), true);
  settle(index);
  keep_discovering(index);
}

// As sidecar/discovery does it.
void World::keep_discovering(std::size_t index) {
  after(between(4 * kSecond, 6 * kSecond), [this, index, incarnation = hosts_[index].incarnation] {
    if (hosts_[index].incarnation != incarnation) return;
    read_discovery(index);
    keep_discovering(index);
  });
}

void World::kill_host(std::size_t index, const std::string& why) {
  Host& host = hosts_[index];
  if (!host.alive()) return;
  note([&] { return why + " " + host.name; });
  traffic_.end();
  oracle_.disturbed(now_);
  end_activations(host);
  ++host.app.instance;
  host.node.reset();
  const std::unique_ptr<LegacyHost> legacy = std::move(host.legacy);
  ++host.incarnation;
  const auto remembers = [](const Host& one) {
    return one.node != nullptr && one.node->status().phase != core::Phase::kJoining;
  };
  if (std::none_of(hosts_.begin(), hosts_.end(), remembers)) oracle_.nobody_remembers();
  // What its callers were waiting for is unknown to them; nobody answers.
  for (auto& [token, done] : std::exchange(host.calls, {})) {
    done(core::Answer::failed(core::Outcome::kUnknown, core::Reason::kPeerLost));
  }
  if (legacy) legacy->abandon();
  if (options_.faults.links) break_links(index);
}

void World::break_links(std::size_t gone) {
  for (std::size_t other = 0; other < hosts_.size(); ++other) {
    if (other == gone || lost(gone, other)) continue;
    after(delay(other), [this, other, gone, incarnation = hosts_[other].incarnation] {
      on_host(other, incarnation, [this, gone](Host& h) { h.node->connection_lost(time_of(h), hosts_[gone].name); });
    });
  }
}

void World::drain_host(std::size_t index) {
  Host& host = hosts_[index];
  if (!host.alive() || host.stopped || host.leaving) return;
  note([&] { return "drain " + host.name; });
  host.leaving = true;
  host.changed_at = now_;
  traffic_.end();
  if (host.legacy) {
    host.legacy->say_goodbye();
    return leave_soon(index);
  }
  traffic_.moved(host.app.active.size());
  on_host(index, host.incarnation, [this](Host& h) { h.node->drain(time_of(h)); });
}

// It has handed over what it had: the process ends, and comes back later.
void World::leave_soon(std::size_t index) {
  after(between(1'000, 500'000), [this, index, incarnation = hosts_[index].incarnation] {
    if (hosts_[index].incarnation != incarnation) return;
    if (options_.strict && !hosts_[index].calls.empty()) return leave_soon(index);  // as the process does it
    kill_host(index, "exit");
    after(between(10'000, 3 * kSecond), [this, index] { start_host(index); });
  });
}

void World::stop_host(std::size_t index, std::int64_t for_us) {
  Host& host = hosts_[index];
  if (!host.node || host.stopped) return;
  note([&] { return "stop " + host.name + " for " + std::to_string(for_us); });
  host.stopped = true;
  const bool alone = host.node->status().members == 1;
  after(for_us, [this, index, for_us, alone, incarnation = host.incarnation] {
    Host& h = hosts_[index];
    if (h.incarnation != incarnation || !h.stopped) return;
    note([&] { return "continue " + h.name; });
    oracle_.disturbed(now_);
    h.stopped = false;
    h.must_ask_until = for_us > 2 * kSecond && !alone ? now_ + 2 * kSecond : 0;
    h.wake_at = core::kNever;
    for (auto& what : std::exchange(h.inbox, {})) what();
    arm(index);
  });
}

void World::cut_off(std::size_t index, std::int64_t for_us, bool partial) {
  const bool one_way = options_.faults.one_way && chance(0.3);
  std::string from;
  for (std::size_t other = 0; other < hosts_.size(); ++other) {
    if (other == index || (partial && chance(0.5))) continue;
    from += " " + hosts_[other].name;
    cut_.insert({index, other});
    if (!one_way) cut_.insert({other, index});
  }
  note([&] {
    return "cut " + hosts_[index].name + (partial ? " from" + from : "") + (one_way ? " one way" : "") + " for " +
           std::to_string(for_us);
  });
  after(for_us, [this, index] {
    note([&] { return "heal " + hosts_[index].name; });
    oracle_.disturbed(now_);
    std::erase_if(cut_, [index](const auto& pair) { return pair.first == index || pair.second == index; });
  });
}

// Sometimes another process takes its place before its sidecar finds it gone.
void World::crash_app(std::size_t index, std::int64_t for_us) {
  Host& host = hosts_[index];
  if (!host.node || !host.app.up) return;
  const bool replaced = chance(0.3);
  note([&] { return std::string(replaced ? "app replaced " : "app crash ") + host.name; });
  oracle_.disturbed(now_);
  end_activations(host);
  ++host.app.instance;
  host.app.up = replaced;
  const auto turns = std::exchange(host.app.turns, {});
  // The sidecar finds out when it next turns to the app, or at the next health check.
  if (replaced && turns.empty() && chance(options_.faults.app_restarts_unseen)) {
    after(kHealthInterval, [this, index, incarnation = host.incarnation] {
      on_host(index, incarnation, [this](Host& h) { find_restart(h); });
    });
    return;
  }
  on_host(index, host.incarnation, [this, turns, replaced](Host& h) {
    if (replaced) {
      h.app.known = h.app.instance;
      h.node->app_restarted(time_of(h));
    } else {
      h.node->app_down(time_of(h), "crashed", false);
    }
    for (const auto& [token, turn] : turns) {
      h.node->turn_ended(time_of(h), token, core::Answer::failed(core::Outcome::kUnknown, core::Reason::kAppLost));
    }
  });
  if (replaced) return;
  after(for_us, [this, index, incarnation = host.incarnation] {
    if (hosts_[index].incarnation != incarnation) return;
    hosts_[index].app.up = true;
    on_host(index, incarnation, [this](Host& h) {
      h.app.known = h.app.instance;
      h.node->app_up(time_of(h));
    });
  });
}

void World::find_restart(Host& host) {
  if (!host.app.up || host.app.known == host.app.instance) return;
  host.app.known = host.app.instance;
  host.node->app_restarted(time_of(host));
}

// Its health fails although it goes on working; it may crash meanwhile.
void World::make_app_unhealthy(std::size_t index, std::int64_t for_us) {
  Host& host = hosts_[index];
  if (!host.node || !host.app.up) return;
  note([&] { return "app sick " + host.name; });
  on_host(index, host.incarnation, [this](Host& h) { h.node->app_down(time_of(h), "sick", true); });
  after(for_us, [this, index, incarnation = host.incarnation] {
    on_host(index, incarnation, [this](Host& h) {
      if (h.app.up) h.node->app_up(time_of(h));
    });
  });
}

// Somebody says that this host is closing, and it is not.
void World::slander(std::size_t index) {
  const Host& victim = hosts_[index];
  if (!victim.node || victim.leaving) return;
  note([&] { return "slander " + victim.name; });
  const std::string liar = hosts_[(index + 1) % hosts_.size()].name;
  for (std::size_t other = 0; other < hosts_.size(); ++other) {
    if (other == index) continue;
    on_host(other, hosts_[other].incarnation, [this, name = victim.name, liar](Host& h) {
      const core::ReplyId token(next_number_++);
      h.asked[token] = [](const core::PeerAnswer&) {};
      h.node->peer_asked(time_of(h), token, core::Sender{}, liar, core::ClosingRequest{name});
    });
  }
}

// An id that nobody has touched yet, touched at several hosts at once.
void World::burst(std::size_t index) {
  const core::ActorId id = next_fresh_id_;
  ++next_fresh_id_;
  for (std::size_t i = 0; i < std::min<std::size_t>(3, hosts_.size()); ++i) {
    const std::size_t host = (index + i) % hosts_.size();
    if (!hosts_[host].alive() || hosts_[host].stopped) continue;
    Wanted wanted;
    wanted.caller = options_.callers + 1 + static_cast<int>(host);
    wanted.id = id;
    call(host, wanted, [](const core::Answer&) {});
  }
}

// Fewer than half of the hosts, which may be started anew as well; the others crash and come back, and are all there
// for the second half of the run.
void World::plan_wrong_clocks() {
  const std::int64_t begin = now_;
  const std::int64_t half = options_.run_us / 2;
  const std::size_t first = random_.below(hosts_.size());
  const std::size_t wrong = hosts_.size() < 3 ? 0 : 1 + random_.below((hosts_.size() - 1) / 2);
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    const std::size_t index = (first + i) % hosts_.size();
    if (i < wrong) {
      at(begin + between(kSecond, half), [this, index] {
        const std::int64_t by = between(70'000, 7'200'000);
        hosts_[index].clock_skew_ms = chance(0.5) ? by : -by;
        hosts_[index].clock_is_wrong = true;
        oracle_.clock_is_wrong(now_);
        note([&] {
          return "clock of " + hosts_[index].name + " wrong by " + std::to_string(hosts_[index].clock_skew_ms);
        });
      });
    }
    for (int times = i < wrong && chance(0.5) ? 0 : 2; times > 0; --times) {
      at(begin + between(half / 4, half), [this, index] {
        kill_host(index, "crash");
        after(between(1'000, 3 * kSecond), [this, index] { start_host(index); });
      });
    }
  }
  at(end_of_faults_ - 1, [this] { check_right_clocks(); });
}

// Whatever those do whose clocks are wrong.
void World::check_right_clocks() {
  for (const Host& host : hosts_) {
    if (host.clock_is_wrong || !host.node) continue;
    const core::Status status = host.node->status();
    if (status.phase == core::Phase::kReady) continue;
    oracle_.fail(
        host.name + ", whose clock is right, is " + core::to_string(status.phase) + ": " + status.not_ready_because,
        now_);
  }
}

// As a Deployment does it: so many at a time, and the next when those are back.
void World::plan_rollout() {
  const std::size_t at_once = std::max<std::size_t>(1, hosts_.size() / 20);
  const std::int64_t first = now_ + options_.run_us / 6;
  const std::int64_t apart = options_.run_us * 4 / 6 / static_cast<std::int64_t>((hosts_.size() - 1) / at_once + 1);
  for (std::size_t host = 0; host < hosts_.size(); ++host) {
    at(first + static_cast<std::int64_t>(host / at_once) * apart, [this, host] { drain_host(host); });
  }
}

// Machines that lose their power: nobody says that they are gone.
void World::plan_vanishing(double part) {
  at(now_ + options_.run_us / 2, [this, part] {
    for (std::size_t host = 0; host < hosts_.size(); ++host) {
      if (!chance(part)) continue;
      dark_.insert(host);
      kill_host(host, "vanish");
    }
  });
}

void World::plan_zone_vanishing() {
  at(now_ + options_.run_us / 2, [this] {
    check_watchers();
    for (std::size_t host = 0; host < hosts_.size(); ++host) {
      if (!is_in_lost_zone(host)) continue;
      dark_.insert(host);
      kill_host(host, "vanish");
    }
  });
}

void World::plan_zone_cut() {
  at(now_ + options_.run_us / 3, [this] {
    check_watchers();
    note([] { return std::string("zone cut"); });
    traffic_.end(hosts_.size());
    zone_is_cut_ = true;
  });
  at(now_ + options_.run_us * 2 / 3, [this] {
    note([] { return std::string("zone healed"); });
    traffic_.start(hosts_.size());
    zone_is_cut_ = false;
    oracle_.disturbed(now_);
  });
}

// Each pause is one that a host takes off the silence of others: longer ones make it ask them about itself. Nothing
// comes from one host to another between two of them.
void World::plan_starvation() {
  constexpr std::int64_t kPause = 1'200'000;
  constexpr std::int64_t kTurn = 50;
  at(now_ + options_.run_us / 2, [this] { traffic_.hardship(hosts_.size()); });
  for (int times = 0; times < 3; ++times) {
    at(now_ + options_.run_us / 2 + times * (kPause + kTurn), [this] {
      for (std::size_t host = 0; host < hosts_.size(); ++host) stop_host(host, kPause);
    });
  }
}

void World::plan_faults() {
  const FaultOptions& f = options_.faults;
  if (f.rollout) plan_rollout();
  if (f.vanish > 0) plan_vanishing(f.vanish);
  if (f.zone_cut) plan_zone_cut();
  if (f.starved) plan_starvation();
  if (f.zone_vanishes) plan_zone_vanishing();
  const auto plan = [&](double expected, const std::function<void(std::size_t)>& what) {
    for (std::size_t host = 0; host < hosts_.size(); ++host) {
      for (double left = expected; left > 0; left -= 1) {
        if (!chance(std::min(left, 1.0))) continue;
        at(between(now_, end_of_faults_ - kSecond), [what, host] { what(host); });
      }
    }
  };
  plan(f.crashes, [this](std::size_t host) {
    kill_host(host, "crash");
    after(chance(0.5) ? between(1'000, 50'000) : between(100'000, 8 * kSecond), [this, host] { start_host(host); });
  });
  plan(f.drains, [this](std::size_t host) { drain_host(host); });
  plan(f.app_crashes, [this](std::size_t host) { crash_app(host, between(1'000, 3 * kSecond)); });
  plan(f.app_unhealthy, [this](std::size_t host) { make_app_unhealthy(host, between(1'000, 3 * kSecond)); });
  plan(f.stops, [this](std::size_t host) { stop_host(host, between(100'000, 8 * kSecond)); });
  plan(f.partitions, [this](std::size_t host) { cut_off(host, between(100'000, 10 * kSecond), false); });
  plan(f.clock_jumps, [this](std::size_t host) {
    hosts_[host].clock_skew_ms = between(-20'000, 20'000);  // a minute apart, hosts refuse one another
    note([&] { return "clock of " + hosts_[host].name + " now at " + std::to_string(hosts_[host].clock_skew_ms); });
  });
  if (f.wrong_clocks) plan_wrong_clocks();
  plan(f.slow_spells, [this](std::size_t host) { hosts_[host].slow_until = now_ + between(kSecond, 10 * kSecond); });
  plan(f.slanders, [this](std::size_t host) { slander(host); });
  plan(f.lies, [this](std::size_t host) {
    hosts_[host].lies_until = now_ + between(kSecond, 15 * kSecond);
    note([&] { return "lies " + hosts_[host].name; });
  });
  plan(f.bursts, [this](std::size_t host) { burst(host); });
  plan(f.partial_partitions, [this](std::size_t host) { cut_off(host, between(100'000, 10 * kSecond), true); });
}

}  // namespace ringside::sim
