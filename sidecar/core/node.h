// One Ringside host, without any I/O: events and a time in, effects out.
//
// Every event method handles one thing that happened and leaves what is to be done in take_effects(). The node never
// blocks, reads no clock, draws no randomness but from its seed, and touches nothing outside: the simulator runs this
// very class. What it does is docs/ownership.md.
//
// Invariants
//  1. An id is claimed here only in phase READY, as the ring owner, outside every range in doubt.
//  2. An actor has at most one turn under way; calls of one id from local callers are routed one after another.
//  3. Every call ends in exactly one FinishCall; every token that came with a request in exactly one AnswerPeer.
//  4. A claim is reported to whoever asks until the app has confirmed the deactivation.
// Loop thread only.
#pragma once

#include <deque>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "sidecar/core/activations/actor_table.h"
#include "sidecar/core/activations/endings.h"
#include "sidecar/core/activations/inherited.h"
#include "sidecar/core/activations/turns.h"
#include "sidecar/core/calls/call_order.h"
#include "sidecar/core/calls/calls.h"
#include "sidecar/core/calls/forwards.h"
#include "sidecar/core/calls/pace.h"
#include "sidecar/core/calls/retry_budget.h"
#include "sidecar/core/config.h"
#include "sidecar/core/directory/directory.h"
#include "sidecar/core/hand_over/succession.h"
#include "sidecar/core/legacy/legacy_hosts.h"
#include "sidecar/core/life/life_cycle.h"
#include "sidecar/core/membership/membership.h"
#include "sidecar/core/membership_view.h"
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
  void start(Now now, bool app_up, const std::string& why = {});  // once its health is known; why: it is not up
  void wake(Now now);
  // By every source. `missing`: why it is not complete.
  void discovered(Now now, const std::vector<std::string>& addresses, bool complete, const std::string& missing = {});
  void peer_asked(Now now, ReplyId token, const Sender& sender, const std::string& source_ip, PeerRequest request);
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
  void drain(Now now);
  void uncordon(Now now);
  void close(Now now);  // the process is about to end: say good-bye

  // ---- what it knows (snapshot.h) ----
  Placement where(ActorId id) const;
  Status status() const;
  std::vector<MemberStatus> members(Instant now) const;
  std::vector<ActorStatus> actors(Instant now, std::size_t limit, ActorId after) const;
  std::string fate_of(const std::string& host) const { return membership_.fate_of(host); }
  // Ends the process if an invariant does not hold, of a part or of several together. It looks at everything that is
  // under way: the simulator and the tests ask for it after each event.
  void check() const;
  std::size_t actor_count() const { return actors_.size(); }
  Sender self() const;
  const Ring& ring() const { return *membership_.ring(); }
  const Counters& counters() const { return context_.counters; }

 private:
  // node.cc
  void begin(Now now);
  void settle();
  void tick();
  void tick_soon();
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

  // node_routing.cc: where a call goes, and what becomes of it
  RouteFacts facts() const;
  void route(CallId token);
  void route_in_order(CallId token);
  void advance_orders();
  void advance(OrderId order);
  void reroute_waiting();
  void wait(CallId token, PendingCall& pending, Reason reason);
  void forward(CallId token, PendingCall& pending, const Member& member, Epoch epoch);
  void forward_ended(ForwardId token, Answer answer);
  void abandon_forward(const PendingCall& pending);
  void retry_later(CallId token, PendingCall& pending, Answer why);
  void put_aside(CallId token, PendingCall& pending, Answer why);
  void take_its_place(CallId token);
  void finish(CallId token, Answer answer);
  void retry_due(CallId token);
  void call_due(CallId token);
  void give_up(CallId token, Outcome outcome, Reason reason);
  // node_turns.cc: actors and turns
  Actor& claim(ActorId id);
  void enqueue(CallId token, Actor& actor);
  void first_again(CallId token, Actor& actor, Answer why);
  bool may_start(const Call& call) const;
  bool goes_before_its_end(const Actor& actor) const;
  void run_next(Actor& actor);
  void run_runnable();
  void start_turn(CallId token, Actor& actor);
  bool answer_from_window(CallId token, const Actor& actor);
  bool refuse_loop(CallId token, const Actor& actor);
  void deactivate_for(CallId token, Actor& actor);
  void break_turn_due(TurnId turn);
  void turn_due(TurnId turn);
  void unqueue(CallId token, const PendingCall& pending);
  void end_actor(Actor& actor, Deactivation why);
  void end_all(Deactivation why);
  void lose_all();
  void send_deactivations();
  void deactivation_answered(Actor& actor, unsigned failures, const Deactivated& said);
  bool given_up(const Actor& actor, const Deactivated& said) const;
  void finish_deactivated(CallId token);
  std::vector<CallId> operators_at(const Actor& actor) const;
  bool goes_on(const Actor& actor, const Deactivated& said) const;
  void stay(Actor& actor, const Deactivated& said);
  void idle_again(ActorId id);
  void forget_idle_again(ActorId id);
  void hand_over(Actor& actor);
  void release(Actor& actor);
  void leave_behind(TurnId turn, std::deque<CallId>& queue);
  void let_follow(TurnId turn);
  void requeue(std::unique_ptr<std::deque<CallId>> queue);
  void expire_idle();

  // node_detail.cc: why a call ended as it did, in a sentence
  std::string detail_of_silence(const PendingCall& pending) const;
  std::string detail_of_loss(const Call& call, const Forward& forward, const std::string& error) const;
  Answer out_of_time_in_order(const PendingCall& pending) const;
  std::string detail_of(const PendingCall& pending, Reason reason) const;
  std::string hosts_off_the_ring() const;
  std::string busy_with(const Actor& actor) const;
  ActorStatus status_of(const Actor& actor, Instant now) const;
  Answer out_of_time(const PendingCall& pending) const;

  // node_status.cc
  std::string owner_of(ActorId id) const;

  // node_peers.cc: what hosts ask and tell one another about actors
  void answer(ReplyId token, PeerAnswer answer);
  PingAnswer ping_answer(const Sender& sender) const;
  InventoryAnswer inventory_for(const Sender& sender, const InventoryRequest& request) const;
  void claims_announced(ReplyId token, const Sender& sender, const OwnershipRequest& request, const std::string& ip);
  AckAnswer hear_claims(const HostRun& holder, const std::vector<Claim>& claims, bool remember);
  void expiry_announced(ReplyId token, const ExpiryRequest& request, const std::string& source_ip);
  void hear_expiries(const std::string& host, const std::vector<ActorId>& ids);
  ExpireAnswer hear_ends(const Sender& sender, const ExpireRequest& request);
  void inventory_heard(const std::string& host, const Directory::InventoryHeard& heard);
  void announcement_heard(const std::string& host, const Directory::AnnouncementHeard& heard);
  void grant_answered(const LegacyHosts::Granted& granted);
  void verified(const LegacyHosts::Verified& verified);
  void end_yielded(const std::vector<Directory::Yielded>& yielded);
  void settle_contested();
  void tell_successors();

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
  const MembershipView cluster_{changing_membership_};
  ActorTable actors_;
  Timers timers_;
  Calls calls_;
  CallOrder order_;
  RetryBudget retry_budget_;
  Forwards forwards_;
  Turns turns_;
  std::map<TurnId, std::deque<CallId>> left_behind_;        // lost turns: the calls behind them
  Pace pace_;                                               // of the calls that wait for actors, here or in order_
  std::unordered_map<ActorId, Timers::Handle> idle_again_;  // what the app has failed to forget is asked for then
  Endings endings_;
  Directory directory_;
  LegacyHosts legacy_;
  Succession succession_;
  Inherited inherited_;
  std::size_t turns_waiting_ = 0;  // calls that wait for actors here
  LifeCycle life_cycle_;
  Instant last_event_;
  Timers::Handle next_tick_ = Timers::kNone;
  bool handling_view_events_ = false;
  bool topology_changed_ = false;
};

}  // namespace ringside::core
