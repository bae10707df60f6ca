#include "tests/sim/world.h"

#include <algorithm>

namespace ringside::sim {
namespace {

constexpr std::int64_t kEpochWallMs = 1'790'000'000'000;
constexpr std::int64_t kSecond = 1'000'000;
constexpr std::size_t kTraceLimit = 200'000;

}  // namespace

FaultOptions faults_named(const std::string& name) {
  FaultOptions f;
  if (name == "none") return f;
  if (name == "network" || name == "all") {
    f.loss = 0.02;
    f.duplicate = 0.02;
    f.slow_message = 0.05;
    f.discovery_stale = 0.1;
    f.discovery_fails = 0.1;
  }
  if (name == "churn" || name == "all") {
    f.crashes = 0.7;
    f.drains = 1.0;
    f.app_crashes = 0.5;
    f.late_joins = 0.4;
    f.app_refuses = 0.02;
    f.app_busy = 0.02;
    f.app_fails = 0.01;
    f.slow_turn = 0.01;
  }
  if (name == "partitions" || name == "all") {
    f.stops = 0.5;
    f.partitions = 0.5;
  }
  return f;
}

World::World(Options options) : options_(options), random_(options.seed) {
  end_of_faults_ = now_ + options_.run_us;
  for (int i = 0; i < options_.hosts; ++i) {
    Host host;
    host.name = "10.0.0." + std::to_string(i + 1);
    host.clock_skew_ms = between(-200, 200);
    hosts_.push_back(std::move(host));
  }
}

bool World::chance(double rate) { return static_cast<double>(random_.next() >> 11) * 0x1p-53 < rate; }

std::int64_t World::between(std::int64_t low, std::int64_t high) {
  return low + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(high - low + 1)));
}

void World::note(const std::string& line) {
  const std::string whole = std::to_string(now_) + " " + line;
  trace_hash_ = trace_hash_ * 1099511628211ULL ^ core::hash_bytes(whole);
  if (options_.trace && trace_.size() < kTraceLimit) trace_.push_back(whole);
}

void World::at(std::int64_t time, std::function<void()> what) { events_.push({time, order_++, std::move(what)}); }

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
  what(host);
  settle(index);
}

void World::start_host(std::size_t index) {
  Host& host = hosts_[index];
  if (host.node) return;
  ++host.incarnation;
  host.stopped = host.leaving = false;
  host.inbox.clear();
  host.asked.clear();
  host.calls.clear();
  host.forwards.clear();
  host.app = App{{}, {}, true, host.app.instance + 1};
  core::NodeConfig config;
  config.host = host.name;
  config.idle_timeout = core::Duration(5 * kSecond);
  host.node = std::make_unique<core::Node>(config, random_.next());
  note("start " + host.name);
  host.node->start(time_of(host), true);
  settle(index);
}

void World::kill_host(std::size_t index, const std::string& why) {
  Host& host = hosts_[index];
  if (!host.node) return;
  note(why + " " + host.name);
  end_activations(host);
  ++host.app.instance;
  host.node.reset();
  ++host.incarnation;
  // What its callers were waiting for is unknown to them; nobody answers.
  for (auto& [token, done] : std::exchange(host.calls, {})) {
    done(core::Answer::failed(core::Outcome::kUnknown, core::Reason::kPeerLost));
  }
}

void World::drain_host(std::size_t index) {
  Host& host = hosts_[index];
  if (!host.node || host.stopped || host.leaving) return;
  note("drain " + host.name);
  host.leaving = true;
  on_host(index, host.incarnation, [this](Host& h) { h.node->drain(time_of(h)); });
}

void World::stop_host(std::size_t index, std::int64_t for_us) {
  Host& host = hosts_[index];
  if (!host.node || host.stopped) return;
  note("stop " + host.name + " for " + std::to_string(for_us));
  host.stopped = true;
  after(for_us, [this, index, incarnation = host.incarnation] {
    Host& h = hosts_[index];
    if (h.incarnation != incarnation || !h.stopped) return;
    note("continue " + h.name);
    h.stopped = false;
    h.wake_at = core::kNever;
    for (auto& what : std::exchange(h.inbox, {})) what();
    arm(index);
  });
}

void World::cut_off(std::size_t index, std::int64_t for_us) {
  const bool one_way = chance(0.3);
  note("cut " + hosts_[index].name + (one_way ? " one way" : "") + " for " + std::to_string(for_us));
  for (std::size_t other = 0; other < hosts_.size(); ++other) {
    if (other == index) continue;
    cut_.insert({index, other});
    if (!one_way) cut_.insert({other, index});
  }
  after(for_us, [this, index] {
    note("heal " + hosts_[index].name);
    std::erase_if(cut_, [index](const auto& pair) { return pair.first == index || pair.second == index; });
  });
}

void World::crash_app(std::size_t index, std::int64_t for_us) {
  Host& host = hosts_[index];
  if (!host.node || !host.app.up) return;
  note("app crash " + host.name);
  end_activations(host);
  ++host.app.instance;
  host.app.up = false;
  const auto turns = std::exchange(host.app.turns, {});
  on_host(index, host.incarnation, [this, turns](Host& h) {
    for (const auto& [token, call] : turns) {
      h.node->turn_ended(time_of(h), token, core::Answer::failed(core::Outcome::kUnknown, core::Reason::kAppLost));
    }
    h.node->app_down(time_of(h), "crashed");
  });
  after(for_us, [this, index, incarnation = host.incarnation] {
    if (hosts_[index].incarnation != incarnation) return;
    hosts_[index].app.up = true;
    on_host(index, incarnation, [this](Host& h) { h.node->app_up(time_of(h)); });
  });
}

void World::plan_faults() {
  const FaultOptions& f = options_.faults;
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
  plan(f.stops, [this](std::size_t host) { stop_host(host, between(100'000, 8 * kSecond)); });
  plan(f.partitions, [this](std::size_t host) { cut_off(host, between(100'000, 10 * kSecond)); });
}

void World::run() {
  for (std::size_t host = 0; host < hosts_.size(); ++host) {
    const bool late = host > 0 && chance(options_.faults.late_joins);
    at(now_ + (late ? between(kSecond, options_.run_us / 2) : between(0, kSecond)), [this, host] { start_host(host); });
  }
  plan_faults();
  for (int caller = 0; caller < options_.callers; ++caller)
    after(between(0, kSecond), [this, caller] { call_again(caller); });
  at(end_of_faults_, [this] {
    note("calm");
    options_.faults = FaultOptions{};
    cut_.clear();
  });
  at(end_of_faults_ + 1, [this] {
    for (std::size_t host = 0; host < hosts_.size(); ++host) start_host(host);
  });
  at(end_of_faults_ + options_.calm_us - 5 * kSecond, [this] { calling_ = false; });
  const std::int64_t end = end_of_faults_ + options_.calm_us + 15 * kSecond;
  while (!events_.empty() && events_.top().at <= end && oracle_.ok()) {
    const Event event = events_.top();
    events_.pop();
    now_ = event.at;
    event.what();
  }
  if (oracle_.ok()) {
    oracle_.check_rest(now_);
    check_converged();
  }
}

void World::check_converged() {
  for (const Host& host : hosts_) {
    if (!host.node) {
      oracle_.fail(host.name + " is not there at the end", now_);
      continue;
    }
    const core::Status status = host.node->status();
    if (status.phase != core::Phase::kReady) {
      oracle_.fail(host.name + " is " + core::to_string(status.phase) + ": " + status.not_ready_because, now_);
    }
    if (status.members != hosts_.size()) {
      oracle_.fail(host.name + " knows " + std::to_string(status.members) + " members", now_);
    }
    if (!status.settled) oracle_.fail(host.name + " is not settled", now_);
    if (status.calls != 0 || status.turns_under_way != 0) {
      oracle_.fail(host.name + " still has " + std::to_string(status.calls) + " calls", now_);
    }
  }
}

// ---- callers --------------------------------------------------------------------------------------------------------

// One caller: one call after the other, each at some host, for some id.
void World::call_again(int caller) {
  if (!calling_) return;
  const std::size_t host = random_.below(hosts_.size());
  if (!hosts_[host].node || hosts_[host].stopped) {
    after(between(1'000, 50'000), [this, caller] { call_again(caller); });
    return;
  }
  const auto id = static_cast<core::ActorId>(1 + random_.below(static_cast<std::uint64_t>(options_.ids)));
  call(caller, host, id, [this, caller](const core::Answer&) {
    after(chance(0.1) ? between(0, kSecond) : between(0, 20'000), [this, caller] { call_again(caller); });
  });
}

void World::call(int caller, std::size_t index, core::ActorId id, std::function<void(core::Answer)> then) {
  Host& host = hosts_[index];
  const std::uint64_t batch = next_batch_++;
  const core::Token token = next_token_++;
  oracle_.sent(batch, caller, id);
  note("call " + std::to_string(batch) + " at " + host.name + " for " + std::to_string(id));
  host.calls[token] = [this, batch, then = std::move(then)](core::Answer answer) {
    note("answer " + std::to_string(batch) + " " + std::string(core::to_string(answer.outcome)) + " " +
         std::string(core::to_string(answer.reason)));
    oracle_.answered(batch, answer, now_);
    then(std::move(answer));
  };
  auto request = std::make_shared<core::Call>();
  request->id = id;
  request->request = std::to_string(batch);
  request->deadline = core::Instant(core::Duration(now_ + (chance(0.05) ? between(1'000, 100'000) : 10 * kSecond)));
  on_host(index, host.incarnation, [this, token, request](Host& h) { h.node->apply(time_of(h), token, request); });
}

}  // namespace ringside::sim
