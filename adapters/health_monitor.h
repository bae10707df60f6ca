// Judges whether the application is up: by its health checks, and by what its connections say meanwhile.
//
// Up with the first healthy answer. While it is up, two things end that, and they are told apart:
//   gone       nothing has listened for 100 ms, and no turn is under way: its activations have ended with it
//   unhealthy  it lives, but its health has failed for `down_after`, or it takes no new connection while it still
//              answers turns (a graceful stop)
// Restarted: another process listens (replaced()), another instance than before while it stays up, or nothing listened
// for a moment: what answers afterwards is another process, unless the listening socket is known to be the same.
//
// An instance that changes again and again, or back to an earlier one, does not come from one process that restarts:
// several answer at one port, and none of them holds all actors. The contract says that an application is one process,
// so it counts as unhealthy until it has named one instance for a while.
//
// A check without any answer says nothing while the application works on turns: all its threads may be busy with them.
// That excuse ends after `turn_timeout` without a sign of life. Loop thread only.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "sidecar/base/lifetime.h"
#include "sidecar/net/transport.h"

namespace ringside::adapters {

struct HealthResult {
  bool healthy = false;
  bool no_listener = false;    // no process listens there
  bool timed_out = false;      // no answer at all
  std::string instance;        // the application's own mark of its run, where it gives one
  std::string why;             // not healthy: for a person
  bool same_listener = false;  // surely the process that has listened before
};

struct HealthTimes {
  std::chrono::milliseconds interval, down_after, turn_timeout;
};

class HealthMonitor {
 public:
  using Checked = std::function<void(HealthResult)>;
  struct Events {
    std::function<void(net::Clock::time_point deadline, Checked)> check;  // asks once; answers once, by the deadline
    std::function<void()> hanging;                                        // a check has no answer yet; may be empty
    std::function<bool()> working;  // turns or deactivations are under way on living connections
    std::function<void()> up;
    std::function<void(const std::string& why)> unhealthy;  // also where the reason has changed
    std::function<void(const std::string& why)> gone;
    std::function<void()> restarted;
  };

  HealthMonitor(net::Loop& loop, HealthTimes times, Events events);
  ~HealthMonitor();

  void start();
  void look_now();     // something looked wrong: check at once
  void no_listener();  // a connection for a turn was refused
  // Another process listens there now: restarted, where it was up.
  void replaced();
  void answered();  // a turn or a deactivation was: a sign of life
  bool is_up() const { return state_ == State::kUp; }

 private:
  enum class State { kUnknown, kUp, kUnhealthy, kGone };

  void check();
  void checked(const HealthResult& result);
  void well(const HealthResult& result);
  bool several_processes(const HealthResult& result, bool explained);
  void nobody_listens(const std::string& why);
  bool works_on_turns() const;
  void check_in(std::chrono::milliseconds delay);
  void set_unhealthy(const std::string& why);
  void set_gone(const std::string& why);

  HealthTimes times_;
  Events events_;
  net::Timer timer_;
  State state_ = State::kUnknown;
  bool checking_ = false;
  bool again_ = false;
  bool replaced_meanwhile_ = false;  // during the check under way, whose answer may be the earlier process's
  bool refused_once_ = false;        // since it was last seen well
  std::string why_;                  // it is not up, as was told
  std::string instance_;
  std::deque<std::string> earlier_;  // instances that it has named before, without another sign of a restart
  int steady_ = 0;                   // checks in a row that named the same one
  int unsteady_ = 0;                 // not 0: this many checks more must name the same one
  int new_in_a_row_ = 0;             // checks that have named a new instance, one after another
  net::Clock::time_point check_began_;
  net::Clock::time_point last_well_;    // healthy, or excused
  net::Clock::time_point last_answer_;  // of any kind
  net::Clock::time_point refused_since_ = net::Clock::time_point::max();
  base::Lifetime life_;  // last
};

}  // namespace ringside::adapters
