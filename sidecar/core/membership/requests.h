// What other hosts ask of the membership, and say of one another. Nothing that is said changes what is known of a host:
// it is pinged, and only its own answer does.
//
// Invariant: each request is answered once. One that waits for a ping is answered when that has been answered or has
// failed, and where whoever asks may not be the host that it names no sooner than if nobody had been there.
// Loop thread only.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sidecar/core/context.h"
#include "sidecar/core/host_name.h"
#include "sidecar/core/membership/back_probes.h"
#include "sidecar/core/membership/epoch_clock.h"
#include "sidecar/core/membership/joining.h"
#include "sidecar/core/membership/liveness.h"
#include "sidecar/core/membership/roster.h"

namespace ringside::core {

class Requests {
 public:
  Requests(Roster& roster, Joining& joining, Liveness& liveness, Context& context, EpochClock& clock);

  void negotiate(ReplyId token, const Sender& sender, const std::string& source_ip, const NegotiateRequest& request);
  void join(ReplyId token, const Sender& sender, const std::string& source_ip, const JoinRequest& request);
  void leave(ReplyId token, const Sender& sender);
  void closing(ReplyId token, const std::string& host, const std::string& source_ip);
  void probe(ReplyId token, const Sender& sender, const ProbeRequest& request);

  // To a ping of that moment.
  void back_probed(const std::string& host, Instant asked, const PeerAnswer& answer);
  void send_late_refusals();  // those that are due
  void check() const { back_probes_.check(); }

 private:
  bool is_member_at(const Sender& sender, const std::string& source_ip) const;
  bool may_be_dialled(const HostName& name, const std::string& source_ip) const;
  void take_in(ReplyId token, Fingerprint names);  // that the joiner knows
  void refuse_join(ReplyId token, ReplyStatus status, const std::string& detail, Generation declared_dead = 0);
  JoinAnswer join_answer(ReplyStatus status) const;
  bool has_just_met(const Candidate& candidate, const Sender& sender) const;
  void back_probe(const std::string& host, WaitingRequest request);
  // What it says in answer to a ping of that moment, nullptr where it has said nothing.
  void resolve_back_probe(const std::string& host, const WaitingRequest& request, const PingAnswer* says, Instant asked,
                          const PeerFailure* failure);
  Instant now() const { return context_.now.mono; }

  Roster& roster_;
  Joining& joining_;
  Liveness& liveness_;
  Context& context_;
  EpochClock& clock_;
  const MembershipConfig& config_;
  BackProbes back_probes_;
  std::vector<std::pair<std::string, WaitingRequest>> late_refusals_;  // by host
};

}  // namespace ringside::core
