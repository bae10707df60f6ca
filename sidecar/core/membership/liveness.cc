// Membership: pings, suspicion and verdicts. After SWIM (Das et al. 2002) and Lifeguard (Dadgar et al. 2017): others
// are asked before a silent host is taken for dead, and a host that is itself late does not accuse.
#include <algorithm>
#include <utility>

#include "sidecar/core/host_name.h"
#include "sidecar/core/membership/membership.h"

namespace ringside::core {
namespace {

constexpr int kRefusalsOfTheDead = 2;
constexpr int kPatienceWithWitness = 3;  // times --dead-after, where others still hear the silent one
constexpr Duration kRepeat{100'000};
constexpr Duration kEmptyReread{1'000'000};      // of discovery, while nobody owns anything
constexpr Duration kCompare{5'000'000};          // between two exchanges of names with one member (anti-entropy)
constexpr Duration kHealingTime{3'600'000'000};  // an hour

}  // namespace

void Membership::tick() {
  if (closing_) return;
  if (!joined_ && members_.empty()) clock_.follow_at_once(context_.now);
  judge_clocks_by_most();
  std::vector<std::string> hosts;
  for (const auto& [host, member] : members_) hosts.push_back(host);
  for (const std::string& host : hosts) {
    if (const auto found = members_.find(host); found != members_.end()) tick_member(found->second);
  }
  tick_candidates();
  check_held_up();
  check_joined();
  if (joined_ && ring_->empty() && discovery_.take_turn(now(), kEmptyReread)) {
    context_.effects.push_back(ReadDiscovery{});
  }
}

void Membership::tick_member(Member& member) {
  const std::string host = member.run.host;
  if (member.next_ping <= now()) ping(member);
  if (!member.legacy() && member.next_ask <= now()) {
    const bool off_ring = phase_ != Phase::kJoining && phase_ != Phase::kReady;
    if (!joined_ && member.joined_as != self_.generation && !hold_up_.asks_nobody()) {
      member.next_ask = now() + kRepeat;
      ask(Question::About::kJoin, host, JoinRequest{config_.points, !config_.has_app}, config_.dead_after);
    } else if (off_ring && !member.saw_leave) {
      member.next_ask = now() + kRepeat;
      ask(Question::About::kLeave, host, LeaveRequest{}, config_.dead_after);
    }
  }
  if (joined_ && member.next_compare <= now()) {
    member.next_compare = now() + kCompare;
    // A legacy host takes every name for an owner of actors.
    const std::vector<std::string> known = member.legacy() ? ring_->hosts() : names();
    ask(Question::About::kNegotiate, host, NegotiateRequest{known, config_.cluster, config_.points},
        config_.dead_after);
  }
  const Duration silence = now() - member.last_answer;
  if (silence > config_.dead_after / 2 && member.next_probe <= now()) suspect(member);
  if (silence <= verdict_after()) return;
  const bool witnessed = now() - member.heard_by_others < config_.dead_after;
  if (witnessed && silence < kPatienceWithWitness * verdict_after()) return;
  ++context_.counters.verdicts;
  remove(host, "silent", Gone::kSilent);
  // It may be alive behind a cut: look for it long enough to heal, whether discovery lists it or not.
  learn(host, false, false);
  if (const auto candidate = candidates_.find(host); candidate != candidates_.end()) {
    candidate->second.state = Candidate::State::kSilent;
    candidate->second.next_try = now() + config_.ping_interval;
    candidate->second.keep_until = now() + kHealingTime;
  }
}

// In quorum mode the majority waits half of --dead-after longer than the minority needs to notice that it is one: so
// long the minority has to end its turns. A quarter of it comes from either side, so that callers wait little longer.
Duration Membership::verdict_after() const {
  return config_.quorum == 0 ? config_.dead_after : config_.dead_after * 5 / 4;
}

bool Membership::has_quorum() const {
  const auto heard = std::count_if(members_.begin(), members_.end(), [this](const auto& entry) {
    return now() - entry.second.last_answer <= config_.dead_after * 3 / 4;
  });
  return static_cast<std::size_t>(heard) + 1 >= config_.quorum;
}

void Membership::ping(Member& member) {
  member.next_ping = now() + config_.ping_interval;
  ask(Question::About::kPing, member.run.host, PingRequest{}, config_.dead_after);
}

void Membership::suspect(Member& member) {
  member.next_probe = now() + config_.dead_after / 4;
  std::vector<std::string> witnesses;
  for (const auto& [name, other] : members_) {
    if (!other.legacy() && !other.suspected && &other != &member) witnesses.push_back(name);
  }
  const std::size_t known = witnesses.size();
  ask_about(member.run.host, std::move(witnesses), kWitnesses);
  if (std::exchange(member.suspected, true)) return;
  context_.log(Level::kDebug, "member_suspected", {{"host", member.run.host}, {"witnesses", std::to_string(known)}});
}

// Some of them, by chance: whether they hear a host that is out of reach here.
void Membership::ask_about(const std::string& host, std::vector<std::string> witnesses, std::size_t how_many) {
  for (std::size_t i = 0; i < how_many && !witnesses.empty(); ++i) {
    const auto pick = witnesses.begin() + static_cast<std::ptrdiff_t>(context_.random.below(witnesses.size()));
    const Token token = context_.token();
    questions_.add(token, {Question::About::kProbe, host, now(), self_.generation, *pick});
    context_.effects.push_back(AskPeer{token, *pick, ProbeRequest{host}, config_.dead_after / 2});
    witnesses.erase(pick);
  }
}

void Membership::connection_lost(const std::string& host) {
  const auto found = members_.find(host);
  if (found == members_.end() || found->second.next_look > now()) return;
  found->second.next_look = now() + kRepeat;
  ping(found->second);
}

// What is sent to it meanwhile would be lost with it.
void Membership::about_to_end(const std::string& host) {
  const auto found = members_.find(host);
  if (found == members_.end() || found->second.suspected) return;
  found->second.suspected = true;
  ping(found->second);
}

bool Membership::answered(Token token, const PeerAnswer& answer) {
  if (closing_) return false;
  const std::optional<Question> closed = questions_.take(token);
  if (!closed) return false;
  const Question& asked = *closed;
  const auto* failure = std::get_if<PeerFailure>(&answer);
  const auto* says = std::get_if<PingAnswer>(&answer);
  switch (asked.about) {
    case Question::About::kPing:
      if (says != nullptr) pinged(asked, *says);
      if (failure != nullptr) ping_failed(asked, *failure);
      break;
    case Question::About::kCandidate:
      if (says != nullptr) candidate_answered(asked, *says);
      if (failure != nullptr) candidate_failed(asked.host, *failure);
      break;
    case Question::About::kBackProbe:
      back_probed(asked.host, says, failure);
      break;
    case Question::About::kJoin:
    case Question::About::kNegotiate:
      if (asked.as != self_.generation) break;  // asked by an earlier run of this host
      if (const auto* join = std::get_if<JoinAnswer>(&answer)) join_answered(asked, *join);
      if (const auto* view = std::get_if<NegotiateAnswer>(&answer)) negotiated(asked.host, *view);
      if (failure != nullptr && failure->kind == PeerFailure::Kind::kMismatch) {
        set_foreign(asked.host, failure->detail);
        check_joined();
      } else if (failure != nullptr) {
        candidate_failed(asked.host, *failure);
      }
      break;
    case Question::About::kLeave:
      if (const auto* leave = std::get_if<LeaveAnswer>(&answer)) {
        const auto member = members_.find(asked.host);
        const bool seen = leave->verdict == Verdict::kOk && asked.as == self_.generation;
        if (seen && member != members_.end()) {
          member->second.saw_leave = true;
          listener_.view_changed();
        }
      }
      break;
    case Question::About::kProbe:
      if (const auto* probe = std::get_if<ProbeAnswer>(&answer)) probed(asked, *probe);
      break;
  }
  return true;
}

void Membership::probed(const Question& asked, const ProbeAnswer& says) {
  if (!says.heard && says.generation == 0) held_no_more(asked.host, asked.of);
  const auto member = members_.find(asked.host);
  if (!says.heard || member == members_.end() || member->second.run.generation != says.generation) return;
  // Since when it was silent there, not since when that was said: or each word of a witness would add to the wait.
  member->second.heard_by_others = std::max(member->second.heard_by_others, asked.sent - says.age);
}

void Membership::pinged(const Question& asked, const PingAnswer& says) {
  const auto found = members_.find(asked.host);
  if (found == members_.end()) return;
  Member& member = found->second;
  if (canonical_host(says.host) != asked.host) {
    return remove(asked.host, "its address answers with the name " + says.host.substr(0, 64), Gone::kReplaced);
  }
  if (says.generation != member.run.generation) {
    const bool newer = says.generation > member.run.generation || says.generation == 0;
    if (newer) {
      const bool was_asked = confirmation_.withdraw(asked.host);
      remove(asked.host, "restarted", Gone::kReplaced);
      learn(asked.host, false, true);
      // Another generation cannot say what became of us while we stood still.
      if (was_asked) listener_.must_rejoin(asked.host + " has restarted meanwhile");
    }
    return;
  }
  member.last_answer = now();
  member.lease = std::max(member.lease, asked.sent);
  member.rtt = now() - asked.sent;
  member.refusals = 0;
  if (std::exchange(member.suspected, false)) listener_.heard_again();
  observe(member, says);
  if (asked.as != self_.generation) return;
  if (says.standing == Standing::kBuried) {
    // Where a Join is under way, its answer will tell above which generation this host is heard again.
    if (joined_ || member.joined_as == self_.generation) listener_.must_rejoin("buried by " + asked.host);
    return;
  }
  if (says.standing == Standing::kUnknown && joined_ && !member.legacy()) {
    ask(Question::About::kJoin, asked.host, JoinRequest{config_.points, !config_.has_app}, config_.dead_after);
    return;
  }
  if (confirmation_.answered(asked.host, asked.sent)) confirmed();
}

void Membership::ping_failed(const Question& asked, const PeerFailure& failure) {
  const auto found = members_.find(asked.host);
  if (found == members_.end()) return;
  Member& member = found->second;
  if (failure.kind != PeerFailure::Kind::kRefused) return;
  if (++member.refusals < kRefusalsOfTheDead) return ping(member);
  // Says who is not there, at once; a host that is merely slow refuses nothing.
  remove(asked.host, "refused connections", Gone::kRefusing);
  learn(asked.host, false, false);
}

void Membership::confirmed() {
  context_.log(Level::kInfo, "confirmed");
  listener_.confirmed();
}

}  // namespace ringside::core
