#include "sidecar/core/membership/liveness.h"

#include <set>
#include <utility>
#include <vector>

#include "sidecar/core/host_name.h"
#include "sidecar/core/membership/member_events.h"

namespace ringside::core {
namespace {

constexpr Duration kLeastBetweenLooks{100'000};  // however often its connections break
constexpr Duration kHealingTime{3'600'000'000};  // an hour

}  // namespace

Liveness::Liveness(Roster& roster, Context& context) : roster_(roster), context_(context), config_(roster.config()) {}

void Liveness::suspect_self(Duration lag) {
  ++context_.counters.stalls;
  std::set<std::string> everybody;
  roster_.each_member([&](Member& member) {
    everybody.insert(member.run.host);
    roster_.end_suspicion(member, "this host itself had stood still", "");
    roster_.detector().excuse(member, now());  // silence while this process was stopped says nothing about the others
  });
  roster_.confirmation().begin(std::move(everybody), now());
  HostEvent event{.kind = EventKind::kStalled,
                  .why = "this process did not get to run: the members are asked whether they still know it",
                  .lasted = lag};
  if (roster_.members().empty()) return context_.happened(std::move(event));
  context_.happened(std::move(event), Level::kWarn, "stalled", {{"asking", std::to_string(roster_.members().size())}});
}

void Liveness::was_late(Duration lag) {
  roster_.each_member([&](Member& member) { roster_.detector().excuse_for(member, lag, now()); });
}

bool Liveness::is_due(const Member& member) const {
  return member.next_ping <= now() || roster_.detector().is_due_for_witnesses(member, now()) ||
         roster_.detector().is_dead(member, now());
}

void Liveness::ping_if_due(Member& member) {
  if (member.next_ping <= now()) ping(member);
}

void Liveness::judge(Member& member) {
  if (roster_.detector().is_due_for_witnesses(member, now())) suspect(member);
  if (!roster_.detector().is_dead(member, now())) return;
  ++context_.counters.deaths_declared;
  const std::string host = member.run.host;
  roster_.remove(host, "silent", Gone::kSilent);
  // It may be alive behind a cut: look for it long enough to heal, whether discovery lists it or not.
  roster_.look_for(host, Candidate::State::kSilent, kHealingTime);
}

void Liveness::ping(Member& member) {
  member.next_ping = now() + config_.ping_interval;
  roster_.detector().asked(member, now());
  roster_.ask(Question::About::kPing, member.run.host, PingRequest{}, config_.dead_after);
}

void Liveness::suspect(Member& member) {
  std::vector<std::string> witnesses;
  for (const auto& [name, other] : roster_.members()) {
    if (!other.legacy() && !other.suspected && &other != &member) witnesses.push_back(name);
  }
  const std::size_t known = witnesses.size();
  const bool tells_all = is_to_tell_all(member);
  member.all_are_told = member.all_are_told || tells_all;
  if (!member.suspicion) member.suspicion.emplace().since = now();
  roster_.ask_about(member.run.host, std::move(witnesses), tells_all ? known : Roster::kWitnesses);
  if (!roster_.detector().suspect(member, now())) return;
  member.suspicion->told = true;
  const Duration silence = roster_.detector().silence(member, now());
  context_.happened(member_event::suspected(member, silence, context_.lateness.worst(now())), Level::kDebug,
                    "member_suspected", {{"host", member.run.host}, {"witnesses", std::to_string(known)}});
}

// Whoever does not watch it would notice late: all are asked about it once, and so look at it. Its two neighbours see
// to that at once, and its other watchers somewhat later, in case the neighbours are gone as well.
bool Liveness::is_to_tell_all(const Member& member) const {
  const std::string& host = member.run.host;
  if (roster_.circle().everybody_is_watched() || !roster_.circle().watches(host) || member.all_are_told) return false;
  return roster_.circle().is_next_to(host) || roster_.detector().silence(member, now()) > config_.dead_after * 3 / 4;
}

void Liveness::connection_lost(const std::string& host) {
  Member* member = roster_.find(host);
  if (member == nullptr || member->next_look > now()) return;
  member->next_look = now() + kLeastBetweenLooks;
  ping(*member);
}

// What is sent to it meanwhile would be lost with it.
void Liveness::about_to_end(const std::string& host) {
  Member* member = roster_.find(host);
  if (member == nullptr || std::exchange(member->suspected, true)) return;
  ping(*member);
}

void Liveness::probed(const Question& asked, const ProbeAnswer& says) {
  Member* member = roster_.find(asked.host);
  if (member != nullptr && member->suspicion) {
    const bool hears = says.heard && says.generation == member->run.generation;
    member->suspicion->words[asked.of] = hears ? Suspicion::Word::kHears : Suspicion::Word::kMisses;
  }
  if (!says.heard || member == nullptr || member->run.generation != says.generation) return;
  roster_.detector().heard_elsewhere(*member, asked.sent - says.age);
}

Liveness::Pinged Liveness::pinged(const Question& asked, const PingAnswer& says) {
  Member* found = roster_.find(asked.host);
  if (found == nullptr) return Pinged::kNothingFollows;
  Member& member = *found;
  if (canonical_host(says.host) != asked.host) {
    roster_.remove(asked.host, "its address answers with the name " + says.host.substr(0, 64), Gone::kReplaced);
    return Pinged::kNothingFollows;
  }
  if (says.generation != member.run.generation) {
    const bool newer = says.generation > member.run.generation || says.generation == 0;
    if (newer) {
      const bool was_asked = roster_.confirmation().withdraw(asked.host);
      roster_.remove(asked.host, "restarted", Gone::kReplaced);
      roster_.learn(asked.host, Candidates::Source::kHost, Candidates::OldFinding::kIsVoid);
      // Another generation cannot say what became of us while we stood still.
      if (was_asked) roster_.must_rejoin(asked.host + " has restarted meanwhile");
    }
    return Pinged::kNothingFollows;
  }
  if (roster_.detector().answered(member, asked.sent, now())) {
    roster_.end_suspicion(member, "it has answered", member.run.host);
    roster_.happened(view_event::HeardAgain{});
  }
  roster_.observe(member, says);
  if (!member.watched) member.next_ping = now() + roster_.until_next_ping(member);
  if (asked.as != roster_.self().generation) return Pinged::kNothingFollows;
  if (says.standing == Standing::kDeclaredDead) {
    if (roster_.joined()) {
      roster_.buried_by(asked.host);
      return Pinged::kNothingFollows;
    }
    // It is asked to take this host in again. Where it does not, its answer tells above which generation this host is
    // heard.
    member.joined_as = 0;
    member.joins_unanswered = 0;
    member.next_ask = member.joins_count_from = now();
    return Pinged::kNothingFollows;
  }
  if (says.standing == Standing::kUnknown && roster_.joined() && !member.legacy()) return Pinged::kIsToBeAskedToJoin;
  if (roster_.confirmation().answered(asked.host, asked.sent)) roster_.confirmed();
  return Pinged::kNothingFollows;
}

void Liveness::ping_failed(const Question& asked, const PeerFailure& failure) {
  Member* member = roster_.find(asked.host);
  if (member == nullptr || failure.kind != PeerFailure::Kind::kReset) return;
  if (!roster_.detector().connection_refused(*member)) return ping(*member);
  // Says who is not there, at once; a host that is merely slow refuses nothing.
  roster_.remove(asked.host, "refused connections", Gone::kRefusing);
  roster_.learn(asked.host, Candidates::Source::kHost);
}

}  // namespace ringside::core
