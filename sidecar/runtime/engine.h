// Runs the node: turns what happens on the loop into its events, carries out its effects, keeps its timer.
//
// The one place where the core meets time and chance. Loop thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "sidecar/base/lifetime.h"
#include "sidecar/core/node.h"
#include "sidecar/core/ports.h"
#include "sidecar/log/log.h"
#include "sidecar/loop/loop.h"
#include "sidecar/loop/timer.h"
#include "sidecar/process/memory_return.h"

namespace ringside::runtime {

using loop::Loop;
using SteadyClock = std::chrono::steady_clock;

// The core's monotonic time is the steady clock's, in microseconds.
core::Instant to_instant(SteadyClock::time_point time);
SteadyClock::time_point to_steady(core::Instant instant);

class Engine final : public core::Gateway, public core::PeerSink, public core::AppSink, public core::DiscoverySink {
 public:
  Engine(Loop& loop, core::NodeConfig config, std::uint64_t seed, log::Log& log);
  ~Engine() override;

  // The other side of the seams; all of them before start().
  struct Ports {
    core::PeerPort* peers = nullptr;
    core::AppPort* app = nullptr;  // nullptr: routes only
    core::DiscoveryPort* discovery = nullptr;
    core::Measurements* measurements = nullptr;
    core::EventSink* events = nullptr;                 // nullptr: nobody asks for them
    const core::PeerSecurityPort* security = nullptr;  // nullptr: plaintext
  };
  // With an application the node begins with the first word on its health, without one at once.
  void start(Ports ports);

  // Says good-bye to every member; `done` after their answers, or a short bound.
  void close(std::function<void()> done);

  // core::Gateway
  core::CallId apply(core::Call call, Done done) override;
  void cancel(core::CallId call) override;
  void hang_up(core::CallId call) override;
  core::Top top(std::size_t most) override { return node_.top(now(), most); }
  void explain(core::ActorId id, std::function<void(core::Explained)> done) override;
  core::Placement where(core::ActorId id) const override { return node_.where(id); }
  core::Status status() const override;
  std::vector<core::MemberStatus> members() const override;
  std::vector<core::ActorStatus> actors(std::size_t limit, core::ActorId after) const override;
  const core::Ring& ring() const override { return node_.ring(); }
  bool expects(const std::string& host) const { return node_.expects(host); }
  const core::Counters& counters() const override { return node_.counters(); }
  core::Now now() const override;
  void drain(const std::string& by) override;
  void uncordon(const std::string& by) override;
  core::WatcherId when_drained(std::function<void(bool complete)> done) override;
  core::WatcherId when_view_changes(std::function<void()> changed) override;
  void forget(core::WatcherId watcher) override;

  // core::PeerSink
  void peer_asked(core::Sender sender, std::string source_ip, core::PeerRequest request, Reply reply) override;
  void peer_answered(core::QuestionId token, core::PeerAnswer answer) override;
  void forward_answered(core::ForwardId token, core::Answer answer) override;
  void connection_lost(const std::string& host) override;
  core::Sender self() const override;

  // core::AppSink
  void app_up() override;
  void app_unhealthy(const std::string& why) override;
  void app_down(const std::string& why) override;
  void app_restarted() override;
  void turn_ended(core::TurnId turn, core::Answer answer) override;
  void deactivated(core::DeactivationId token, core::Deactivated said) override;

  // core::DiscoverySink
  void discovered(const core::Discovered& found) override;
  void discovery_failed(const std::string& source, const std::string& why, bool news) override;

 private:
  void begin(bool app_up, const std::string& why = {});
  void finish_closing();
  void carry_out();  // everything that the last event wants done
  void carry_out(core::AskPeer effect);
  void carry_out(core::AnswerPeer effect);
  void carry_out(core::ForwardCall effect);
  void carry_out(core::AbandonForward effect);
  void carry_out(const core::DropPeerQueue& effect);
  void carry_out(core::StartTurn effect);
  void carry_out(core::BreakTurn effect);
  void carry_out(core::DeactivateActor effect);
  void carry_out(const core::DeactivateAll& effect);
  void carry_out(core::FinishCall effect);
  void carry_out(core::TellExplanation effect);
  void carry_out(core::ReadDiscovery effect);
  void carry_out(core::ViewChanged effect);
  void carry_out(core::DrainDone effect);
  void carry_out(const core::LogLine& effect);
  void carry_out(core::HostEvent effect);
  void arm_timer();
  void post_view_change();
  void tell_discovered();

  struct CallEntry {
    Done done;
    core::Origin origin;
    std::string actor;  // as the caller calls it
    core::Instant started;
  };
  void log_refusal(const CallEntry& call, const core::Answer& answer);
  void tell_refusal(const CallEntry& call, const core::Answer& answer);
  void happened(core::HostEvent event);

  Loop& loop_;
  log::Log& log_;
  core::Node node_;
  Ports ports_;
  loop::Timer timer_;
  core::Instant timer_at_ = core::kNever;
  bool started_ = false;
  core::Instant starting_since_;
  bool carrying_out_ = false;
  bool view_change_posted_ = false;
  std::uint64_t next_number_ = 1;  // of calls, of replies, of watchers, of explanations
  core::CallId asking_;            // the call that apply() is inside of, if any
  std::unordered_map<core::CallId, CallEntry> calls_;
  std::unordered_map<core::ReplyId, Reply> asked_;  // by others, not answered yet
  std::unordered_map<core::ExplainId, std::function<void(core::Explained)>> explaining_;
  std::unordered_map<core::TurnId, core::Instant> turns_;      // when they began
  std::unordered_map<core::QuestionId, core::Instant> pings_;  // when they were sent
  std::set<core::QuestionId> good_byes_;                       // not answered yet
  std::function<void()> closed_;
  loop::Timer closing_bound_;
  process::MemoryReturn memory_;
  std::map<core::WatcherId, std::function<void(bool)>> drain_watchers_;
  std::map<core::WatcherId, std::function<void()>> view_watchers_;
  core::Discovered discovered_;    // last
  bool discovered_early_ = false;  // before the node began
  std::uint64_t discovery_failures_ = 0;
  base::Lifetime life_;  // last
};

}  // namespace ringside::runtime
