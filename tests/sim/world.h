// N hosts, their network, their applications and their callers, in simulated time, from one seed.
//
// The hosts are the core that ships. Everything else is here: what is delayed, lost, doubled, stopped, killed and
// healed is drawn from the seed, so the same options give the same run.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "sidecar/core/node.h"
#include "tests/sim/agenda.h"
#include "tests/sim/costs.h"
#include "tests/sim/legacy_host.h"
#include "tests/sim/loop_times.h"
#include "tests/sim/options.h"
#include "tests/sim/oracle.h"
#include "tests/sim/traffic.h"

namespace ringside::sim {

// All that stands in a batch here is its number.
inline std::uint64_t batch_of(const core::Call& call) { return std::stoull(std::get<std::string>(call.request)); }

class World final : private LegacyWorld {
 public:
  explicit World(Options options);
  ~World() override = default;

  // Runs to the end, or to the first thing that is broken.
  void run();

  const Oracle& oracle() const { return oracle_; }
  // What its changes cost each host; of kinds that are nothing but changes.
  Costs costs() const { return {traffic_, loop_times_, now_ - kBegin}; }
  const std::vector<std::string>& trace() const { return trace_; }
  // Of every line that a trace of this run has; 0 where none was wanted.
  std::uint64_t checksum() const { return checksum_; }
  std::string name_of(std::size_t host) const { return hosts_[host].name; }

 private:
  struct Turn {
    core::CallPtr call;
    core::Epoch epoch = 0;
  };
  struct App {
    std::map<core::ActorId, core::Epoch> active;
    std::map<core::TurnId, Turn> turns;
    bool up = true;
    std::uint64_t instance = 0;  // grows with every crash: what an earlier one began is void
    std::uint64_t known = 0;     // the one that the sidecar's connections lead to
  };
  struct Host {
    std::string name;
    std::string address;  // leads to it whatever name it announces
    std::string announced;
    std::string zone;  // empty: it tells none
    std::uint32_t weight = core::kWeightOne;
    bool knows_no_weights = false;
    std::vector<std::string> listed;  // what discovery named last
    std::int64_t nobody_until = 0;    // its source names nobody
    bool clock_is_wrong = false;
    std::unique_ptr<core::Node> node;    // null: no process, or a legacy one
    std::unique_ptr<LegacyHost> legacy;  // likewise
    std::uint64_t incarnation = 0;
    bool is_legacy = false;
    bool stopped = false;
    bool leaving = false;
    bool misled = false;              // discovery left somebody out
    std::int64_t must_ask_until = 0;  // was stopped: serves nothing until a peer has answered, or all are silent
    std::int64_t changed_at = 0;
    std::int64_t slow_until = 0;
    std::int64_t lies_until = 0;
    std::map<std::string, std::vector<std::int64_t>> obeyed;  // when it joined anew, as that host had buried it
    std::vector<std::function<void()>> inbox;                 // what came while it was stopped
    core::Instant wake_at = core::kNever;
    std::map<core::ReplyId, std::function<void(core::PeerAnswer)>> asked;
    std::map<core::CallId, std::function<void(core::Answer)>> calls;
    std::set<core::ForwardId> forwards;
    App app;
    std::int64_t clock_skew_ms = 0;
    bool alive() const { return node != nullptr || legacy != nullptr; }
  };
  static constexpr std::int64_t kBegin = 3'600'000'000;  // of the run

  using Answered = std::function<void(core::Answer)>;
  using Replied = std::function<void(core::PeerAnswer)>;

  // world.cc: time and the run
  void at(std::int64_t time, std::function<void()> what) { agenda_.at(time, std::move(what)); }
  void after(std::int64_t delay, std::function<void()> what) override { at(now_ + delay, std::move(what)); }
  std::int64_t now() const override { return now_; }
  void on_host(std::size_t host, std::uint64_t incarnation, std::function<void(Host&)> what);
  core::Now time_of(const Host& host) const;
  bool has_arbiter(core::ActorId id) const;
  bool chance(double rate);
  std::int64_t between(std::int64_t low, std::int64_t high);
  template <typename Text>
  void note(Text&& text) {
    if (options_.trace || options_.checksum) write(text());
  }
  void write(const std::string& line);
  bool anybody_serves() const;
  std::size_t index_of(const std::string& name) const;  // or of an address
  void name_hosts();
  static std::uint32_t points_of(std::uint32_t weight);
  bool is_looked_at(std::size_t event) const;  // one in so many, where there are many hosts
  void check_converged();
  void check_watchers();  // of hosts that tell their zones, while all know all
  void sweep(std::size_t nth, bool again);

  // faults.cc: what befalls hosts
  void start_host(std::size_t host);
  void keep_discovering(std::size_t host);
  void kill_host(std::size_t host, const std::string& why);
  void break_links(std::size_t gone);
  void drain_host(std::size_t host);
  void stop_host(std::size_t host, std::int64_t for_us);
  void cut_off(std::size_t host, std::int64_t for_us, bool partial);
  void crash_app(std::size_t host, std::int64_t for_us);
  void find_restart(Host& host);
  void make_app_unhealthy(std::size_t host, std::int64_t for_us);
  void slander(std::size_t host);
  void burst(std::size_t host);
  void plan_wrong_clocks();
  void check_right_clocks();
  void plan_rollout();
  void plan_vanishing(double part);
  static bool is_in_lost_zone(std::size_t host) { return host % kZones == 0; }
  void plan_zone_cut();
  void plan_starvation();
  void plan_zone_vanishing();
  void plan_faults();

  // effects.cc: what a node wants done
  void settle(std::size_t host);
  void arm(std::size_t host);
  void carry_out(std::size_t host, core::Effect& effect);
  void read_discovery(std::size_t host);
  void leave_soon(std::size_t host);
  void watch(std::size_t host, const core::LogLine& line);
  void judge_burial(Host& host, const std::string& why);

  // network.cc
  void ask(std::size_t from, core::AskPeer question);
  using Slices = std::vector<core::PeerAnswer>;
  std::size_t slice() const { return options_.short_slices ? 3 : core::kMostInSlice; }
  void ask_slices(std::size_t from, std::size_t to, const core::Sender& sender, core::PeerRequest request,
                  Slices so_far, std::function<void(Slices)> done);
  void ask_legacy(std::size_t from, std::size_t to, const core::AskPeer& question, const Replied& answer);
  void forward(std::size_t from, core::ForwardCall call);
  bool lost(std::size_t from, std::size_t to);
  std::int64_t delay(std::size_t to);
  void judge_acknowledgement(std::size_t at, const core::OwnershipRequest& claims, const core::PeerAnswer& says);
  void legacy_asks(const std::string& from, const std::string& to, core::PeerRequest request, Replied done) override;
  void legacy_forwards(const std::string& from, const std::string& to, core::CallPtr call, Answered done) override;
  void legacy_turn(const std::string& at, core::CallPtr call, Answered done) override;
  void legacy_ended(const std::string& at, core::ActorId id) override;

  // application.cc
  void start_turn(std::size_t host, core::StartTurn turn);
  void nested_turn(std::size_t host, const core::StartTurn& turn, std::function<void()> end);
  void break_turn(std::size_t host, core::TurnId token);
  void activate(Host& host, core::ActorId id, core::Epoch epoch);
  void deactivate(std::size_t host, const core::DeactivateActor& request);
  void deactivate_all(std::size_t host, core::DeactivationId token);
  core::Deactivated answer_to_deactivation(const core::DeactivateActor& request);
  void end_activations(Host& host);

  // callers.cc
  void call_again(int caller);
  core::ActorId draw_id();
  struct Wanted {
    std::uint64_t batch = 0;  // 0: a new one
    int caller = 0;
    core::ActorId id = 0;
    bool keyed = false;
    bool repeatable = false;
    std::int64_t patience = 10'000'000;
    std::string chain;  // of the turn that calls
  };
  void call(std::size_t host, Wanted wanted, Answered then);
  void repeat_with_key(Wanted wanted, const core::Answer& answer, int left, const std::function<void()>& then);
  void deliver_to(std::size_t host, core::CallId token, const core::CallPtr& call);
  bool may_wait(std::size_t host, core::ActorId id) const;
  void judge_strictly(std::uint64_t batch, core::ActorId id, const core::Answer& answer);

  Options options_;
  core::Random random_;
  core::Ring::Ptr everybody_;  // if nobody were gone
  Oracle oracle_;
  Traffic traffic_;
  LoopTimes loop_times_;
  Agenda agenda_;
  std::int64_t now_ = kBegin;
  std::int64_t end_of_faults_ = 0;
  std::vector<Host> hosts_;
  std::unordered_map<std::string, std::size_t> places_;       // in hosts_, by name and by address
  std::size_t events_ = 0;                                    // of nodes
  std::set<std::pair<std::size_t, std::size_t>> cut_;         // from, to
  std::set<std::pair<std::size_t, std::size_t>> unresolved_;  // who cannot resolve whose name
  std::set<std::size_t> dark_;                                // there is no machine
  bool zone_is_cut_ = false;                                  // from the others
  std::set<std::uint64_t> put_off_;                           // batches that the app answers "not now", always
  std::uint64_t next_batch_ = 1;
  std::uint64_t next_call_ = 1;
  core::ActorId next_fresh_id_ = 1'000'000;
  std::uint64_t next_number_ = 1;  // of calls and replies
  bool calling_ = true;
  bool only_moves_ = false;  // nothing but joins and drains: the strictest promises hold
  std::vector<std::string> trace_;
  std::uint64_t checksum_ = 0;
};

}  // namespace ringside::sim
