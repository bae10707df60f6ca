// Pings, suspicion and declared deaths. After SWIM (Das et al. 2002) and Lifeguard (Dadgar et al. 2017): others are
// asked before a silent host is taken for dead, and a host that is itself late does not accuse.
//
// Invariant: what is known of a host comes from its own answer to a ping of ours, dialled by its name. Messages about a
// host, its own included, only make us look.
// Loop thread only.
#pragma once

#include <cstdint>
#include <string>

#include "sidecar/core/context.h"
#include "sidecar/core/membership/member.h"
#include "sidecar/core/membership/question.h"
#include "sidecar/core/membership/roster.h"

namespace ringside::core {

class Liveness {
 public:
  Liveness(Roster& roster, Context& context);

  // ---- this process was late ----
  void suspect_self(Duration lag);  // it was stopped for so long: ask before serving
  void was_late(Duration lag);      // not for long: what others did not get to say in it is not silence

  // ---- from time to time ----
  bool is_due(const Member& member) const;  // something of what follows
  void ping_if_due(Member& member);
  void judge(Member& member);  // it may be removed

  // ---- what others say, or have come to notice ----
  void connection_lost(const std::string& host);  // a reset or refused connection elsewhere: look at once
  void about_to_end(const std::string& host);     // it said so: no calls for it before it has said where it stands

  // ---- what came of a question ----
  // Who does not know this host any more is asked to take it in again.
  enum class Pinged : std::uint8_t { kNothingFollows, kIsToBeAskedToJoin };
  Pinged pinged(const Question& asked, const PingAnswer& says);
  void ping_failed(const Question& asked, const PeerFailure& failure);
  void probed(const Question& asked, const ProbeAnswer& says);

 private:
  void ping(Member& member);
  void suspect(Member& member);
  bool is_to_tell_all(const Member& member) const;
  Instant now() const { return context_.now.mono; }

  Roster& roster_;
  Context& context_;
  const MembershipConfig& config_;
};

}  // namespace ringside::core
