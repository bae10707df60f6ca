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
constexpr Duration kTwinLasts{3'000'000};
constexpr const char* kAdvice = ": set --host there to a name or address that leads to it";

}  // namespace

// Its name is asked in its turn. Where that has been in vain, the address is looked at again and again: the host may
// have gone meanwhile, or its name have come to be known.
void Membership::met_alias(const std::string& address, const std::string& name, Contact& contact) {
  contact.state = Contact::State::kAlias;
  contact.name = name;
  contact.blocks = false;
  contact.clock = Contact::Clock::kNear;
  learn(name, contact.listed, false);
  const std::string before = std::exchange(contact.problem, why_unusable(address, contact));
  contact.next_try = now() + (contact.problem.empty() ? kAliasRepeat : kUnusableRepeat);
  if (contact.problem.empty()) {
    contact.told.clear();
  } else if (contact.problem == before) {  // it lasts: one that restarts is on its way to being right again
    tell(address, contact, Level::kError, "host_unusable");
  }
  tick_contacts();
}

// One of two hosts that call themselves the same is this one. The others could not tell them apart: neither may serve,
// but for one that has members, which know it by that name.
void Membership::met_own_name(const std::string& address, const PingAnswer& says, Contact& contact) {
  contact.name.clear();
  contact.clock = Contact::Clock::kNear;
  if (is_this_process(says.generation)) return answered_by_itself(address, contact);
  contact.own_name = contact.blocks = true;
  set_foreign(address, "it answers with this host's own name, " + self_.host + ": set another --host on one of them");
  if (joined_ && members_.empty()) listener_.must_rejoin(address + " has this host's own name");
}

// Nobody else may name this host, where two have its name: its own name leads to one of them.
void Membership::ask_own_name() {
  Contact& contact = contacts_[self_.host];
  contact = {};
  contact.first_asked = contact.next_try = now();
  contact.keep_until = now() + 4 * config_.dead_after;
}

void Membership::answered_by_itself(const std::string& address, Contact& contact) {
  contact.state = Contact::State::kAlias;
  contact.blocks = false;
  contact.problem.clear();
  if (address != self_.host) return;
  contacts_.erase(address);
  check_joined();
}

bool Membership::is_this_process(Generation run) const {
  return std::find(last_runs_.begin(), last_runs_.end(), run) != last_runs_.end();
}

// A joiner asks everybody once it is ready, so that they look at it at once. A host under this one's name is a twin.
void Membership::pinged_by(const Sender& sender) {
  const Member* member = find(sender.host);
  if (member != nullptr && member->phase == Phase::kJoining) return connection_lost(sender.host);
  if (sender.host != self_.host || sender.cluster != config_.cluster || sender.generation == 0) return;
  if (is_this_process(sender.generation)) return;
  if (!has_twin()) context_.log(Level::kError, "host_has_twin", {{"host", self_.host}});
  twin_heard_ = now();
  if (joined_ && members_.empty()) listener_.must_rejoin("another host has this host's own name");
}

// One that cannot join asks once a second.
bool Membership::has_twin() const { return twin_heard_ && now() - *twin_heard_ <= kTwinLasts; }

// Empty: what answers there is a member, or is dealt with under its name.
std::string Membership::why_unusable(const std::string& address, const Contact& contact) const {
  if (contact.state != Contact::State::kAlias || contact.name.empty() || !heard_of_late(contact)) return "";
  const std::string answers = address + " answers as " + contact.name;
  const std::string two = answers + ", and so does another host: set another --host on one of them";
  if (const Member* member = find(contact.name)) return member->run.generation == contact.generation ? "" : two;
  const auto found = contacts_.find(contact.name);
  if (found == contacts_.end()) return "";
  const Contact& meant = found->second;
  switch (meant.state) {
    case Contact::State::kJoining:
    case Contact::State::kMeeting:
      return meant.generation == contact.generation ? "" : two;
    case Contact::State::kForeign:  // it is, or is not, waited for under its name
      return "";
    case Contact::State::kAlias:
      return answers + ", which is " + (meant.name.empty() ? "this host" : meant.name) + " here" + kAdvice;
    case Contact::State::kRefused:
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
  const auto found = contacts_.find(name);
  if (found == contacts_.end()) return;
  Contact& contact = found->second;
  if (contact.held_by.empty()) contact.next_probe = now() + config_.dead_after / 4;
  contact.held_by.insert(member);
}

// Where one of them has buried it the others will soon do so: they are asked one after the other, without a pause.
void Membership::held_no_more(const std::string& name, const std::string& by) {
  const auto found = contacts_.find(name);
  if (joined_ || found == contacts_.end() || found->second.held_by.erase(by) == 0) return;
  ask_about(name, {found->second.held_by.begin(), found->second.held_by.end()}, 1);
  if (found->second.held_by.empty()) tick_contacts();
  check_joined();
}

// What was found out about the names for which it vouched is looked at afresh.
void Membership::lost_holder(const std::string& host) {
  for (auto& [name, contact] : contacts_) {
    if (contact.held_by.erase(host) != 0 && contact.held_by.empty()) learn(name, contact.listed, true);
  }
}

// A joiner speaks for itself: what this host has found out under its name may be of an earlier run.
void Membership::heard_from(const std::string& joiner) {
  const auto found = contacts_.find(joiner);
  if (found == contacts_.end()) return;
  std::set<std::string> holders = std::exchange(found->second.held_by, {});
  if (holders.empty()) return;
  learn(joiner, false, true);
  found->second.held_by = std::move(holders);
}

// Neither dealt with under its name, nor about to be.
bool Membership::out_of_reach(const Contact& contact) const {
  switch (contact.state) {
    case Contact::State::kJoining:
    case Contact::State::kMeeting:
      return false;
    case Contact::State::kAsking:
      return contact.unresolved || now() - std::max(contact.first_asked, contact.last_answer) > config_.dead_after / 2;
    default:
      return true;
  }
}

// Empty: it is not a member of others, or this host deals with it.
std::string Membership::why_out_of_reach(const std::string& name, const Contact& contact) const {
  if (contact.held_by.empty() || !out_of_reach(contact)) return "";
  const std::string known = *contact.held_by.begin() + " has " + name + " as a member, which ";
  if (contact.state == Contact::State::kAlias) {
    return known + "leads to " + (contact.name.empty() ? "this host" : contact.name) + " here" + kAdvice;
  }
  if (contact.state == Contact::State::kForeign) return known + "cannot be met here: " + contact.problem;
  if (contact.state == Contact::State::kRefused) return known + "refuses connections here" + kAdvice;
  if (contact.unresolved) return known + "cannot be resolved here" + kAdvice;
  return known + "does not answer here";
}

// Whether this host is held up by the name of another one, and not by its own inability to use any: hosts with unusable
// names are not more than those that answer under theirs. The other one is told, and waits then; else it goes on.
bool Membership::is_held_up_by(const std::string& name) const {
  std::set<std::string> unusable;
  std::size_t usable = 1 + members_.size();
  for (const auto& [address, contact] : contacts_) {
    if (!why_unusable(address, contact).empty()) unusable.insert(contact.name);
    if (contact.state == Contact::State::kJoining) ++usable;
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
  if (listed_ || config_.found_unlisted || !members_.empty()) return "";
  std::string unresolved;
  for (const auto& [name, contact] : contacts_) {
    if (!contact.listed) continue;
    if (!contact.unresolved) return "";
    unresolved += (unresolved.empty() ? "" : ", ") + name;
  }
  return unresolved;
}

bool Membership::founds_unlisted() const {
  if (listed_ || config_.found_unlisted) return false;
  const auto is_this = [](const Contact& one) { return one.state == Contact::State::kAlias && one.name.empty(); };
  bool any = false;
  for (const auto& [name, contact] : contacts_) {
    if (contact.listed && is_this(contact)) return false;
    any = any || contact.listed;
  }
  return any;
}

bool Membership::held_up() const {
  if (!joined_ && has_twin()) return true;
  return !joined_ && std::any_of(contacts_.begin(), contacts_.end(), [this](const auto& entry) {
    const auto& [name, contact] = entry;
    return !why_out_of_reach(name, contact).empty() || (contact.unverified && contact.serves && contact.open()) ||
           ((contact.state == Contact::State::kAlias || contact.own_name) && blocks(name, contact));
  });
}

// Those who joined while this host was held up did not wait for it: whoever has taken it in names its members anew, and
// those that were held up as well are asked whether they still are.
void Membership::check_released() {
  if (held_up_since_ == kNever || held_up()) return;
  held_up_since_ = kNever;
  asks_nobody_ = false;
  for (auto& [host, member] : members_) {
    member.joined_as = 0;
    member.next_ask = now();
  }
  for (auto& [name, contact] : contacts_) {
    if (std::exchange(contact.held_up, false)) contact.next_try = now();
    if (contact.state != Contact::State::kRefused) continue;
    contact.state = Contact::State::kAsking;  // somebody may have started there, whom nobody can name
    contact.first_asked = contact.next_try = now();
  }
}

// Whoever has taken this host in before it was held up keeps a share for it on the ring: it takes that back.
void Membership::check_held_up() {
  check_released();
  if (!held_up()) return;
  if (held_up_since_ == kNever) held_up_since_ = now();
  const bool taken = std::any_of(members_.begin(), members_.end(),
                                 [this](const auto& entry) { return entry.second.joined_as == self_.generation; });
  if (asks_nobody_ || !taken || now() - held_up_since_ <= config_.join_timeout) return;
  asks_nobody_ = true;
  listener_.must_rejoin("held up: " + waiting_for());
}

}  // namespace ringside::core
