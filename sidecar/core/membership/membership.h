// Who is in the cluster: join, liveness, leave, and the ring that follows from it (docs/ownership.md).
//
// Four classes share the work, each of which knows those before it and no other:
//
//   roster      members and candidates as they come and go, and what changes with them: what the rest of the node reads
//   joining     from names to members          liveness    pings, suspicion, death
//   requests    what others ask of this host, and say of one another
//
// The parts that they are made of stand beside them. Each owns its state or its rules, knows no other part, and returns
// what follows:
//
//   of the roster    view               this host, the members, the ring
//                    candidates         names that are not members (yet)
//                    departed           what became of those that are gone
//                    member_clocks      how far the members' clocks may be
//                    watch_circle       which members are pinged often
//                    failure_detector   when silence is death
//                    confirmation       after a stall: am I still known?
//   of joining       closure            whether all names have answered
//                    discovery_reading  what discovery said last
//                    hold_up            how long this joiner cannot finish
//                    own_name           which runs were this process
//                    same_cluster       who belongs to this cluster
//   of requests      back_probes        requests that wait for a ping
//
// Here is the door: an event goes to whom it is for, and the node takes what has followed (take_events).
// Loop thread only.
#pragma once

#include <string>
#include <vector>

#include "sidecar/core/context.h"
#include "sidecar/core/membership/joining.h"
#include "sidecar/core/membership/liveness.h"
#include "sidecar/core/membership/requests.h"
#include "sidecar/core/membership/roster.h"
#include "sidecar/core/membership_config.h"

namespace ringside::core {

class Membership {
 public:
  Membership(MembershipConfig config, Context& context, EpochClock& clock);

  const Roster& roster() const { return roster_; }
  Generation least_generation() const { return joining_.least_generation(); }  // of the next run
  std::string waiting_for() const { return joining_.waiting_for(); }  // why not joined, for a person; empty: it is
  bool is_closing() const { return closing_; }
  [[nodiscard]] std::vector<ViewEvent> take_events() { return roster_.take_events(); }
  void check() const;  // ends the process if an invariant does not hold

  // ---- this host ----
  void start(Generation generation, Phase phase);  // a run begins: all names are asked (again)
  void set_phase(Phase phase);                     // tells the members at once where it leaves the ring
  void close();                                    // about to exit: says good-bye, and nothing more
  void say_goodbye(bool only_to_legacy_hosts);     // who know no phases: for them this host is gone
  void suspect_self(Duration lag);                 // this process was stopped for so long: ask before serving
  void was_late(Duration lag);                     // not for long: what others did not get to say in it is not silence

  // ---- from time to time ----
  // begin_tick, then tick_member for each member for which it says that something is due, then end_tick. What follows
  // from the death of one member is so handled before the next one is looked at.
  [[nodiscard]] std::vector<std::string> begin_tick();
  void tick_member(const std::string& host);
  void end_tick();

  // ---- what is heard ----
  // `missing`: why it is not complete, for a person.
  void discovered(const std::vector<std::string>& addresses, bool complete, const std::string& missing = {});
  void answered(QuestionId token, const PeerAnswer& answer);  // to one of its own questions; else nothing happens
  void connection_lost(const std::string& host);              // a reset or refused connection elsewhere: look at once
  void about_to_end(const std::string& host);  // it said so: no calls for it before it has said where it stands
  void introduce(const std::string& host);     // it spoke for itself, and is not a member: look at it
  void pinged_by(const Sender& sender);        // what a ping tells of who sends it; the answer is the node's

  // ---- what others ask ----
  void negotiate(ReplyId token, const Sender& sender, const std::string& source_ip, const NegotiateRequest& request);
  void join(ReplyId token, const Sender& sender, const std::string& source_ip, const JoinRequest& request);
  void leave(ReplyId token, const Sender& sender);
  void closing(ReplyId token, const std::string& host, const std::string& source_ip);
  void probe(ReplyId token, const Sender& sender, const ProbeRequest& request);

 private:
  void review();

  Context& context_;
  EpochClock& clock_;
  Roster roster_;
  Joining joining_;
  Liveness liveness_;
  Requests requests_;
  Instant next_review_;
  bool closing_ = false;
};

}  // namespace ringside::core
