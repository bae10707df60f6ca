// Membership: from names to members. Whom to ask, whom to take in, when the closure of names is complete, and what to
// do on meeting a cluster that was founded beside this one.
#include <algorithm>

#include "sidecar/core/host_name.h"
#include "sidecar/core/membership.h"

namespace ringside::core {
namespace {

constexpr std::size_t kMaxContacts = 4096;
constexpr Duration kFirstRepeat{100'000};    // between repeats while a question is open
constexpr Duration kQuietRepeat{1'000'000};  // between looks at names that listed hosts do not answer to
constexpr Duration kClosedRepeat{10'000'000};
constexpr Duration kRereadDiscovery{200'000};
constexpr std::int64_t kYearMs = 365LL * 86'400'000;  // what is further ahead is no generation

}  // namespace

void Membership::discovered(const std::vector<std::string>& addresses, bool complete) {
  if (complete) {
    discovery_read_ = true;
    for (auto& [name, contact] : contacts_) contact.listed = false;
  }
  for (const std::string& address : addresses) learn(address, true, false);
  tick_contacts();
  check_joined();
}

// `again`: the name itself asks for attention (it introduced itself), so an older verdict on it is void.
void Membership::learn(const std::string& name, bool listed, bool again) {
  if (name == self_.host || members_.contains(name)) return;
  const auto found = contacts_.find(name);
  if (found == contacts_.end()) {
    if (contacts_.size() >= kMaxContacts) return;
    Contact& contact = contacts_[name];
    contact.listed = listed;
    contact.named = !listed;
    contact.first_asked = contact.first_named = contact.next_try = now();
    contact.keep_until = now() + 4 * config_.dead_after;
    return;
  }
  Contact& contact = found->second;
  contact.listed = contact.listed || listed;
  if (!listed && !contact.named) contact.first_named = now();
  contact.named = contact.named || !listed;
  if (again && (contact.state == Contact::State::kRefused || contact.state == Contact::State::kSilent ||
                contact.state == Contact::State::kClosed)) {
    contact.state = Contact::State::kAsking;
    contact.first_asked = contact.next_try = now();
    contact.keep_until = now() + 4 * config_.dead_after;
  }
}

void Membership::introduce(const std::string& host) {
  learn(host, false, true);
  tick_contacts();
}

void Membership::tick_contacts() {
  std::vector<std::string> due;
  for (auto& [name, contact] : contacts_) {
    if (contact.open() && !joined_ && out_of_patience(name, contact)) {
      contact.state = Contact::State::kSilent;
      contact.problem = "no answer";
      context_.log(Level::kWarn, "host_silent", {{"host", name}});
    }
    if (contact.next_try <= now()) due.push_back(name);
  }
  for (const std::string& name : due) {
    Contact& contact = contacts_[name];
    switch (contact.state) {
      case Contact::State::kClosed:
        // Where it is still there after a while, somebody else may have said good-bye in its name.
        contact.state = Contact::State::kAsking;
        contact.first_asked = now();
        [[fallthrough]];
      case Contact::State::kAsking:
        contact.next_try = now() + (joined_ ? kQuietRepeat : repeat_after(contact));
        ask(Ask::kContact, name, PingRequest{}, config_.dead_after);
        break;
      case Contact::State::kJoining:
        contact.next_try = now() + repeat_after(contact);
        if (contact.legacy) {
          // It takes every name for an owner of actors.
          ask(Ask::kNegotiate, name, NegotiateRequest{ring_->hosts(), config_.cluster, config_.points},
              config_.dead_after);
        } else {
          ask(Ask::kJoin, name, JoinRequest{config_.points, !config_.has_app}, config_.dead_after);
        }
        break;
      case Contact::State::kAlias:
        // The address may have been given to another host meanwhile.
        contact.next_try = now() + kClosedRepeat;
        ask(Ask::kContact, name, PingRequest{}, config_.dead_after);
        break;
      default:
        contact.next_try = now() + (contact.state == Contact::State::kForeign ? kClosedRepeat : kQuietRepeat);
        ask(Ask::kContact, name, PingRequest{}, config_.dead_after);
    }
  }
  std::erase_if(contacts_, [this](const auto& entry) {
    const Contact& contact = entry.second;
    return joined_ && !contact.listed && now() > contact.keep_until;
  });
}

// Less and less often, the longer it says nothing: many joiners must not flood a large cluster.
Duration Membership::repeat_after(const Contact& contact) const {
  return std::clamp((now() - contact.first_asked) / 4, kFirstRepeat, kQuietRepeat);
}

// A silent host that the serving ones have named was their member: it is given as long as they give it, and more where
// one of them still hears it.
bool Membership::out_of_patience(const std::string& name, Contact& contact) {
  const Duration silence = now() - contact.first_asked;
  if (!contact.listed) return silence > config_.dead_after;
  if (silence > config_.join_timeout) return true;
  if (!contact.named || !taken_in() || contact.state != Contact::State::kAsking) return false;
  if (silence > config_.dead_after / 2 && contact.next_probe <= now()) {
    contact.next_probe = now() + config_.dead_after / 4;
    ask_others_about(name);
  }
  // Its silence from before may have been this host's own: a cut that has just healed.
  return now() - contact.first_named > verdict_after() && now() - contact.heard_by_others > config_.dead_after;
}

std::string Membership::why_foreign(const PingAnswer& says) const {
  if (says.cluster.empty() && says.generation == 0) {
    return config_.accept_legacy ? "" : "it does not name its cluster (--legacy-peers refuse)";
  }
  if (says.cluster != config_.cluster) return "it is of cluster " + says.cluster;
  if (clock_.too_far_ahead(says.clock.epoch)) {
    return "the clock of " + says.host + " is more than a minute ahead of that of " + self_.host;
  }
  return "";
}

void Membership::set_foreign(const std::string& address, const std::string& why) {
  Contact& contact = contacts_[address];
  if (contact.state != Contact::State::kForeign || contact.problem != why) {
    context_.log(Level::kError, "host_not_of_this_cluster", {{"host", address}, {"why", why}});
    listener_.view_changed();
  }
  contact.state = Contact::State::kForeign;
  contact.problem = why;
  contact.next_try = now() + kClosedRepeat;
}

void Membership::contact_answered(const std::string& address, const PingAnswer& says) {
  const auto found = contacts_.find(address);
  if (found == contacts_.end()) return;
  Contact& contact = found->second;
  const auto name = canonical_host(says.host);
  if (!name) return set_foreign(address, "it answers with a name that is no host name");
  if (*name == self_.host) {
    if (says.generation == self_.generation || address != self_.host) {
      contact.state = Contact::State::kAlias;
      if (says.generation != self_.generation) set_foreign(address, "it has this host's own name");
    }
    contact.next_try = now() + kClosedRepeat;
    return;
  }
  if (const std::string why = why_foreign(says); !why.empty()) {
    set_foreign(address, why);
    const bool ahead = *name == address && says.cluster == config_.cluster && clock_.too_far_ahead(says.clock.epoch);
    contact.clock = ahead ? Contact::Clock::kAhead : Contact::Clock::kNear;
    if (joined_ && clock_behind_most()) listener_.must_rejoin("the clocks of most hosts are more than a minute ahead");
    return;
  }
  if (*name != address) {
    contact.state = Contact::State::kAlias;
    contact.next_try = now() + kClosedRepeat;
    return learn(*name, contact.listed, false);
  }
  if (contact.state == Contact::State::kClosed) return;
  clock_.observe(says.clock.epoch);
  contact.problem.clear();
  contact.blocks = false;
  contact.clock = Contact::Clock::kNear;
  contact.legacy = says.generation == 0;
  if (contact.legacy || !joined_) {
    if (contact.state != Contact::State::kJoining) contact.next_try = contact.first_asked = now();
    contact.state = Contact::State::kJoining;
    return tick_contacts();
  }
  meet(*name, says, contact);
}

// Found by a host that has joined already: either a joiner, which needs to know that we exist, or a member of a cluster
// that was founded beside ours. Of two clusters the smaller one joins anew; of two equal ones that of the greater name.
void Membership::meet(const std::string& name, const PingAnswer& says, Contact& contact) {
  contact.state = Contact::State::kMeeting;
  contact.next_try = now() + kQuietRepeat;
  const auto mine = static_cast<std::uint32_t>(ring_->hosts().size());
  const bool rejoin = mine != says.ring_hosts ? mine < says.ring_hosts : self_.host > name;
  // Where it still has us in its view, only we have taken it for dead: it will hear that, and joins anew by itself.
  if (says.phase == Phase::kReady && says.standing != Standing::kInView && rejoin) {
    return listener_.must_rejoin("met another part of the cluster at " + name);
  }
  ask(Ask::kNegotiate, name, NegotiateRequest{names(), config_.cluster, config_.points}, config_.dead_after);
}

void Membership::contact_failed(const std::string& address, const PeerFailure& failure) {
  const auto found = contacts_.find(address);
  if (found == contacts_.end()) return;
  Contact& contact = found->second;
  contact.problem = failure.detail;
  if (failure.kind != PeerFailure::Kind::kRefused) return;  // silence is no answer: the question stays open
  if (contact.state == Contact::State::kForeign || contact.state == Contact::State::kClosed) return;
  if (contact.state != Contact::State::kRefused) {
    contact.state = Contact::State::kRefused;
    discovery_read_ = false;  // read again before anybody concludes to be alone
    next_discovery_ = now();
  }
  contact.next_try = now() + (joined_ ? kQuietRepeat : config_.ping_interval);
  check_joined();
}

void Membership::join_answered(const Asked& asked, const JoinAnswer& answer) {
  const std::string& host = asked.host;
  switch (answer.verdict) {
    case Verdict::kOk:
      break;
    case Verdict::kBuried:
      // Its own clock may have been set back since the run that they buried.
      if (answer.buried >> kGenerationRandomBits < static_cast<Generation>(clock_.wall_ms() + kYearMs)) {
        least_generation_ = std::max(least_generation_, answer.buried + 1);
      }
      return listener_.must_rejoin("buried by " + host);
    case Verdict::kMismatch:
      if (!members_.contains(host)) {
        set_foreign(host, answer.detail);
        Contact& contact = contacts_[host];
        contact.blocks = true;  // its ping named this very cluster
        if (clock_.too_far_behind(answer.clock.epoch)) contact.clock = Contact::Clock::kBehind;
        contact.serves = answer.phase == Phase::kReady;
      }
      return check_joined();
    default:
      if (const auto contact = contacts_.find(host); contact != contacts_.end()) {
        contact->second.problem = answer.detail;
      }
      context_.log(Level::kWarn, "join_not_accepted", {{"host", host}, {"why", answer.detail}});
      return;
  }
  // An answer that was overtaken by the end of the run that gave it.
  if (standing_of({host, answer.generation, config_.cluster, 0}) == Standing::kBuried) return;
  PingAnswer says;
  says.host = host;
  says.generation = answer.generation;
  says.phase = answer.phase;
  says.routes_only = answer.routes_only;
  says.clock = answer.clock;
  Member& member = admit(host, says);
  if (!clock_.too_far_ahead(answer.furthest.epoch)) furthest_.widen(clock_.bound(answer.furthest, now() - asked.sent));
  member.joined_as = self_.generation;
  member.last_answer = now();
  for (const std::string& name : answer.names) {
    // It is a member there: a refusal from before it started says nothing any more.
    if (const auto canonical = canonical_host(name); canonical && !joined_) learn(*canonical, false, true);
  }
  tick_contacts();  // those are asked now, not at the next tick: calls for this host's range wait for its joining
  check_joined();
}

void Membership::negotiated(const std::string& host, const NegotiateAnswer& answer) {
  const auto contact = contacts_.find(host);
  for (const std::string& name : answer.hosts) {
    if (const auto canonical = canonical_host(name)) learn(*canonical, false, false);
  }
  if (contact == contacts_.end() || !contact->second.legacy) return;
  PingAnswer says;
  says.host = host;
  admit(host, says);
  check_joined();
}

void Membership::negotiate(Token token, const NegotiateRequest& request) {
  const bool stranger = !request.cluster.empty() && request.cluster != config_.cluster;
  if (stranger || (request.points != 0 && request.points != config_.points) ||
      (request.cluster.empty() && !config_.accept_legacy)) {
    context_.effects.push_back(AnswerPeer{
        token,
        PeerFailure{PeerFailure::Kind::kMismatch, "this is cluster " + config_.cluster + " with " +
                                                      std::to_string(config_.points) + " points for each host"}});
    return;
  }
  for (const std::string& name : request.hosts) {
    if (const auto canonical = canonical_host(name)) learn(*canonical, false, true);
  }
  NegotiateAnswer answer;
  answer.cluster = config_.cluster;
  answer.points = config_.points;
  // A legacy host takes every name here for an owner of actors.
  if (request.cluster.empty()) {
    answer.hosts = ring_->hosts();
  } else {
    answer.hosts = names();
  }
  context_.effects.push_back(AnswerPeer{token, std::move(answer)});
  tick_contacts();
}

// A cluster that serves has answered, and so has every name that it knows: nobody is alone then, whatever discovery
// says.
bool Membership::taken_in() const {
  return std::any_of(members_.begin(), members_.end(), [](const auto& entry) {
    return !entry.second.legacy() && !entry.second.routes_only && entry.second.phase == Phase::kReady;
  });
}

// An address that only discovery lists, and that says nothing, is that of a pod which is gone, or of one that starts:
// then it will ask the serving hosts in its turn, and hear of this one.
bool Membership::awaited(const Contact& contact) const {
  const bool only_listed = contact.state == Contact::State::kAsking && !contact.named;
  return contact.open() && !(only_listed && taken_in() && now() - contact.first_asked > config_.ping_interval);
}

std::size_t Membership::hosts_with(Contact::Clock clock) const {
  return static_cast<std::size_t>(std::count_if(contacts_.begin(), contacts_.end(), [clock](const auto& entry) {
    return entry.second.state == Contact::State::kForeign && entry.second.clock == clock;
  }));
}

// Of two hosts whose clocks differ nobody can tell whose is wrong; of more, the few are. They must not serve beside the
// others, which do not take them in.
bool Membership::clock_behind_most() const { return hosts_with(Contact::Clock::kAhead) > members_.size() + 1; }

// A few hosts with a wrong clock hold up nobody, unless they serve already, and this host has not been taken in by
// members that know nothing of them.
bool Membership::blocks(const Contact& contact) const {
  if (contact.state != Contact::State::kForeign || !contact.blocks) return false;
  if (contact.clock != Contact::Clock::kBehind) return true;
  if (hosts_with(Contact::Clock::kBehind) >= members_.size() + 1) return true;
  return contact.serves && (contact.named || !taken_in());
}

std::string Membership::waiting_for() const {
  if (joined_) return "";
  std::string open;
  for (const auto& [name, contact] : contacts_) {
    if (awaited(contact)) open += (open.empty() ? "" : ", ") + name;
    if (blocks(contact)) return name + ": " + contact.problem;
  }
  if (clock_behind_most()) {
    return "the clocks of " + std::to_string(hosts_with(Contact::Clock::kAhead)) +
           " hosts are more than a minute ahead of this host's";
  }
  for (const auto& [host, member] : members_) {
    if (!member.legacy() && member.joined_as != self_.generation) open += (open.empty() ? "" : ", ") + host;
  }
  if (!open.empty()) return "no answer yet from " + open;
  if (!discovery_read_ && !taken_in()) return "discovery has not answered";
  if (members_.size() + 1 < config_.min_members) {
    return std::to_string(members_.size() + 1) + " of --min-members " + std::to_string(config_.min_members);
  }
  return "";
}

// Of members that were gone before this host could ask them it knows only by those who named them how far their epochs
// may have come.
void Membership::pass_unheard() {
  Instant since = kNever;
  for (const auto& [name, contact] : contacts_) {
    const bool gone = contact.state == Contact::State::kRefused || contact.state == Contact::State::kSilent;
    if (contact.named && gone) since = std::min(since, contact.first_named);
  }
  if (since != kNever) clock_.pass(furthest_, now() - since);
}

void Membership::check_joined() {
  if (joined_) return;
  for (const auto& [name, contact] : contacts_) {
    if (awaited(contact) || blocks(contact)) return;
  }
  if (clock_behind_most()) return;
  for (const auto& [host, member] : members_) {
    if (!member.legacy() && member.joined_as != self_.generation) return;
  }
  if (!discovery_read_ && !taken_in()) {
    if (next_discovery_ <= now()) {
      next_discovery_ = now() + kRereadDiscovery;
      context_.effects.push_back(ReadDiscovery{});
    }
    return;
  }
  if (members_.size() + 1 < config_.min_members || !has_quorum()) return;
  pass_unheard();
  joined_ = true;
  context_.log(Level::kInfo, "joined", {{"members", std::to_string(members_.size() + 1)}});
  listener_.joined();
  listener_.view_changed();
}

}  // namespace ringside::core
