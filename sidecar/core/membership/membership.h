// Who is in the cluster: join, liveness, leave, and the ring that follows from it (docs/ownership.md).
//
// The parts of it stand beside this file. Each owns its state or its rules, knows no other part, and returns what
// follows; here is what they have to do with one another, and with the other hosts:
//
//   view               this host, the members, the ring         departed           what became of those that are gone
//   candidates         names that are not members (yet)         closure            whether all of them have answered
//   failure_detector   when silence is death                    member_clocks      how far the members' clocks may be
//   back_probes        requests that wait for a ping            confirmation       after a stall: am I still known?
//   hold_up            how long this joiner cannot finish       own_name           which runs were this process
//   discovery_reading  what discovery said last                 same_cluster       who belongs to this cluster
//   watch_circle       which members are pinged often
//
// Invariants
//  1. What is known of a host comes from its own answer to a ping of ours, dialled by its name. Messages about a host,
//     its own included, only make us look.
//  2. Within one generation a host never comes back onto the ring, unless it has yet to join: until it asks the others
//     for what they hold, nothing can have been decided by its being there or not.
//  3. joined() is true only after every name in the closure of names has answered, refused, or been taken for dead. Who
//     has answered is not dead: a host that cannot be reached by its own name holds the joining up until it can. A
//     member of those who took this host in is dead when they say so.
//  4. It calls nobody: whatever a method changes is in place when it returns, and what follows for the rest of the node
//     is among the events (view_event.h) that the caller takes then.
// Loop thread only.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sidecar/base/result.h"
#include "sidecar/core/context.h"
#include "sidecar/core/host_name.h"
#include "sidecar/core/membership/back_probes.h"
#include "sidecar/core/membership/candidates.h"
#include "sidecar/core/membership/closure.h"
#include "sidecar/core/membership/confirmation.h"
#include "sidecar/core/membership/departed.h"
#include "sidecar/core/membership/discovery_reading.h"
#include "sidecar/core/membership/epoch_clock.h"
#include "sidecar/core/membership/failure_detector.h"
#include "sidecar/core/membership/hold_up.h"
#include "sidecar/core/membership/member.h"
#include "sidecar/core/membership/member_clocks.h"
#include "sidecar/core/membership/own_name.h"
#include "sidecar/core/membership/question.h"
#include "sidecar/core/membership/ring.h"
#include "sidecar/core/membership/view.h"
#include "sidecar/core/membership/view_event.h"
#include "sidecar/core/membership/watch_circle.h"
#include "sidecar/core/membership_config.h"
#include "sidecar/core/open_questions.h"

namespace ringside::core {

class Membership {
 public:
  Membership(MembershipConfig config, Context& context, EpochClock& clock);

  // ---- this host ----
  void start(Generation generation, Phase phase);  // a run begins: all names are asked (again)
  void set_phase(Phase phase);                     // tells the members at once where it leaves the ring
  void close();                                    // about to exit: says good-bye, and nothing more
  void say_goodbye(bool only_to_legacy_hosts);     // who know no phases: for them this host is gone
  void suspect_self();                             // this process was stopped: ask before serving
  void was_late(Duration lag);                     // not for long: what others did not get to say in it is not silence
  const HostRun& self() const { return view_.self(); }
  // Of the next run: the others would take one below it for dead.
  Generation least_generation() const { return own_name_.least_generation(); }
  Phase phase() const { return view_.phase(); }
  bool joined() const { return joined_; }
  // It has claimed nothing, asked nobody for what they hold, and does not count that host among those that have taken
  // it in: if that host has taken it for dead, it may take it in again in the same generation.
  bool asks_to_join(const std::string& host) const;
  bool confirming() const { return confirmation_.open(); }
  bool leave_seen_by_all() const;
  bool leave_seen_by(const std::string& host) const;
  // Of hosts heard of late, this one included.
  bool has_quorum() const { return detector_.has_quorum(members(), now()); }
  // Why not joined, for a person; empty: it is.
  std::string waiting_for() const { return closure().waiting_for(); }
  bool closing() const { return closing_; }

  // ---- the view ----
  const Ring::Ptr& ring() const { return view_.ring(); }
  const Members& members() const { return view_.members(); }
  const CandidateMap& candidates() const { return candidates_.all(); }
  const Member* find(const std::string& host) const { return view_.find(host); }
  bool settled() const;  // every member on the ring reports the ring that this host has
  std::vector<std::string> names() const;
  Successors successors(ActorId id) const { return view_.successors(id); }
  bool is_successor(ActorId id) const { return view_.is_successor(id); }
  // What became of a host, and when ("10.0.0.7 refused connections 1.2 s ago"); empty: nothing that this host knows of.
  std::string fate_of(const std::string& host) const;

  // What has followed from the calls so far, in order. Changes of the ring stand first: what this host gains by them it
  // has to know before it decides anything by the new ring.
  [[nodiscard]] std::vector<ViewEvent> take_events();

  // Ends the process if an invariant of a part does not hold, or events have been left behind. (The view is looked at
  // whenever it has changed, and at each tick.)
  void check() const;

  // ---- events ----
  // From time to time: begin_tick, then tick_member for each that was a member then, then end_tick. What follows from
  // the death of one member is so handled before the next one is looked at.
  void begin_tick();
  void tick_member(const std::string& host);
  void end_tick();
  // `missing`: why it is not complete, for a person.
  void discovered(const std::vector<std::string>& addresses, bool complete, const std::string& missing = {});
  void answered(QuestionId token, const PeerAnswer& answer);  // to one of its own questions; else nothing happens
  void connection_lost(const std::string& host);              // a reset or refused connection elsewhere: look at once
  void about_to_end(const std::string& host);  // it said so: no calls for it before it has said where it stands
  void introduce(const std::string& host);     // it spoke for itself, and is not a member: look at it
  void negotiate(ReplyId token, const Sender& sender, const std::string& source_ip, const NegotiateRequest& request);
  void join(ReplyId token, const Sender& sender, const std::string& source_ip, const JoinRequest& request);
  void leave(ReplyId token, const Sender& sender);
  void closing(ReplyId token, const std::string& host, const std::string& source_ip);
  void probe(ReplyId token, const Sender& sender, const ProbeRequest& request);
  void pinged_by(const Sender& sender);  // what a ping tells of who sends it; the answer is the node's
  Standing standing_of(const Sender& sender) const;

 private:
  // membership.cc: the view
  void admit(const std::string& host, const PingAnswer& says);
  void remove(const std::string& host, const std::string& why, Gone how);
  void choose_whom_to_watch();
  void ring_changed(const Ring::Ptr& before);  // nullptr: it is still the same
  void must_rejoin(const std::string& why);
  void buried_by(const std::string& host);
  template <typename Event>
  void happened(Event event) {
    events_.emplace_back(std::move(event));
  }
  void observe(Member& member, const PingAnswer& says);
  void ask(Question::About about, const std::string& host, PeerRequest request, Duration timeout);
  NegotiateRequest negotiation(std::vector<std::string> names) const;
  Instant now() const { return context_.now.mono; }

  // membership_joining.cc: from names to members
  Closure closure() const;
  void learn(const std::string& name, Candidates::Source source,
             Candidates::OldFinding old = Candidates::OldFinding::kStands);
  void look_for(const std::string& host, Candidate::State state, Duration how_long, std::string problem = {});
  void held_no_more(const std::string& name, const std::string& by);
  void heard_from(const std::string& joiner);
  void tick_candidates();
  void ask_candidate(const std::string& name, Candidates::Turn turn);
  bool is_ahead(const PingAnswer& says) const;
  base::Result<void, std::string> may_be_member(const PingAnswer& says) const;
  void set_foreign(const std::string& address, const std::string& why);
  void tell(const std::string& address, Candidate& candidate, Level level, const char* event);
  void candidate_answered(const Question& asked, const PingAnswer& says);
  void met_alias(const std::string& address, const std::string& name, Candidate& candidate);
  void met_own_name(const std::string& address, const PingAnswer& says, Candidate& candidate);
  void meet(const std::string& name, const PingAnswer& says, Candidate& candidate);
  void candidate_failed(const std::string& address, const PeerFailure& failure);
  void join_answered(const Question& asked, const JoinAnswer& answer);
  void accepted(const Question& asked, const JoinAnswer& answer);
  void mismatched(const std::string& host, const JoinAnswer& answer);
  void not_accepted(const Question& asked, const JoinAnswer& answer);
  void negotiated(const std::string& host, const NegotiateAnswer& answer);
  void check_released();
  void ask_for_names_anew();
  void check_held_up();
  void check_joined();

  // membership_liveness.cc: pings, suspicion, death
  void tick(Member& member);
  void ping(Member& member);
  void pinged(const Question& asked, const PingAnswer& says);
  void ping_failed(const Question& asked, const PeerFailure& failure);
  Duration spaced_out(Duration interval);
  void suspect(Member& member);
  bool is_to_tell_all(const Member& member) const;
  void probed(const Question& asked, const ProbeAnswer& says);
  void ask_about(const std::string& host, std::vector<std::string> witnesses, std::size_t how_many);
  void confirmed();

  // membership_requests.cc: what others ask
  bool is_member_at(const Sender& sender, const std::string& source_ip) const;
  bool may_be_dialled(const HostName& name, const std::string& source_ip) const;
  Generation newest_known(const std::string& host) const;  // declared dead or living
  void answer_join(ReplyId token, ReplyStatus status, const std::string& detail = {}, Generation declared_dead = 0);
  void back_probe(const std::string& host, WaitingRequest request);
  void send_late_refusals();
  void back_probed(const std::string& host, const PingAnswer* says, const PeerFailure* failure);
  void resolve_back_probe(const std::string& host, const WaitingRequest& request, const PingAnswer* says,
                          const PeerFailure* failure);

  static constexpr std::size_t kWitnesses = 3;    // asked at once about one host
  static constexpr Duration kCompare{5'000'000};  // between two exchanges of names with one member (anti-entropy)

  MembershipConfig config_;
  Context& context_;
  EpochClock& clock_;
  View view_;
  std::vector<ViewEvent> events_;
  MemberClocks clocks_;
  FailureDetector detector_;
  WatchCircle circle_;  // this host, and the members that are not legacy hosts
  OwnName own_name_;
  Candidates candidates_;
  Departed departed_;
  OpenQuestions<Question> questions_;
  BackProbes back_probes_;
  std::vector<std::pair<std::string, WaitingRequest>> late_refusals_;  // by host
  Confirmation confirmation_;
  DiscoveryReading discovery_;
  HoldUp hold_up_;
  bool joined_ = false;
  bool closing_ = false;
};

}  // namespace ringside::core
