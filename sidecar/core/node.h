// One Ringside host, without any I/O: events and a time in, effects out.
//
// Every event method handles one thing that happened and leaves what is to be done in take_effects(). The node never
// blocks, reads no clock, draws no randomness but from its seed, and touches nothing outside: the simulator runs this
// very class. What it does is docs/ownership.md.
//
// What there is to know and to decide is in its parts, each a class that owns its state and knows no other part: Calls,
// Activations, Directory, Succession, LegacyHosts, LifeCycle, Membership. The node is what joins them: an event goes to
// one part, and what that returns to the next one. Where a call goes is a function over what they know (route.h).
//
// Invariants, of several parts together
//  1. An id is claimed here only in phase READY, as the ring owner, outside every range in doubt.
//  2. An actor has at most one turn under way; calls of one id from local callers are routed one after another.
//  3. Every call ends in exactly one FinishCall; every token that came with a request in exactly one AnswerPeer.
//  4. A claim is reported to whoever asks until the app has confirmed the deactivation.
// Loop thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "sidecar/core/activations/activations.h"
#include "sidecar/core/calls/calls.h"
#include "sidecar/core/config.h"
#include "sidecar/core/context.h"
#include "sidecar/core/directory/directory.h"
#include "sidecar/core/explaining.h"
#include "sidecar/core/explanations.h"
#include "sidecar/core/hand_over/succession.h"
#include "sidecar/core/legacy/legacy_hosts.h"
#include "sidecar/core/life/life_cycle.h"
#include "sidecar/core/membership/membership.h"
#include "sidecar/core/route.h"
#include "sidecar/core/snapshot.h"
#include "sidecar/core/timers.h"

namespace ringside::core {

class Node final {
 public:
  Node(NodeConfig config, std::uint64_t seed);

  Effects take_effects();
  Instant next_wakeup() const;  // call wake() then, or later
  // ---- events ----
  // Once the health of its app is known; why: it is not up; `waited`: until that was known.
  void start(Now now, bool app_up, const std::string& why = {}, Duration waited = Duration(0));
  void wake(Now now);
  // By every source. `missing`: why it is not complete.
  void discovered(Now now, const std::vector<std::string>& addresses, bool complete, const std::string& missing = {});
  void peer_asked(Now now, ReplyId token, const Sender& sender, const std::string& source_ip,
                  const PeerRequest& request);
  void peer_answered(Now now, QuestionId token, const PeerAnswer& answer);
  void connection_lost(Now now, const std::string& host);
  void apply(Now now, CallId token, CallPtr call);
  void cancel(Now now, CallId token);   // the caller went away
  void hang_up(Now now, CallId token);  // it has perhaps: the same, unless the turn has begun here
  void forward_answered(Now now, ForwardId token, Answer answer);
  void turn_ended(Now now, TurnId token, Answer answer);
  void deactivated(Now now, DeactivationId token, const Deactivated& said);
  void app_up(Now now);
  void app_down(Now now, const std::string& why, bool alive);  // not alive: gone, and all activations with it
  void app_restarted(Now now);                                 // there, but all activations have ended
  void drain(Now now, const std::string& by = {});             // by whose word; empty: not told
  void uncordon(Now now, const std::string& by = {});
  void close(Now now);  // the process is about to end: say good-bye
  // Where an actor is, and why: TellExplanation follows, once those who know more have answered, or have not in time.
  void explain(Now now, ExplainId token, ActorId id);
  // Which actors have the most calls, turn time and waiting. Recorded from the first look until a minute after the
  // last.
  Top top(Now now, std::size_t most);

  // ---- what it knows (snapshot.h) ----
  Placement where(ActorId id) const;
  Explained explain_alone(ActorId id) const;  // as far as this host knows by itself
  Status status() const;
  std::vector<MemberStatus> members(Instant now) const;
  std::vector<ActorStatus> actors(Instant now, std::size_t limit, ActorId after) const;
  std::string fate_of(const std::string& host) const { return cluster_.fate_of(host); }
  // Ends the process if an invariant does not hold, of a part or of several together. It looks at everything that is
  // under way: the simulator and the tests ask for it after each event.
  void check() const;
  std::size_t actor_count() const { return activations_.actors().size(); }
  Sender self() const;
  // A member, or named by the operator: connections to it need no bound.
  bool expects(const std::string& host) const;
  const Ring& ring() const { return *cluster_.ring(); }
  const Counters& counters() const { return context_.counters; }

 private:
  // node.cc
  // Every event: what is to be known before it is handled, and what follows once it has been.
  template <typename Handling>
  void on_event(Now now, const Handling& handling) {
    begin(now);
    handling();
    follow_up();
  }
  void begin(Now now);
  void follow_up();
  void tick();
  void tick_soon();
  void tick_at(Instant when);
  void slice_due();
  void dispatch(ReplyId token, const Sender& sender, const std::string& source_ip, const PeerRequest& request);
  // The membership changes in here alone (it is const to all else), and what follows from the change is handled before
  // this returns: change_membership([&](Membership& membership) { membership.connection_lost(host); });
  template <typename Change>
  void change_membership(const Change& change) {
    change(changing_membership_);
    handle_view_events();
  }
  void handle_view_events();
  void ring_changed(const Ring& before, const Ring& after);
  void admitted(const HostRun& run);
  void run_ended(const HostRun& run, Gone how);
  void left_ring(const HostRun& run, Phase phase);
  void joined();
  void confirmed();
  void view_changed();
  void set_phase(Phase phase);
  void tell_phase(Phase before);

  // node_calls.cc: the way of a call through the parts
  RouteFacts facts() const;
  void route(CallId token);
  void enter(CallId token, const CallPtr& call);
  void claim(ActorId id);
  void forward(CallId token, const Call& call, const Route& route);
  void forward_ended(ForwardId token, Answer answer);
  void advance_orders();
  void reroute_soon() { reroutes_ = true; }  // something has changed that routes depend on
  void reroute_waiting();
  void retry_due(CallId token);
  void give_free(const Calls::Left& left);
  void finish_deactivated(CallId token);
  void run(ActorId id);
  void run_with_room();
  void release(const Claim& claim);
  void requeue(const std::vector<CallId>& queue);
  void lose_all();

  // node_peers.cc: what hosts ask and tell one another about actors
  void answer(ReplyId token, PeerAnswer answer);
  PingAnswer ping_answer(const Sender& sender) const;
  IdsAnswer ids_for(const IdsRequest& request) const;
  InventoryAnswer inventory_for(const Sender& sender, const InventoryRequest& request) const;
  void claims_announced(ReplyId token, const Sender& sender, const OwnershipRequest& request, const std::string& ip);
  AckAnswer hear_claims(const HostRun& holder, const std::vector<Claim>& claims, bool remember);
  void expiry_announced(ReplyId token, const LegacyExpiryRequest& request, const std::string& source_ip);
  void hear_expiries(const std::string& host, const std::vector<ActorId>& ids);
  bool speaks_for_member(const Sender& sender) const;
  EndedAnswer hear_ends(const Sender& sender, const EndedRequest& request);
  void inventory_heard(const std::string& host, const Directory::InventoryHeard& heard);
  void announcement_heard(const std::string& host, const Directory::AnnouncementHeard& heard);
  void grant_answered(const LegacyHosts::Granted& granted);
  void verified(const LegacyHosts::Verified& verified);
  void end_yielded(const std::vector<Directory::Yielded>& yielded);
  void resolve_contested();
  void tell_successors();

  // node_explain.cc
  void tell_explanation(Explaining::Done done);
  PeerAnswer explain_to(const Sender& sender, const ExplainRequest& request) const;

  // node_check.cc
  void check_life() const;
  void check_calls() const;
  void check_actors() const;

  // node_lifecycle.cc
  void carry_out(const LifeSteps& steps);
  void begin_run(Phase phase);
  void check_quorum();
  void check_run();
  void check_drained();
  void drain_due();

  NodeConfig config_;
  Context context_;
  EpochClock clock_;
  Membership changing_membership_;  // by change_membership
  const Membership& membership_ = changing_membership_;
  const Roster& cluster_ = changing_membership_.roster();
  Timers timers_;
  Activations activations_;
  Directory directory_;
  LegacyHosts legacy_;
  Succession succession_;
  LifeCycle life_cycle_;
  const Explanations explanations_;
  Explaining explaining_;
  Calls calls_;
  std::set<ReplyId> unanswered_;  // requests of other hosts
  Instant last_event_;
  Instant phase_since_;
  Timers::Handle next_tick_ = Timers::kNone;
  Instant next_tick_at_;
  Timers::Handle next_slice_ = Timers::kNone;
  bool handling_view_events_ = false;
  bool reroutes_ = false;  // what waits, at the end of this event
};

}  // namespace ringside::core
