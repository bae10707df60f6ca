#include "sidecar/core/membership/closure.h"

#include <algorithm>
#include <set>
#include <utility>

namespace ringside::core {
namespace {

constexpr Duration kPatienceAtLeast{3 * Candidate::kQuietRepeat};  // with who has answered, as it is asked that often
constexpr const char* kAdvice = ": set --host there to a name or address that leads to it";

void append(std::string& list, const std::string& separator, const std::string& entry) {
  list += (list.empty() ? "" : separator) + entry;
}

}  // namespace

Closure::Closure(ClosureFacts facts)
    : facts_(std::move(facts)),
      taken_in_(std::any_of(facts_.members.begin(), facts_.members.end(),
                            [](const auto& entry) { return entry.second.serves(); })) {}

// ---- one candidate --------------------------------------------------------------------------------------------------

// Who has answered is not silent before it has said nothing for as long again. Of a member of others it is they who say
// when it is dead.
bool Closure::is_out_of_patience(const Candidate& candidate) const {
  if (!candidate.held_by.empty()) return false;
  const bool answered = candidate.last_answer >= candidate.first_asked;
  const Duration silence = facts_.now - std::max(candidate.first_asked, candidate.last_answer);
  const Duration patience = candidate.listed ? facts_.config.join_timeout : facts_.config.dead_after;
  if (silence > (answered ? std::max(patience, kPatienceAtLeast) : patience)) return true;
  // Its silence from before may have been this host's own: a cut that has just healed.
  return candidate.named && taken_in() && !answered && candidate.state == Candidate::State::kAsking &&
         facts_.now - std::max(candidate.first_named, candidate.first_asked) > facts_.declares_dead_after;
}

bool Closure::heard_of_late(const Candidate& candidate) const {
  return facts_.now - candidate.last_answer <= std::max(facts_.config.join_timeout, kPatienceAtLeast);
}

bool Closure::is_out_of_reach(const Candidate& candidate) const {
  switch (candidate.state) {
    case Candidate::State::kJoining:
    case Candidate::State::kMeeting:
      return false;
    case Candidate::State::kAsking: {
      const Duration silence = facts_.now - std::max(candidate.first_asked, candidate.last_answer);
      return candidate.unresolved || silence > facts_.config.dead_after;
    }
    default:
      return true;
  }
}

std::string Closure::why_unusable(const std::string& address, const Candidate& candidate) const {
  if (candidate.state != Candidate::State::kAlias || candidate.name.empty() || !heard_of_late(candidate)) return "";
  const std::string answers = address + " answers as " + candidate.name;
  const std::string two = answers + ", and so does another host: set another --host on one of them";
  if (const auto member = facts_.members.find(candidate.name); member != facts_.members.end()) {
    return member->second.run.generation == candidate.generation ? "" : two;
  }
  const auto found = facts_.candidates.find(candidate.name);
  if (found == facts_.candidates.end()) return "";
  const Candidate& meant = found->second;
  switch (meant.state) {
    case Candidate::State::kJoining:
    case Candidate::State::kMeeting:
      return meant.generation == candidate.generation ? "" : two;
    case Candidate::State::kForeign:  // it is, or is not, waited for under its name
      return "";
    case Candidate::State::kAlias:
      return answers + ", which is " + (meant.name.empty() ? "this host" : meant.name) + " here" + kAdvice;
    case Candidate::State::kNobodyListens:
      return answers + ", which does not answer here" + kAdvice;
    default:
      break;
  }
  if (meant.unresolved) return answers + ", which cannot be resolved here" + kAdvice;
  return meant.problem.empty() ? "" : answers + ", which does not answer here" + kAdvice;
}

// Empty: it is not a member of others, or this host deals with it.
std::string Closure::why_out_of_reach(const std::string& name, const Candidate& candidate) const {
  if (candidate.held_by.empty() || !is_out_of_reach(candidate)) return "";
  const std::string known = *candidate.held_by.begin() + " has " + name + " as a member, which ";
  if (candidate.state == Candidate::State::kAlias) {
    return known + "leads to " + (candidate.name.empty() ? "this host" : candidate.name) + " here" + kAdvice;
  }
  if (candidate.state == Candidate::State::kForeign) return known + "cannot be met here: " + candidate.problem;
  if (candidate.unresolved) return known + "cannot be resolved here" + kAdvice;
  return known + "does not answer here" + kAdvice;
}

// A host that does not serve, and that only discovery knows of, is one that starts (or none at all): it will ask the
// serving hosts in its turn, and hear of this one. One that is held up asks nobody before it can join.
bool Closure::awaits(const Candidate& candidate) const {
  if (candidate.held_up) return false;
  if (!candidate.held_by.empty()) return true;
  if (!candidate.open()) return false;
  const bool answered = candidate.last_answer >= candidate.first_asked;
  if (candidate.of_stranger && !answered) return facts_.now < candidate.awaited_until;
  const bool serves = candidate.state == Candidate::State::kJoining && candidate.serves;
  return serves || candidate.named || !taken_in() || facts_.now - candidate.first_asked <= facts_.config.ping_interval;
}

// Of this cluster, and yet out of this host's reach.
bool Closure::blocks(const std::string& name, const Candidate& candidate) const {
  if (candidate.state == Candidate::State::kAlias) {
    // Serving hosts that have no such member are not concerned by it.
    return !taken_in() && !why_unusable(name, candidate).empty();
  }
  if (candidate.state != Candidate::State::kForeign || !candidate.blocks || !heard_of_late(candidate)) return false;
  return candidate.clock != Candidate::Clock::kBehind || blocks_by_clock(candidate);
}

// ---- clocks ---------------------------------------------------------------------------------------------------------

std::size_t Closure::hosts_with(Candidate::Clock clock) const {
  const auto counts = [&](const auto& entry) {
    const Candidate& candidate = entry.second;
    return candidate.state == Candidate::State::kForeign && candidate.clock == clock && heard_of_late(candidate);
  };
  return static_cast<std::size_t>(std::count_if(facts_.candidates.begin(), facts_.candidates.end(), counts));
}

bool Closure::is_behind_most_clocks() const { return hosts_with(Candidate::Clock::kAhead) > facts_.members.size() + 1; }

// A few hosts with a wrong clock hold up nobody. Where they serve, this host gives them time to find out that they are
// the few, unless members that know nothing of them have taken it in.
bool Closure::blocks_by_clock(const Candidate& candidate) const {
  if (hosts_with(Candidate::Clock::kBehind) >= facts_.members.size() + 1) return true;
  const bool in_time = facts_.now - candidate.behind_since <= facts_.config.join_timeout;
  return candidate.serves && in_time && (candidate.named || !taken_in());
}

// ---- all of them ----------------------------------------------------------------------------------------------------

bool Closure::complete() const {
  for (const auto& [name, candidate] : facts_.candidates) {
    if (name != facts_.config.host && (awaits(candidate) || blocks(name, candidate))) return false;
  }
  if (is_behind_most_clocks() || facts_.has_twin) return false;
  return std::all_of(facts_.members.begin(), facts_.members.end(), [this](const auto& entry) {
    return entry.second.legacy() || entry.second.joined_as == facts_.run;
  });
}

bool Closure::own_name_is_open() const {
  const auto own = facts_.candidates.find(facts_.config.host);
  return own != facts_.candidates.end() && (awaits(own->second) || blocks(own->first, own->second));
}

bool Closure::held_up() const {
  if (facts_.joined) return false;
  if (facts_.has_twin) return true;
  return std::any_of(facts_.candidates.begin(), facts_.candidates.end(), [this](const auto& entry) {
    const auto& [name, candidate] = entry;
    const bool leads_elsewhere = candidate.state == Candidate::State::kAlias || candidate.own_name;
    return !why_out_of_reach(name, candidate).empty() ||
           (candidate.unverified && candidate.serves && candidate.open()) ||
           (leads_elsewhere && blocks(name, candidate));
  });
}

bool Closure::is_held_up_by(const std::string& name) const {
  if (facts_.joined) return false;
  std::set<std::string> unusable;
  std::size_t usable = 1 + facts_.members.size();
  for (const auto& [address, candidate] : facts_.candidates) {
    if (!why_unusable(address, candidate).empty()) unusable.insert(candidate.name);
    if (candidate.state == Candidate::State::kJoining) ++usable;
  }
  return unusable.contains(name) && unusable.size() <= usable;
}

std::string Closure::names_nobody() const {
  if (facts_.lists_self || facts_.config.bootstrap_unlisted || !facts_.members.empty()) return "";
  std::string unresolved;
  for (const auto& [name, candidate] : facts_.candidates) {
    if (!candidate.listed) continue;
    if (!candidate.unresolved) return "";
    append(unresolved, ", ", name);
  }
  return unresolved;
}

bool Closure::bootstraps_unlisted() const {
  if (facts_.lists_self || facts_.config.bootstrap_unlisted || !facts_.members.empty()) return false;
  bool any = false;
  for (const auto& [name, candidate] : facts_.candidates) {
    if (candidate.listed && candidate.is_this_host()) return false;
    any = any || candidate.listed;
  }
  return any;
}

std::optional<Instant> Closure::unmet_since() const {
  std::optional<Instant> since;
  for (const auto& [name, candidate] : facts_.candidates) {
    if (!candidate.named || !candidate.gone()) continue;
    since = std::min(since.value_or(kNever), candidate.first_named);
  }
  return since;
}

std::string Closure::waiting_for() const {
  const MembershipConfig& config = facts_.config;
  const std::size_t hosts = facts_.members.size() + 1;
  if (facts_.joined) return "";
  if (facts_.has_twin) return "another host calls itself " + config.host + " too: set another --host on one of them";
  for (const auto& [name, candidate] : facts_.candidates) {
    if (std::string why = why_out_of_reach(name, candidate); !why.empty()) return why;
    if (!blocks(name, candidate)) continue;
    const bool is_alias = candidate.state == Candidate::State::kAlias;
    return is_alias ? why_unusable(name, candidate) : name + ": " + candidate.problem;
  }
  if (is_behind_most_clocks()) {
    return "the clocks of " + std::to_string(hosts_with(Candidate::Clock::kAhead)) +
           " hosts are more than a minute ahead of this host's";
  }
  if (std::string open = no_answer_yet(); !open.empty()) return open;
  if (const std::string nobody = names_nobody(); !nobody.empty() && !taken_in()) {
    return nobody + " cannot be resolved here: name this host or another one with --join, or give --min-members 1";
  }
  if (!facts_.discovery_counts && !taken_in()) {
    return facts_.missing.empty() ? "discovery has not answered" : facts_.missing;
  }
  if (hosts < config.min_members) {
    return std::to_string(hosts) + " of --min-members " + std::to_string(config.min_members);
  }
  if (!facts_.has_quorum) return std::to_string(hosts) + " of --quorum " + std::to_string(config.quorum);
  return "";
}

// Who has not answered, and who has said why it does not take this host in. Names that came from elsewhere are not told
// one by one: whoever gave them would learn which of them refuse connections.
std::string Closure::no_answer_yet() const {
  std::string open, told;
  bool only_named = false;
  for (const auto& [name, candidate] : facts_.candidates) {
    if (!awaits(candidate)) continue;
    if (candidate.state == Candidate::State::kJoining && !candidate.problem.empty()) {
      append(told, "; ", name + ": " + candidate.problem);
    } else if (candidate.listed || candidate.last_answer != Instant() ||
               (candidate.unresolved && !candidate.of_stranger)) {
      const bool has_reason = (candidate.unresolved || candidate.not_spoken) && !candidate.problem.empty();
      append(open, ", ", name + (has_reason ? " (" + candidate.problem + ")" : ""));
    } else {
      only_named = true;
    }
  }
  for (const auto& [host, member] : facts_.members) {
    if (!member.legacy() && member.joined_as != facts_.run) append(open, ", ", host);
  }
  if (only_named) append(open, ", ", "names that others have given (`ringside members` has them)");
  if (!told.empty()) return told + (open.empty() ? "" : "; no answer yet from " + open);
  return open.empty() ? "" : "no answer yet from " + open;
}

}  // namespace ringside::core
