// Membership: names that cannot be used. Hosts that answer and announce a name that leads elsewhere, nowhere or to this
// host; members of others that are out of reach under theirs; two hosts of one name; sources that name nobody.
// Everything between hosts goes by names, so nobody joins beside such a one: two clusters would be the outcome.
#include <algorithm>
#include <set>
#include <utility>

#include "sidecar/core/membership/membership.h"

namespace ringside::core {
namespace {

constexpr Duration kAliasRepeat{10'000'000};  // the address may have been given to another host meanwhile
constexpr Duration kUnusableRepeat{1'000'000};
constexpr const char* kAdvice = ": set --host there to a name or address that leads to it";

}  // namespace

// Its name is asked in its turn. Where that has been in vain, the address is looked at again and again: the host may
// have gone meanwhile, or its name have come to be known.
void Membership::met_alias(const std::string& address, const std::string& name, Candidate& candidate) {
  candidate.state = Candidate::State::kAlias;
  candidate.name = name;
  candidate.blocks = false;
  candidate.clock = Candidate::Clock::kNear;
  learn(name, candidate.listed, false);
  const std::string before = std::exchange(candidate.problem, why_unusable(address, candidate));
  candidate.next_try = now() + (candidate.problem.empty() ? kAliasRepeat : kUnusableRepeat);
  if (candidate.problem.empty()) {
    candidate.told.clear();
  } else if (candidate.problem == before) {  // it lasts: one that restarts is on its way to being right again
    tell(address, candidate, Level::kError, "host_unusable");
  }
  tick_candidates();
}

// One of two hosts that call themselves the same is this one. The others could not tell them apart: neither may serve,
// but for one that has members, which know it by that name.
void Membership::met_own_name(const std::string& address, const PingAnswer& says, Candidate& candidate) {
  candidate.name.clear();
  candidate.clock = Candidate::Clock::kNear;
  if (own_name_.is_this_process(says.generation)) return answered_by_itself(address, candidate);
  candidate.own_name = candidate.blocks = true;
  set_foreign(address, "it answers with this host's own name, " + self().host + ": set another --host on one of them");
  if (joined_ && members().empty()) listener_.must_rejoin(address + " has this host's own name");
}

// Nobody else may name this host, where two have its name: its own name leads to one of them.
void Membership::ask_own_name() {
  Candidate& candidate = candidates_[self().host];
  candidate = {};
  candidate.first_asked = candidate.next_try = now();
  candidate.keep_until = now() + 4 * config_.dead_after;
}

void Membership::answered_by_itself(const std::string& address, Candidate& candidate) {
  candidate.state = Candidate::State::kAlias;
  candidate.blocks = false;
  candidate.problem.clear();
  if (address != self().host) return;
  candidates_.erase(address);
  check_joined();
}

// A joiner asks everybody once it is ready, so that they look at it at once. A host under this one's name is a twin.
void Membership::pinged_by(const Sender& sender) {
  const Member* member = find(sender.host);
  if (member != nullptr && member->phase == Phase::kJoining) return connection_lost(sender.host);
  if (sender.host != self().host || sender.cluster != config_.cluster || sender.generation == 0) return;
  if (own_name_.is_this_process(sender.generation)) return;
  if (own_name_.hear_twin(now())) context_.log(Level::kError, "host_has_twin", {{"host", self().host}});
  if (joined_ && members().empty()) listener_.must_rejoin("another host has this host's own name");
}

// Empty: what answers there is a member, or is dealt with under its name.
std::string Membership::why_unusable(const std::string& address, const Candidate& candidate) const {
  if (candidate.state != Candidate::State::kAlias || candidate.name.empty() || !heard_of_late(candidate)) return "";
  const std::string answers = address + " answers as " + candidate.name;
  const std::string two = answers + ", and so does another host: set another --host on one of them";
  if (const Member* member = find(candidate.name)) return member->run.generation == candidate.generation ? "" : two;
  const auto found = candidates_.find(candidate.name);
  if (found == candidates_.end()) return "";
  const Candidate& meant = found->second;
  switch (meant.state) {
    case Candidate::State::kJoining:
    case Candidate::State::kMeeting:
      return meant.generation == candidate.generation ? "" : two;
    case Candidate::State::kForeign:  // it is, or is not, waited for under its name
      return "";
    case Candidate::State::kAlias:
      return answers + ", which is " + (meant.name.empty() ? "this host" : meant.name) + " here" + kAdvice;
    case Candidate::State::kRefused:
      return answers + ", which refuses connections here" + kAdvice;
    default:
      break;
  }
  if (meant.unresolved) return answers + ", which cannot be resolved here" + kAdvice;
  return meant.problem.empty() ? "" : answers + ", which does not answer here" + kAdvice;
}

// Who has been taken in elsewhere is alive until those who took it in say otherwise: here its name may lead nowhere, or
// to another host. Serving without it would be a second cluster.
void Membership::named_by_member(const std::string& name, const std::string& member) {
  const auto found = candidates_.find(name);
  if (found == candidates_.end()) return;
  Candidate& candidate = found->second;
  if (candidate.held_by.empty()) candidate.next_probe = now() + config_.dead_after / 4;
  candidate.held_by.insert(member);
}

// Where one of them has buried it the others will soon do so: they are asked one after the other, without a pause.
void Membership::held_no_more(const std::string& name, const std::string& by) {
  const auto found = candidates_.find(name);
  if (joined_ || found == candidates_.end() || found->second.held_by.erase(by) == 0) return;
  ask_about(name, {found->second.held_by.begin(), found->second.held_by.end()}, 1);
  if (found->second.held_by.empty()) tick_candidates();
  check_joined();
}

// What was found out about the names for which it vouched is looked at afresh.
void Membership::lost_holder(const std::string& host) {
  for (auto& [name, candidate] : candidates_) {
    if (candidate.held_by.erase(host) != 0 && candidate.held_by.empty()) learn(name, candidate.listed, true);
  }
}

// A joiner speaks for itself: what this host has found out under its name may be of an earlier run.
void Membership::heard_from(const std::string& joiner) {
  const auto found = candidates_.find(joiner);
  if (found == candidates_.end()) return;
  std::set<std::string> holders = std::exchange(found->second.held_by, {});
  if (holders.empty()) return;
  learn(joiner, false, true);
  found->second.held_by = std::move(holders);
}

// Neither dealt with under its name, nor about to be.
bool Membership::out_of_reach(const Candidate& candidate) const {
  switch (candidate.state) {
    case Candidate::State::kJoining:
    case Candidate::State::kMeeting:
      return false;
    case Candidate::State::kAsking:
      return candidate.unresolved ||
             now() - std::max(candidate.first_asked, candidate.last_answer) > config_.dead_after / 2;
    default:
      return true;
  }
}

// Empty: it is not a member of others, or this host deals with it.
std::string Membership::why_out_of_reach(const std::string& name, const Candidate& candidate) const {
  if (candidate.held_by.empty() || !out_of_reach(candidate)) return "";
  const std::string known = *candidate.held_by.begin() + " has " + name + " as a member, which ";
  if (candidate.state == Candidate::State::kAlias) {
    return known + "leads to " + (candidate.name.empty() ? "this host" : candidate.name) + " here" + kAdvice;
  }
  if (candidate.state == Candidate::State::kForeign) return known + "cannot be met here: " + candidate.problem;
  if (candidate.state == Candidate::State::kRefused) return known + "refuses connections here" + kAdvice;
  if (candidate.unresolved) return known + "cannot be resolved here" + kAdvice;
  return known + "does not answer here";
}

// Whether this host is held up by the name of another one, and not by its own inability to use any: hosts with unusable
// names are not more than those that answer under theirs. The other one is told, and waits then; else it goes on.
bool Membership::is_held_up_by(const std::string& name) const {
  std::set<std::string> unusable;
  std::size_t usable = 1 + members().size();
  for (const auto& [address, candidate] : candidates_) {
    if (!why_unusable(address, candidate).empty()) unusable.insert(candidate.name);
    if (candidate.state == Candidate::State::kJoining) ++usable;
  }
  return !joined_ && unusable.contains(name) && unusable.size() <= usable;
}

// Said to the host that has the name.
std::string Membership::out_of_reach_under(const std::string& name, const std::string& detail) {
  return "it does not reach this host under the name " + name + (detail.empty() ? "" : " (" + detail + ")") +
         ": is --host right?";
}

// A list of names without addresses names nobody: they may be misspelt, and the cluster elsewhere. The names; empty: it
// does name somebody, or there is no list.
std::string Membership::names_nobody() const {
  if (discovery_.lists_self() || config_.found_unlisted || !members().empty()) return "";
  std::string unresolved;
  for (const auto& [name, candidate] : candidates_) {
    if (!candidate.listed) continue;
    if (!candidate.unresolved) return "";
    unresolved += (unresolved.empty() ? "" : ", ") + name;
  }
  return unresolved;
}

bool Membership::founds_unlisted() const {
  if (discovery_.lists_self() || config_.found_unlisted) return false;
  const auto is_this = [](const Candidate& one) { return one.state == Candidate::State::kAlias && one.name.empty(); };
  bool any = false;
  for (const auto& [name, candidate] : candidates_) {
    if (candidate.listed && is_this(candidate)) return false;
    any = any || candidate.listed;
  }
  return any;
}

bool Membership::held_up() const {
  if (!joined_ && own_name_.has_twin(now())) return true;
  return !joined_ && std::any_of(candidates_.begin(), candidates_.end(), [this](const auto& entry) {
    const auto& [name, candidate] = entry;
    return !why_out_of_reach(name, candidate).empty() ||
           (candidate.unverified && candidate.serves && candidate.open()) ||
           ((candidate.state == Candidate::State::kAlias || candidate.own_name) && blocks(name, candidate));
  });
}

// Those who joined while this host was held up did not wait for it: whoever has taken it in names its members anew, and
// those that were held up as well are asked whether they still are.
void Membership::check_released() {
  if (!hold_up_.lasts() || held_up()) return;
  hold_up_.end();
  view_.each([this](Member& member) {
    member.joined_as = 0;
    member.next_ask = now();
  });
  for (auto& [name, candidate] : candidates_) {
    if (std::exchange(candidate.held_up, false)) candidate.next_try = now();
    if (candidate.state != Candidate::State::kRefused) continue;
    candidate.state = Candidate::State::kAsking;  // somebody may have started there, whom nobody can name
    candidate.first_asked = candidate.next_try = now();
  }
}

// Whoever has taken this host in before it was held up keeps a share for it on the ring: it takes that back.
void Membership::check_held_up() {
  check_released();
  if (!held_up()) return;
  hold_up_.begin(now());
  const bool taken = std::any_of(members().begin(), members().end(),
                                 [this](const auto& entry) { return entry.second.joined_as == self().generation; });
  if (taken && hold_up_.gives_up(now(), config_.join_timeout)) listener_.must_rejoin("held up: " + waiting_for());
}

}  // namespace ringside::core
