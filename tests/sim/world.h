// N hosts, their network, their applications and their callers, in simulated time, from one seed.
//
// The hosts are the core that ships. Everything else is here: what is delayed, lost, doubled, stopped, killed and
// healed is drawn from the seed, so the same options give the same run.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <set>
#include <string>
#include <vector>

#include "sidecar/core/node.h"
#include "tests/sim/options.h"
#include "tests/sim/oracle.h"

namespace ringside::sim {

class World {
 public:
  explicit World(Options options);

  // Runs to the end. The oracle tells what was broken.
  void run();

  const Oracle& oracle() const { return oracle_; }
  const std::vector<std::string>& trace() const { return trace_; }
  std::uint64_t trace_hash() const { return trace_hash_; }
  std::uint64_t messages() const { return messages_; }

 private:
  struct App {
    std::map<core::ActorId, core::Epoch> active;
    std::map<core::Token, core::CallPtr> turns;
    bool up = true;
    std::uint64_t instance = 0;  // grows with every crash: what an earlier one began is void
  };
  struct Host {
    std::string name;
    std::unique_ptr<core::Node> node;  // null: no process
    std::uint64_t incarnation = 0;
    bool stopped = false;
    std::vector<std::function<void()>> inbox;  // what came while it was stopped
    core::Instant wake_at = core::kNever;
    std::map<core::Token, std::function<void(core::PeerAnswer)>> asked;
    std::map<core::Token, std::function<void(core::Answer)>> calls;
    std::set<core::Token> forwards;
    App app;
    std::int64_t clock_skew_ms = 0;
    bool leaving = false;
  };
  struct Event {
    std::int64_t at;
    std::uint64_t order;
    std::function<void()> what;
    bool operator<(const Event& other) const { return at != other.at ? at > other.at : order > other.order; }
  };

  // world.cc: time, hosts, faults
  void at(std::int64_t time, std::function<void()> what);
  void after(std::int64_t delay, std::function<void()> what) { at(now_ + delay, std::move(what)); }
  void on_host(std::size_t host, std::uint64_t incarnation, std::function<void(Host&)> what);
  core::Now time_of(const Host& host) const;
  void start_host(std::size_t host);
  void kill_host(std::size_t host, const std::string& why);
  void drain_host(std::size_t host);
  void stop_host(std::size_t host, std::int64_t for_us);
  void cut_off(std::size_t host, std::int64_t for_us);
  void crash_app(std::size_t host, std::int64_t for_us);
  void plan_faults();
  void check_converged();
  void note(const std::string& line);
  bool chance(double rate);
  std::int64_t between(std::int64_t low, std::int64_t high);

  // host.cc: effects
  void settle(std::size_t host);
  void arm(std::size_t host);
  void carry_out(std::size_t host, core::Effect& effect);
  void ask(std::size_t from, core::AskPeer question);
  void forward(std::size_t from, core::ForwardCall call);
  bool lost(std::size_t from, std::size_t to);
  std::int64_t delay();
  std::size_t index_of(const std::string& name) const;
  void start_turn(std::size_t host, core::StartTurn turn);
  void deactivate(std::size_t host, const core::DeactivateActors& request);
  void end_activations(Host& host);
  void watch(std::size_t host, const core::LogLine& line);

  // callers
  void call_again(int caller);
  void call(int caller, std::size_t host, core::ActorId id, std::function<void(core::Answer)> then);

  Options options_;
  core::Random random_;
  Oracle oracle_;
  std::priority_queue<Event> events_;
  std::uint64_t order_ = 0;
  std::int64_t now_ = 3'600'000'000;
  std::int64_t end_of_faults_ = 0;
  std::vector<Host> hosts_;
  std::set<std::pair<std::size_t, std::size_t>> cut_;  // from, to
  std::uint64_t next_batch_ = 1;
  core::Token next_token_ = 1;
  bool calling_ = true;
  std::uint64_t messages_ = 0;
  std::vector<std::string> trace_;
  std::uint64_t trace_hash_ = 0;
};

}  // namespace ringside::sim
