#include "sidecar/core/membership/failure_detector.h"

#include <algorithm>
#include <utility>

namespace ringside::core {
namespace {

constexpr int kRefusalsOfTheDead = 2;
constexpr int kPatienceWithWitness = 3;  // times the usual, as long as others still hear the silent one

}  // namespace

void FailureDetector::asked(Member& member, Instant now) const {
  if (!member.watched && !member.awaited) member.asked_since = now;
  member.awaited = true;
}

void FailureDetector::missed_elsewhere(Member& member, Instant now) const {
  if (!member.watched && member.awaited) member.asked_since = std::min(member.asked_since, now - dead_after_ / 2);
}

void FailureDetector::watch(Member& member, bool watched, Instant now) const {
  if (watched && !member.watched) {
    if (!member.awaited) member.asked_since = now;
    member.next_ping = now;
  }
  member.watched = watched;
}

bool FailureDetector::answered(Member& member, Instant sent, Instant now) const {
  member.awaited = member.all_are_told = false;
  member.last_answer = now;
  member.lease = std::max(member.lease, sent);
  member.rtt = now - sent;
  member.refused_connections = 0;
  return std::exchange(member.suspected, false);
}

bool FailureDetector::connection_refused(Member& member) const {
  return ++member.refused_connections >= kRefusalsOfTheDead;
}

// Since when it was silent there, not since when that was said: or each word of a witness would add to the wait.
void FailureDetector::heard_elsewhere(Member& member, Instant when) const {
  member.heard_by_others = std::max(member.heard_by_others, when);
}

void FailureDetector::excuse(Member& member, Instant now) const {
  member.last_answer = member.next_ping = now;
  member.suspected = false;
}

void FailureDetector::excuse_for(Member& member, Duration lag, Instant now) const {
  member.last_answer = std::min(now, member.last_answer + lag);
}

Duration FailureDetector::silence(const Member& member, Instant now) const {
  if (!member.watched && !member.awaited) return Duration(0);
  return now - std::max(member.last_answer, member.asked_since);
}

bool FailureDetector::is_due_for_witnesses(const Member& member, Instant now) const {
  return silence(member, now) > dead_after_ / 2 && member.next_probe <= now;
}

bool FailureDetector::suspect(Member& member, Instant now) const {
  member.next_probe = now + dead_after_ / 4;
  return !std::exchange(member.suspected, true);
}

bool FailureDetector::is_dead(const Member& member, Instant now) const {
  const Duration silent_for = silence(member, now);
  if (silent_for <= declares_dead_after()) return false;
  const bool witnessed = now - member.heard_by_others < dead_after_;
  return !witnessed || silent_for >= kPatienceWithWitness * declares_dead_after();
}

// A quarter of --dead-after comes from either side, so that callers wait little longer.
Duration FailureDetector::declares_dead_after() const { return quorum_ == 0 ? dead_after_ : dead_after_ * 5 / 4; }

bool FailureDetector::has_quorum(const Members& members, Instant now) const {
  const auto heard = std::count_if(members.begin(), members.end(),
                                   [&](const auto& entry) { return now - entry.second.lease <= dead_after_ * 3 / 4; });
  return static_cast<std::size_t>(heard) + 1 >= quorum_;
}

}  // namespace ringside::core
