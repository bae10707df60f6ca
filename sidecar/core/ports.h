// The seams between the core's runtime and the I/O around it. The I/O folders implement or call these and never see one
// another; main.cc joins them. All of it on the event loop's thread.
//
// One rule for every question here: it is never answered from inside the call that asks, but later, from the loop. Who
// asks can finish what it is doing, and note the token that it got, before the answer comes. (What another host asks is
// answered by a function that comes with the question, PeerSink::Reply, which may be called at once.)
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "sidecar/core/call.h"
#include "sidecar/core/counters.h"
#include "sidecar/core/deactivation.h"
#include "sidecar/core/effects.h"
#include "sidecar/core/explanation.h"
#include "sidecar/core/membership/ring.h"
#include "sidecar/core/snapshot.h"

namespace ringside::core {

// ---- what the listeners may ask of this host ----
// To read, for whoever only shows it. Looking changes nothing.
class HostReader {
 public:
  virtual ~HostReader() = default;
  virtual Placement where(ActorId id) const = 0;
  virtual Status status() const = 0;
  virtual std::vector<MemberStatus> members() const = 0;
  virtual std::vector<ActorStatus> actors(std::size_t limit, ActorId after) const = 0;
  virtual const Ring& ring() const = 0;
  virtual const Counters& counters() const = 0;
  virtual Now now() const = 0;
};

class Gateway : public HostReader {
 public:
  // Routes one call. `done` is called exactly once.
  using Done = std::function<void(Answer)>;
  virtual CallId apply(Call call, Done done) = 0;
  virtual void cancel(CallId call) = 0;   // the caller went away; `done` is still called
  virtual void hang_up(CallId call) = 0;  // it has perhaps: the same, unless the turn has begun here

  // Where an actor is and why, which the hosts are asked that know (within a second). Called once.
  virtual void explain(ActorId id, std::function<void(Explained)> done) = 0;

  // Which actors of this host have the most calls, turn time and waiting, the `most` first of each. Recorded from the
  // first look until a minute after the last.
  virtual Top top(std::size_t most) = 0;

  // by: on whose word, for people.
  virtual void drain(const std::string& by) = 0;
  virtual void uncordon(const std::string& by) = 0;
  // Called once: when a drain has ended (true: nothing is left; false: --drain-timeout came first), or soon where none
  // is left to await. forget() cancels it.
  virtual WatcherId when_drained(std::function<void(bool complete)> done) = 0;
  // Called at every change of members, phases or ring, until it is cancelled.
  virtual WatcherId when_view_changes(std::function<void()> changed) = 0;
  virtual void forget(WatcherId watcher) = 0;
};

// ---- other hosts ----
class PeerPort {
 public:
  virtual ~PeerPort() = default;
  virtual void ask(AskPeer question) = 0;      // answered by PeerSink::peer_answered
  virtual void forward(ForwardCall call) = 0;  // answered by PeerSink::forward_answered
  virtual void abandon(ForwardId forward) = 0;
  virtual void drop_queue(const std::string& host) = 0;
};
class PeerSink {
 public:
  virtual ~PeerSink() = default;
  using Reply = std::function<void(PeerAnswer)>;  // called exactly once
  virtual void peer_asked(Sender sender, std::string source_ip, PeerRequest request, Reply reply) = 0;
  virtual void peer_answered(QuestionId token, PeerAnswer answer) = 0;
  virtual void forward_answered(ForwardId token, Answer answer) = 0;
  virtual void connection_lost(const std::string& host) = 0;
  virtual Sender self() const = 0;  // who this host says it is
};

// ---- the application ----
class AppPort {
 public:
  virtual ~AppPort() = default;
  virtual void start_turn(StartTurn turn) = 0;             // answered by AppSink::turn_ended
  virtual void break_turn(TurnId turn) = 0;                // closes its connection; turn_ended follows
  virtual void deactivate(DeactivateActor request) = 0;    // answered by AppSink::deactivated
  virtual void deactivate_all(DeactivateAll request) = 0;  // of all actors, as after a restart of the sidecar
  virtual std::size_t waiting_for_connection() const = 0;  // turns that were started, and have yet to find one
};
class AppSink {
 public:
  virtual ~AppSink() = default;
  virtual void app_up() = 0;
  // It lives, and should be given nothing more: turns under way end as they do, activations by deactivate().
  virtual void app_unhealthy(const std::string& why) = 0;
  // It is gone, or another process answers in its place: every activation has ended. Turns under way are reported after
  // it, or the next of the same actor would begin.
  virtual void app_down(const std::string& why) = 0;
  virtual void app_restarted() = 0;
  virtual void turn_ended(TurnId turn, Answer answer) = 0;
  virtual void deactivated(DeactivationId token, Deactivated said) = 0;
};

// ---- discovery ----
class DiscoveryPort {
 public:
  virtual ~DiscoveryPort() = default;
  virtual void read_again() = 0;  // answered by DiscoverySink
};
// What all sources say together.
struct Discovered {
  std::vector<std::string> addresses;  // canonical
  // Every source has answered in this reading, and names somebody or did so before: whoever is in none of them is not
  // there.
  bool complete = false;
  // For people: what is wrong with which source, and all of that in one text.
  std::map<std::string, std::string> problems;
  std::string missing;
};
class DiscoverySink {
 public:
  virtual ~DiscoverySink() = default;
  virtual void discovered(const Discovered& found) = 0;
  // A source could not be read, or names nobody. `news`: worth a line in the log.
  virtual void discovery_failed(const std::string& source, const std::string& why, bool news) = 0;
};

// ---- connections between hosts ----
class PeerSecurityPort {
 public:
  virtual ~PeerSecurityPort() = default;
  virtual PeerSecurity peer_security() const = 0;
};

// ---- what people ask for later ----
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void happened(HostEvent event) = 0;
};

// ---- measurements that are not counters of the core ----
class Measurements {
 public:
  virtual ~Measurements() = default;
  virtual void call_ended(Origin origin, Outcome outcome, Duration took) = 0;
  virtual void turn_ended(Outcome outcome, Duration took) = 0;
  virtual void peer_answered(Duration round_trip) = 0;
  virtual void loop_lag(Duration late) = 0;
};

}  // namespace ringside::core
