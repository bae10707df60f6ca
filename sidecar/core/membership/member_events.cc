#include "sidecar/core/membership/member_events.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace ringside::core::member_event {
namespace {

std::uint64_t in_ms(Duration duration) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, duration.count()) / 1000);
}

// How many of those that were asked have given this word last, and the first of them by name.
struct Count {
  std::uint64_t number = 0;
  std::string names = {};
};
Count count(const Suspicion& suspicion, Suspicion::Word which) {
  constexpr std::uint64_t kNamed = 3;
  Count of;
  for (const auto& [host, word] : suspicion.words) {
    if (word != which) continue;
    if (of.number < kNamed) of.names += (of.number == 0 ? " (" : ", ") + host;
    if (of.number == kNamed) of.names += " ...";
    ++of.number;
  }
  if (of.number != 0) of.names += ")";
  return of;
}

std::string words_of(const Suspicion& suspicion) {
  const std::size_t asked = suspicion.words.size();
  if (asked == 0) return "there was no other member to ask";
  const Count hear = count(suspicion, Suspicion::Word::kHears);
  const Count miss = count(suspicion, Suspicion::Word::kMisses);
  std::string text = std::to_string(asked) + (asked == 1 ? " member was" : " members were") +
                     " asked whether it is heard: " + std::to_string(hear.number) + " said yes" + hear.names + ", " +
                     std::to_string(miss.number) + " said no" + miss.names;
  const std::uint64_t silent = asked - hear.number - miss.number;
  return silent == 0 ? text : text + ", " + std::to_string(silent) + " did not answer";
}

void add(HostEvent::Facts& facts, const Suspicion& suspicion) {
  facts.emplace_back("asked", std::uint64_t{suspicion.words.size()});
  facts.emplace_back("heard_by", count(suspicion, Suspicion::Word::kHears).number);
  facts.emplace_back("not_heard_by", count(suspicion, Suspicion::Word::kMisses).number);
}

std::string of_own(Duration late) { return "this host itself was late by " + in_seconds(late) + " at most"; }

}  // namespace

HostEvent joined(const Member& member) {
  HostEvent event{.kind = EventKind::kMemberJoined, .host = member.run.host, .by = member.run.host};
  event.why = member.legacy() ? "it speaks the given protocol, and has been taken in"
                              : "it has been taken into the cluster, " + std::string(to_string(member.phase));
  event.facts = {{"phase", std::string(to_string(member.phase))}, {"generation", to_string(member.run.generation)}};
  return event;
}

HostEvent gone(const Member& member, Gone how, const std::string& why, bool said_so, Instant now, Duration late) {
  HostEvent event{.host = member.run.host, .lasted = now - member.since};
  const Duration silence = now - member.last_answer;
  if (said_so) {
    event.kind = EventKind::kMemberLeft;
    event.by = member.run.host;
    event.why = "it said that it would end" + std::string(how == Gone::kRefusing ? ", and nobody listens there" : "");
    return event;
  }
  if (how == Gone::kInOrder || how == Gone::kReplaced) {
    event.kind = how == Gone::kInOrder ? EventKind::kMemberLeft : EventKind::kMemberReplaced;
    event.by = member.run.host;
    event.why = why == "restarted" ? "another run of it answers" : why;
    return event;
  }
  event.kind = EventKind::kMemberDied;
  event.facts = {{"cause", std::string(how == Gone::kSilent ? "silent" : "refused")},
                 {"last_answer_ms", in_ms(silence)},
                 {"own_lateness_ms", in_ms(late)}};
  if (how == Gone::kRefusing) {
    event.why = "no process listens there: its address has refused the connection, and it last answered " +
                in_seconds(silence) + " before";
    return event;
  }
  const Suspicion none;
  const Suspicion& suspicion = member.suspicion ? *member.suspicion : none;
  event.why = "it has not answered for " + in_seconds(silence) + "; " + words_of(suspicion) + "; " + of_own(late);
  add(event.facts, suspicion);
  return event;
}

HostEvent suspected(const Member& member, Duration silence, Duration late) {
  HostEvent event{.kind = EventKind::kMemberSuspected, .host = member.run.host};
  event.why =
      "it has not answered for " + in_seconds(silence) + ": calls to it wait, and others are asked; " + of_own(late);
  event.facts = {{"silent_ms", in_ms(silence)}, {"own_lateness_ms", in_ms(late)}};
  if (member.suspicion) event.facts.emplace_back("asked", std::uint64_t{member.suspicion->words.size()});
  return event;
}

HostEvent suspicion_ended(const std::string& host, const Suspicion& suspicion, const std::string& why,
                          const std::string& by, Instant now) {
  HostEvent event{.kind = EventKind::kSuspicionEnded, .host = host, .why = why + "; " + words_of(suspicion), .by = by};
  event.lasted = now - suspicion.since;
  add(event.facts, suspicion);
  return event;
}

HostEvent phase_changed(const Member& member, Phase from) {
  const std::string before = to_string(from);
  const std::string after = to_string(member.phase);
  return {.kind = EventKind::kMemberPhase,
          .host = member.run.host,
          .why = "it was " + before + ", and is " + after,
          .by = member.run.host,
          .facts = {{"from", before}, {"to", after}}};
}

}  // namespace ringside::core::member_event
