// From names to members: whom to ask, whom to take in, when the closure of names is complete, and what to do on meeting
// a cluster that was bootstrapped beside this one.
//
// Invariant: roster.joined() is true only after every name in the closure of names has answered, refused, or been taken
// for dead. Who has answered is not dead: a host that cannot be reached by its own name holds the joining up until it
// can. A member of those who took this host in is dead when they say so.
// Loop thread only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sidecar/base/result.h"
#include "sidecar/core/context.h"
#include "sidecar/core/membership/candidates.h"
#include "sidecar/core/membership/closure.h"
#include "sidecar/core/membership/discovery_reading.h"
#include "sidecar/core/membership/epoch_clock.h"
#include "sidecar/core/membership/hold_up.h"
#include "sidecar/core/membership/own_name.h"
#include "sidecar/core/membership/roster.h"

namespace ringside::core {

class Joining {
 public:
  Joining(Roster& roster, Context& context, EpochClock& clock);

  void begin_run(Generation generation);
  // Of the next run: the others would take one below it for dead.
  Generation least_generation() const { return own_name_.least_generation(); }
  // Why not joined, for a person; empty: it is.
  std::string waiting_for() const { return closure().waiting_for(); }
  Closure closure() const;

  // ---- names ----
  // `missing`: why it is not complete, for a person.
  void discovered(const std::vector<std::string>& addresses, bool complete, const std::string& missing);
  void introduce(const std::string& host);  // it spoke for itself, and is not a member: look at it
  // A joiner speaks for itself: what this host has found out under its name may be of an earlier run.
  void heard_from(const std::string& joiner);
  // That member says that it does not have this name in its view any more.
  void held_no_more(const std::string& name, const std::string& by);
  // Another host calls itself as this one does.
  void hear_twin(const Sender& sender);
  // The other one goes on by itself: this host asks it once it can.
  void is_held_up() { hold_up_.begin(now()); }

  // ---- from time to time ----
  void tick_candidates();
  bool is_due(const Member& member) const;  // something of what follows
  void tick_member(Member& member);         // what it is asked to take note of, and which names it has
  void end_tick();

  // ---- what came of a question ----
  void candidate_answered(const Question& asked, const PingAnswer& says);
  void candidate_failed(const std::string& address, const PeerFailure& failure);
  // To a Join or a Negotiate.
  void answered(const Question& asked, const PeerAnswer& answer);
  void leave_answered(const Question& asked, const LeaveAnswer& answer);

  base::Result<void, std::string> may_be_member(const PingAnswer& says) const;
  void ask_to_join(const std::string& host);
  void check() const;  // ends the process if an invariant of a part does not hold

 private:
  void ask_candidate(const std::string& name, Candidates::Inquiry inquiry);
  void ask_to_join(const std::string& host, Fingerprint names);
  bool is_ahead(const PingAnswer& says) const;
  void set_foreign(const std::string& address, const std::string& why);
  void tell(const std::string& address, Candidate& candidate, Level level, const char* event);
  void keep_for_later(const std::string& address, const Candidate& candidate, const std::string& why);
  void met_alias(const std::string& address, const std::string& name, Candidate& candidate);
  void met_own_name(const std::string& address, const PingAnswer& says, Candidate& candidate);
  void meet(const std::string& name, const PingAnswer& says, Candidate& candidate);
  void join_answered(const Question& asked, const JoinAnswer& answer);
  void accepted(const Question& asked, const JoinAnswer& answer);
  bool is_to_take_in(const Member& member) const;
  bool is_to_see_leave(const Member& member) const;
  PingAnswer said_of_itself(const std::string& host, Generation generation) const;
  void learn_names(const std::string& host, const JoinAnswer& answer);
  void mismatched(const std::string& host, const JoinAnswer& answer);
  void not_accepted(const Question& asked, const JoinAnswer& answer);
  void negotiated(const std::string& host, const NegotiateAnswer& answer);
  NegotiateRequest negotiation(std::vector<std::string> names) const;
  void check_released();
  void check_held_up();
  void check_joined();
  Instant now() const { return context_.now.mono; }

  static constexpr Duration kRepeat{100'000};
  static constexpr Duration kLastRepeat{3'200'000};
  static constexpr std::int64_t kYearMs = 365LL * 86'400'000;  // what is further ahead is not a generation

  Roster& roster_;
  Context& context_;
  EpochClock& clock_;
  const MembershipConfig& config_;
  OwnName own_name_;
  DiscoveryReading discovery_;
  HoldUp hold_up_;
};

}  // namespace ringside::core
