// Joining: what others say when they are asked to take this host in, and when it leaves.
#include <algorithm>
#include <utility>

#include "sidecar/core/host_name.h"
#include "sidecar/core/membership/joining.h"
#include "sidecar/core/spacing.h"

namespace ringside::core {

void Joining::answered(const Question& asked, const PeerAnswer& answer) {
  if (asked.as != roster_.self().generation) return;  // asked by an earlier run of this host
  const auto* failure = std::get_if<PeerFailure>(&answer);
  if (const auto* join = std::get_if<JoinAnswer>(&answer)) join_answered(asked, *join);
  if (const auto* view = std::get_if<NegotiateAnswer>(&answer)) negotiated(asked.host, *view);
  if (failure != nullptr && failure->kind == PeerFailure::Kind::kMismatch) {
    set_foreign(asked.host, failure->detail);
    check_joined();
  } else if (failure != nullptr) {
    candidate_failed(asked.host, *failure);
  }
}

void Joining::leave_answered(const Question& asked, const LeaveAnswer& answer) {
  Member* member = roster_.find(asked.host);
  const bool seen = answer.status == ReplyStatus::kOk && asked.as == roster_.self().generation;
  if (!seen || member == nullptr) return;
  member->saw_leave = true;
  roster_.happened(view_event::Changed{});
}

void Joining::join_answered(const Question& asked, const JoinAnswer& answer) {
  switch (answer.status) {
    case ReplyStatus::kOk:
      return accepted(asked, answer);
    case ReplyStatus::kDeclaredDead:
      // Its own clock may have been set back since the run that they declared dead.
      if (start_ms(answer.declared_dead) < clock_.wall_ms() + kYearMs) {
        own_name_.must_exceed(answer.declared_dead);
      }
      return roster_.buried_by(asked.host);
    case ReplyStatus::kMismatch:
      mismatched(asked.host, answer);
      return check_joined();
    default:
      not_accepted(asked, answer);
      return check_joined();
  }
}

void Joining::accepted(const Question& asked, const JoinAnswer& answer) {
  const std::string& host = asked.host;
  // An answer that was overtaken by the end of the run that gave it.
  if (roster_.standing_of({host, answer.generation, config_.cluster, 0}) == Standing::kDeclaredDead) return;
  // Or by one that has taken this host for dead since, and has told it so: the names in it may lack one that joined
  // then.
  if (const Member* known = roster_.find(host); known != nullptr && asked.sent < known->joins_count_from) return;
  PingAnswer says = said_of_itself(host, answer.generation);
  says.phase = answer.phase;
  says.routes_only = answer.routes_only;
  says.points = answer.points;
  says.clock = answer.clock;
  // Another one may have been taken in since that was asked.
  const Member* member_so_far = roster_.find(host);
  const bool is_new = member_so_far == nullptr || member_so_far->run.generation != answer.generation;
  if (const std::string why = roster_.why_another_ring(says); is_new && !why.empty()) {
    roster_.candidates().get(host).judge(Candidate::Clock::kNear, true);
    set_foreign(host, why);
    return check_joined();
  }
  const bool is_understood = !answer.names_agree || roster_.joined() || asked.names == roster_.names_digest();
  roster_.admit(host, says, asked.sent);
  roster_.clocks().hear_furthest(answer.furthest, now() - asked.sent);
  Member& member = roster_.at(host);
  member.joins_unanswered = 0;
  member.last_answer = now();
  // Other names have become known here, or have gone, since that was asked: not those have been compared.
  if (!is_understood) return ask_to_join(host, 0);
  member.joined_as = roster_.self().generation;
  if (!roster_.joined()) learn_names(host, answer);
  tick_candidates();  // those are asked now, not at the next tick: calls for this host's range wait for its joining
  check_joined();
}

// By that run, when it was pinged last: an answer to a Join does not tell its ring, its names, its actors,
// its load and its zone.
PingAnswer Joining::said_of_itself(const std::string& host, Generation generation) const {
  PingAnswer says;
  const Member* member = roster_.find(host);
  const Candidate* candidate = roster_.candidates().find(host);
  if (member != nullptr && member->run.generation == generation) {
    says.ring = member->ring;
    says.names = member->names;
    says.actors = member->actors;
    says.load = member->load;
    says.version = member->version;
    says.zone = member->zone;
  } else if (candidate != nullptr && candidate->said && candidate->said->generation == generation) {
    says = *candidate->said;
    says.unix_time = 0;  // it was that late then
  }
  says.host = host;
  says.generation = generation;
  return says;
}

void Joining::learn_names(const std::string& host, const JoinAnswer& answer) {
  // One that is joining itself names whom it has yet to meet.
  const bool vouches = answer.phase != Phase::kJoining;
  if (answer.names_agree) {
    roster_.candidates().all_are_named(now());
    if (vouches) roster_.candidates().hold_all(host, now());
    return;
  }
  for (const std::string& name : answer.names) {
    const auto canonical = canonical_host(name);
    if (!canonical) continue;
    // It is a member there: a refusal from before it started says nothing any more.
    roster_.learn(*canonical, Candidates::Source::kHost, Candidates::OldFinding::kIsVoid);
    if (vouches) roster_.candidates().hold(*canonical, host, now());
  }
}

// Its ping named this very cluster: nobody joins beside it.
void Joining::mismatched(const std::string& host, const JoinAnswer& answer) {
  if (roster_.find(host) != nullptr) return;
  Candidate& candidate = roster_.candidates().get(host);
  candidate.serves = answer.phase == Phase::kReady;
  const bool behind = clock_.too_far_behind(answer.clock);
  if (behind && candidate.clock != Candidate::Clock::kBehind) candidate.behind_since = now();
  candidate.judge(behind ? Candidate::Clock::kBehind : Candidate::Clock::kNear, true);
  set_foreign(host, answer.detail);
}

void Joining::not_accepted(const Question& asked, const JoinAnswer& answer) {
  if (Member* member = roster_.find(asked.host)) {
    member->next_ask = std::min(member->next_ask, now() + backoff(kRepeat, member->joins_unanswered, kLastRepeat));
  }
  Candidate* candidate = roster_.candidates().find(asked.host);
  if (candidate == nullptr) return;
  candidate->ask_again_soon(now());
  candidate->last_answer = now();
  candidate->serves = answer.phase != Phase::kJoining;
  candidate->held_up = false;
  if (answer.status == ReplyStatus::kHeldUp) candidate->cannot_join(asked.sent);
  candidate->unverified = answer.status == ReplyStatus::kUnverified;
  candidate->problem = answer.detail;
  if (answer.status == ReplyStatus::kNoAnswer) return;
  tell(asked.host, *candidate, Level::kWarn, "join_not_accepted");
}

void Joining::negotiated(const std::string& host, const NegotiateAnswer& answer) {
  const Candidate* candidate = roster_.candidates().find(host);
  for (const std::string& name : answer.hosts) {
    if (const auto canonical = canonical_host(name)) roster_.learn(*canonical, Candidates::Source::kHost);
  }
  if (candidate == nullptr || !candidate->legacy) return;
  PingAnswer says;
  says.host = host;
  if (!roster_.why_another_ring(says).empty()) return;
  roster_.admit(host, says, now());
  check_joined();
}

}  // namespace ringside::core
