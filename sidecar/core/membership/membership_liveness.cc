// Membership: pings, suspicion and declared deaths. After SWIM (Das et al. 2002) and Lifeguard (Dadgar et al. 2017):
// others are asked before a silent host is taken for dead, and a host that is itself late does not accuse.
#include <algorithm>
#include <utility>

#include "sidecar/core/host_name.h"
#include "sidecar/core/membership/membership.h"
#include "sidecar/core/spacing.h"

namespace ringside::core {
namespace {

constexpr Duration kRepeat{100'000};
constexpr Duration kLastRepeat{1'600'000};       // of a Join: who takes in many is not to be asked again and again
constexpr Duration kEmptyReread{1'000'000};      // of discovery, while nobody owns anything
constexpr Duration kHealingTime{3'600'000'000};  // an hour

}  // namespace

void Membership::begin_tick() {
  if (closing_) return;
  if (!joined_ && members().empty()) clock_.follow_at_once(context_.now);
  clocks_.judge(members(), context_.now);
}

void Membership::tick_member(const std::string& host) {
  if (closing_) return;
  if (Member* member = view_.find(host)) tick(*member);
}

void Membership::end_tick() {
  if (closing_) return;
  send_late_refusals();
  tick_candidates();
  check_held_up();
  check_joined();
  if (joined_ && ring()->empty() && discovery_.take_turn(now(), kEmptyReread)) {
    context_.effects.push_back(ReadDiscovery{});
  }
  view_.check();
}

void Membership::tick(Member& member) {
  const std::string host = member.run.host;
  if (member.next_ping <= now()) ping(member);
  if (!member.legacy() && member.next_ask <= now()) {
    if (!joined_ && member.joined_as != self().generation && !hold_up_.asks_nobody()) {
      member.next_ask = now() + backoff(kRepeat, member.joins_unanswered++, kLastRepeat);
      ask(Question::About::kJoin, host, JoinRequest{config_.points, !config_.has_app}, config_.dead_after);
    } else if (!on_ring(phase()) && !member.saw_leave) {
      member.next_ask = now() + kRepeat;
      ask(Question::About::kLeave, host, LeaveRequest{}, config_.dead_after);
    }
  }
  if (joined_ && member.next_compare <= now()) {
    member.next_compare = now() + (member.watched ? kCompare : spaced_out(kCompare));
    // A legacy host takes every name for an owner of actors.
    const std::vector<std::string> known = member.legacy() ? ring()->hosts() : names();
    ask(Question::About::kNegotiate, host, negotiation(known), config_.dead_after);
  }
  if (detector_.is_due_for_witnesses(member, now())) suspect(member);
  if (!detector_.is_dead(member, now())) return;
  ++context_.counters.deaths_declared;
  remove(host, "silent", Gone::kSilent);
  // It may be alive behind a cut: look for it long enough to heal, whether discovery lists it or not.
  look_for(host, Candidate::State::kSilent, kHealingTime);
}

void Membership::ping(Member& member) {
  member.next_ping = now() + config_.ping_interval;
  detector_.asked(member, now());
  ask(Question::About::kPing, member.run.host, PingRequest{}, config_.dead_after);
}

// Spread, so that a host is not asked by all others at once.
Duration Membership::spaced_out(Duration interval) {
  const Duration spaced = circle_.for_the_others(interval);
  return context_.random.between(spaced / 2, spaced * 3 / 2);
}

void Membership::suspect(Member& member) {
  std::vector<std::string> witnesses;
  for (const auto& [name, other] : members()) {
    if (!other.legacy() && !other.suspected && &other != &member) witnesses.push_back(name);
  }
  const std::size_t known = witnesses.size();
  const bool tells_all = is_to_tell_all(member);
  member.all_are_told = member.all_are_told || tells_all;
  ask_about(member.run.host, std::move(witnesses), tells_all ? known : kWitnesses);
  if (!detector_.suspect(member, now())) return;
  context_.log(Level::kDebug, "member_suspected", {{"host", member.run.host}, {"witnesses", std::to_string(known)}});
}

// Whoever does not watch it would notice late: all are asked about it once, and so look at it. Its two neighbours see
// to that at once, and its other watchers somewhat later, in case the neighbours are gone as well.
bool Membership::is_to_tell_all(const Member& member) const {
  const std::string& host = member.run.host;
  if (circle_.everybody_is_watched() || !circle_.watches(host) || member.all_are_told) return false;
  return circle_.is_next_to(host) || detector_.silence(member, now()) > config_.dead_after * 3 / 4;
}

// Some of them, by chance: whether they hear a host that is out of reach here.
void Membership::ask_about(const std::string& host, std::vector<std::string> witnesses, std::size_t how_many) {
  for (std::size_t i = 0; i < how_many && !witnesses.empty(); ++i) {
    const auto pick = witnesses.begin() + static_cast<std::ptrdiff_t>(context_.random.below(witnesses.size()));
    const QuestionId token = context_.next<QuestionId>();
    questions_.asked(token, {Question::About::kProbe, host, now(), self().generation, *pick});
    context_.effects.push_back(AskPeer{token, *pick, ProbeRequest{host}, config_.dead_after / 2});
    witnesses.erase(pick);
  }
}

void Membership::connection_lost(const std::string& host) {
  Member* member = view_.find(host);
  if (member == nullptr || member->next_look > now()) return;
  member->next_look = now() + kRepeat;
  ping(*member);
}

// What is sent to it meanwhile would be lost with it.
void Membership::about_to_end(const std::string& host) {
  Member* member = view_.find(host);
  if (member == nullptr || std::exchange(member->suspected, true)) return;
  ping(*member);
}

void Membership::answered(QuestionId token, const PeerAnswer& answer) {
  if (closing_) return;
  const std::optional<Question> closed = questions_.answered(token);
  if (!closed) return;
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
      if (asked.as != self().generation) break;  // asked by an earlier run of this host
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
        Member* member = view_.find(asked.host);
        const bool seen = leave->status == ReplyStatus::kOk && asked.as == self().generation;
        if (seen && member != nullptr) {
          member->saw_leave = true;
          happened(view_event::Changed{});
        }
      }
      break;
    case Question::About::kProbe:
      if (const auto* probe = std::get_if<ProbeAnswer>(&answer)) probed(asked, *probe);
      break;
  }
}

void Membership::probed(const Question& asked, const ProbeAnswer& says) {
  if (!says.heard && says.generation == 0) held_no_more(asked.host, asked.of);
  Member* member = view_.find(asked.host);
  if (!says.heard || member == nullptr || member->run.generation != says.generation) return;
  detector_.heard_elsewhere(*member, asked.sent - says.age);
}

void Membership::pinged(const Question& asked, const PingAnswer& says) {
  Member* found = view_.find(asked.host);
  if (found == nullptr) return;
  Member& member = *found;
  if (canonical_host(says.host) != asked.host) {
    return remove(asked.host, "its address answers with the name " + says.host.substr(0, 64), Gone::kReplaced);
  }
  if (says.generation != member.run.generation) {
    const bool newer = says.generation > member.run.generation || says.generation == 0;
    if (newer) {
      const bool was_asked = confirmation_.withdraw(asked.host);
      remove(asked.host, "restarted", Gone::kReplaced);
      learn(asked.host, Candidates::Source::kHost, Candidates::OldFinding::kIsVoid);
      // Another generation cannot say what became of us while we stood still.
      if (was_asked) must_rejoin(asked.host + " has restarted meanwhile");
    }
    return;
  }
  if (detector_.answered(member, asked.sent, now())) happened(view_event::HeardAgain{});
  if (!member.watched) member.next_ping = now() + spaced_out(config_.ping_interval);
  observe(member, says);
  if (asked.as != self().generation) return;
  if (says.standing == Standing::kDeclaredDead) {
    if (joined_) return buried_by(asked.host);
    // It is asked to take this host in again. Where it does not, its answer tells above which generation this host is
    // heard.
    member.joined_as = 0;
    member.joins_unanswered = 0;
    member.next_ask = member.joins_count_from = now();
    return;
  }
  if (says.standing == Standing::kUnknown && joined_ && !member.legacy()) {
    ask(Question::About::kJoin, asked.host, JoinRequest{config_.points, !config_.has_app}, config_.dead_after);
    return;
  }
  if (confirmation_.answered(asked.host, asked.sent)) confirmed();
}

void Membership::ping_failed(const Question& asked, const PeerFailure& failure) {
  Member* member = view_.find(asked.host);
  if (member == nullptr || failure.kind != PeerFailure::Kind::kReset) return;
  if (!detector_.refused(*member)) return ping(*member);
  // Says who is not there, at once; a host that is merely slow refuses nothing.
  remove(asked.host, "refused connections", Gone::kRefusing);
  learn(asked.host, Candidates::Source::kHost);
}

void Membership::confirmed() {
  context_.log(Level::kInfo, "confirmed");
  happened(view_event::Confirmed{});
}

}  // namespace ringside::core
