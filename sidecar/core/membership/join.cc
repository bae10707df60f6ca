// Membership: from names to members. Whom to ask, whom to take in, when the closure of names is complete, and what to
// do on meeting a cluster that was founded beside this one.
#include <algorithm>

#include "sidecar/core/host_name.h"
#include "sidecar/core/membership/membership.h"

namespace ringside::core {
namespace {

constexpr std::size_t kMaxContacts = 4096;
constexpr Duration kFirstRepeat{100'000};    // between repeats while a question is open
constexpr Duration kQuietRepeat{1'000'000};  // between looks at names that listed hosts do not answer to
constexpr Duration kClosedRepeat{10'000'000};
constexpr Duration kPatienceAtLeast{3 * kQuietRepeat};  // with who has answered, as it is asked once a second
constexpr Duration kRereadDiscovery{200'000};
constexpr std::int64_t kYearMs = 365LL * 86'400'000;  // what is further ahead is no generation

}  // namespace

void Membership::discovered(const std::vector<std::string>& addresses, bool complete, const std::string& missing) {
  missing_ = missing;
  if (complete) {
    discovery_read_ = true;
    listed_ = std::find(addresses.begin(), addresses.end(), self_.host) != addresses.end();
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
  if (again && contact.held_by.empty() &&
      (contact.state == Contact::State::kRefused || contact.state == Contact::State::kSilent ||
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
    if (!joined_ && !contact.held_by.empty() && contact.next_probe <= now() && out_of_reach(contact)) {
      contact.next_probe = now() + config_.dead_after / 4;
      ask_about(name, {contact.held_by.begin(), contact.held_by.end()}, kWitnesses);
    }
    if (contact.open() && !joined_ && out_of_patience(contact)) {
      contact.state = Contact::State::kSilent;
      contact.problem = "no answer";
      context_.log(Level::kWarn, "host_silent", {{"host", name}});
    }
    if (!joined_ && contact.state == Contact::State::kAlias && contact.problem.empty()) {
      // Before it holds this host up for long it is looked at again.
      contact.problem = why_unusable(name, contact);
      if (!contact.problem.empty()) contact.next_try = now();
    }
    if (contact.next_try <= now()) due.push_back(name);
  }
  const bool cannot_join = held_up();
  for (const std::string& name : due) ask_contact(name, contacts_[name], cannot_join);
  std::erase_if(contacts_, [this](const auto& entry) {
    const Contact& contact = entry.second;
    return joined_ && !contact.listed && now() > contact.keep_until;
  });
}

void Membership::ask_contact(const std::string& name, Contact& contact, bool held_up) {
  // Where nobody owns anything, calls wait for the first that comes.
  const Duration quiet = joined_ && ring_->empty() ? config_.ping_interval : kQuietRepeat;
  switch (contact.state) {
    case Contact::State::kClosed:
      // Where it is still there after a while, somebody else may have said good-bye in its name.
      contact.state = Contact::State::kAsking;
      contact.first_asked = now();
      [[fallthrough]];
    case Contact::State::kAsking:
      contact.next_try = now() + (joined_ ? quiet : repeat_after(contact));
      break;
    case Contact::State::kJoining:
      contact.next_try = now() + repeat_after(contact);
      if (contact.legacy) {
        // It takes every name for an owner of actors.
        return ask(Ask::kNegotiate, name, NegotiateRequest{ring_->hosts(), config_.cluster, config_.points},
                   config_.dead_after);
      }
      // Whoever takes this host in has it on the ring, where it would own what nobody can reach. Who serves may know
      // better than this host who belongs to the cluster.
      if (joined_ || (held_up && !contact.unverified && (!contact.serves || asks_nobody_))) break;
      return ask(Ask::kJoin, name, JoinRequest{config_.points, !config_.has_app}, config_.dead_after);
    case Contact::State::kAlias:
    case Contact::State::kForeign: {
      // The address may have been given to another host meanwhile.
      const bool matters =
          !contact.held_by.empty() || (!contact.problem.empty() && contact.state == Contact::State::kAlias);
      const bool soon = matters || contact.blocks || contact.clock != Contact::Clock::kNear;
      contact.next_try = now() + (soon ? kQuietRepeat : kClosedRepeat);
      // A name that has led to another host so far is looked up afresh.
      if (const auto parsed = parse_host_name(name); parsed && !parsed->is_ip) {
        context_.effects.push_back(CutPeer{name});
      }
      break;
    }
    default:
      contact.next_try = now() + quiet;
  }
  // A host that cannot reach its own name waits for nobody.
  ask(Ask::kContact, name, PingRequest{}, name == self_.host ? config_.ping_interval : config_.dead_after);
}

// Less and less often, the longer it says nothing: many joiners must not flood a large cluster.
Duration Membership::repeat_after(const Contact& contact) const {
  return std::clamp((now() - contact.first_asked) / 4, kFirstRepeat, kQuietRepeat);
}

// Who has answered is not silent before it has said nothing for as long again. Of a member of others it is they who
// say when it is dead.
bool Membership::out_of_patience(const Contact& contact) const {
  if (!contact.held_by.empty()) return false;
  const bool answered = contact.last_answer >= contact.first_asked;
  const Duration silence = now() - std::max(contact.first_asked, contact.last_answer);
  const Duration patience = contact.listed ? config_.join_timeout : config_.dead_after;
  if (silence > (answered ? std::max(patience, kPatienceAtLeast) : patience)) return true;
  // Its silence from before may have been this host's own: a cut that has just healed.
  return contact.named && taken_in() && !answered && contact.state == Contact::State::kAsking &&
         now() - contact.first_named > verdict_after();
}

bool Membership::heard_of_late(const Contact& contact) const {
  return now() - contact.last_answer <= std::max(config_.join_timeout, kPatienceAtLeast);
}

std::string Membership::why_stranger(const PingAnswer& says) const {
  if (says.cluster.empty() && says.generation == 0) {
    return config_.accept_legacy ? "" : "it does not name its cluster (--legacy-peers refuse)";
  }
  return says.cluster == config_.cluster ? "" : "it is of cluster " + says.cluster;
}

std::string Membership::why_foreign(const PingAnswer& says) const {
  if (std::string why = why_stranger(says); !why.empty()) return why;
  if (!clock_.too_far_ahead(says.clock.epoch)) return "";
  return "the clock of " + says.host + " is more than a minute ahead of that of " + self_.host;
}

void Membership::set_foreign(const std::string& address, const std::string& why) {
  Contact& contact = contacts_[address];
  contact.state = Contact::State::kForeign;
  contact.problem = why;
  contact.next_try = now() + kQuietRepeat;
  tell(address, contact, Level::kError, "host_not_of_this_cluster");
}

// The log hears of a problem when it is new.
void Membership::tell(const std::string& address, Contact& contact, Level level, const char* event) {
  if (contact.told == contact.problem) return;
  contact.told = contact.problem;
  context_.log(level, event, {{"host", address}, {"why", contact.problem}});
  listener_.view_changed();
}

void Membership::contact_answered(const Asked& asked, const PingAnswer& says) {
  const std::string& address = asked.host;
  const auto found = contacts_.find(address);
  if (found == contacts_.end()) return;
  Contact& contact = found->second;
  contact.last_answer = now();
  contact.generation = says.generation;
  contact.serves = says.phase != Phase::kJoining;
  contact.unresolved = contact.own_name = contact.held_up = false;
  const auto name = canonical_host(says.host);
  if (!name) return set_foreign(address, "it answers with a name that is no host name");
  if (const std::string why = why_stranger(says); !why.empty()) {
    contact.blocks = false;
    contact.clock = Contact::Clock::kNear;
    return set_foreign(address, why);
  }
  if (*name == self_.host) return met_own_name(address, says, contact);
  if (address == self_.host) {  // it leads to somebody else: the others will say so, who ask it for this host
    contacts_.erase(found);
    return check_joined();
  }
  if (*name != address) return met_alias(address, *name, contact);
  if (const std::string why = why_foreign(says); !why.empty()) {
    contact.blocks = false;
    contact.clock = Contact::Clock::kAhead;
    set_foreign(address, why);
    if (joined_ && clock_behind_most()) listener_.must_rejoin("the clocks of most hosts are more than a minute ahead");
    return;
  }
  if (contact.state == Contact::State::kClosed) return;
  clock_.observe(says.clock.epoch);
  contact.legacy = says.generation == 0;
  if (contact.legacy || !joined_) {
    if (contact.state != Contact::State::kJoining) {
      contact.next_try = contact.first_asked = now();
      // What it refused before, it is asked again.
      if (contact.state != Contact::State::kForeign) contact.problem.clear();
    }
    contact.state = Contact::State::kJoining;
    contact.blocks = false;
    return tick_contacts();
  }
  contact.problem.clear();
  contact.blocks = false;
  contact.clock = Contact::Clock::kNear;
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
  if (address == self_.host) {
    contacts_.erase(found);
    return check_joined();
  }
  const bool refused = failure.kind == PeerFailure::Kind::kRefused;
  contact.unresolved = failure.kind == PeerFailure::Kind::kUnresolved;
  const bool has_been_judged = contact.state == Contact::State::kForeign || contact.state == Contact::State::kAlias;
  if (!has_been_judged || refused) contact.problem = failure.detail;
  // Whoever answers with this name elsewhere is looked at once more: it may be gone as well.
  for (auto& [other, alias] : contacts_) {
    if (alias.state == Contact::State::kAlias && alias.name == address && alias.problem.empty()) alias.next_try = now();
  }
  const bool by_itself = failure.kind == PeerFailure::Kind::kRejected || failure.kind == PeerFailure::Kind::kUnserved;
  if (by_itself && contact.state == Contact::State::kJoining) contact.last_answer = now();
  if (!refused) return;  // silence is no answer: the question stays open
  if (contact.state == Contact::State::kClosed) return;
  if (contact.state != Contact::State::kRefused) {
    contact.state = Contact::State::kRefused;
    contact.blocks = false;
    contact.clock = Contact::Clock::kNear;
    contact.told.clear();
    discovery_read_ = false;  // read again before anybody concludes to be alone
    next_discovery_ = now();
  }
  contact.next_try = now() + (joined_ ? kQuietRepeat : config_.ping_interval);
  if (!contact.held_by.empty()) {  // whether those who have it in their view still do is asked at once
    contact.next_probe = now();
    tick_contacts();
  }
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
        Contact& contact = contacts_[host];
        contact.blocks = true;  // its ping named this very cluster
        contact.serves = answer.phase == Phase::kReady;
        const bool behind = clock_.too_far_behind(answer.clock);
        if (behind && contact.clock != Contact::Clock::kBehind) contact.behind_since = now();
        contact.clock = behind ? Contact::Clock::kBehind : Contact::Clock::kNear;
        set_foreign(host, answer.detail);
      }
      return check_joined();
    default:
      if (const auto contact = contacts_.find(host); contact != contacts_.end()) {
        contact->second.last_answer = now();
        contact->second.serves = answer.phase != Phase::kJoining;
        contact->second.held_up = answer.verdict == Verdict::kHeldUp;
        contact->second.unverified = answer.verdict == Verdict::kUnverified;
        contact->second.problem = answer.detail;
        tell(host, contact->second, Level::kWarn, "join_not_accepted");
      }
      return check_joined();
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
    const auto canonical = canonical_host(name);
    if (!canonical || joined_) continue;
    learn(*canonical, false, true);
    // One that is joining itself names whom it has yet to meet.
    if (answer.phase != Phase::kJoining) named_by_member(*canonical, host);
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

// A host that does not serve, and that only discovery knows of, is one that starts (or none at all): it will ask the
// serving hosts in its turn, and hear of this one. One that is held up asks nobody before it can join.
bool Membership::awaited(const Contact& contact) const {
  if (contact.held_up) return false;
  if (!contact.held_by.empty()) return true;
  if (!contact.open()) return false;
  const bool serves = contact.state == Contact::State::kJoining && contact.serves;
  return serves || contact.named || !taken_in() || now() - contact.first_asked <= config_.ping_interval;
}

// Of this cluster, and yet out of this host's reach.
bool Membership::blocks(const std::string& name, const Contact& contact) const {
  if (contact.state == Contact::State::kAlias) {
    // Serving hosts that have no such member are not concerned by it.
    return !taken_in() && !why_unusable(name, contact).empty();
  }
  if (contact.state != Contact::State::kForeign || !contact.blocks || !heard_of_late(contact)) return false;
  return contact.clock != Contact::Clock::kBehind || blocks_by_clock(contact);
}

std::string Membership::waiting_for() const {
  if (joined_) return "";
  if (has_twin()) return "another host calls itself " + self_.host + " too: set another --host on one of them";
  std::string open, told;
  for (const auto& [name, contact] : contacts_) {
    if (std::string why = why_out_of_reach(name, contact); !why.empty()) return why;
    if (blocks(name, contact)) {
      return contact.state == Contact::State::kAlias ? why_unusable(name, contact) : name + ": " + contact.problem;
    }
    if (!awaited(contact)) continue;
    if (contact.state == Contact::State::kJoining && !contact.problem.empty()) {
      told += (told.empty() ? "" : "; ") + name + ": " + contact.problem;
    } else {
      const bool why = contact.unresolved && !contact.problem.empty();
      open += (open.empty() ? "" : ", ") + name + (why ? " (" + contact.problem + ")" : "");
    }
  }
  if (clock_behind_most()) {
    return "the clocks of " + std::to_string(hosts_with(Contact::Clock::kAhead)) +
           " hosts are more than a minute ahead of this host's";
  }
  for (const auto& [host, member] : members_) {
    if (!member.legacy() && member.joined_as != self_.generation) open += (open.empty() ? "" : ", ") + host;
  }
  if (!told.empty()) return told + (open.empty() ? "" : "; no answer yet from " + open);
  if (!open.empty()) return "no answer yet from " + open;
  if (const std::string nobody = names_nobody(); !nobody.empty() && !taken_in()) {
    return nobody + " cannot be resolved here: --join has to name this host or another, or --min-members 1 to be given";
  }
  if (!discovery_read_ && !taken_in()) return missing_.empty() ? "discovery has not answered" : missing_;
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
  check_released();
  for (const auto& [name, contact] : contacts_) {
    if (name != self_.host && (awaited(contact) || blocks(name, contact))) return;
  }
  if (clock_behind_most() || has_twin()) return;
  for (const auto& [host, member] : members_) {
    if (!member.legacy() && member.joined_as != self_.generation) return;
  }
  if (!taken_in() && (!discovery_read_ || !names_nobody().empty())) {
    if (next_discovery_ <= now()) {
      next_discovery_ = now() + kRereadDiscovery;
      context_.effects.push_back(ReadDiscovery{});
    }
    return;
  }
  if (members_.size() + 1 < config_.min_members || !has_quorum()) return;
  // Asked beside all others, discovery included: it costs no time.
  const auto own = contacts_.find(self_.host);
  if (own != contacts_.end() && (awaited(own->second) || blocks(own->first, own->second))) return;
  pass_unheard();
  if (members_.empty() && founds_unlisted()) {
    context_.log(
        Level::kWarn, "founded_unlisted",
        {{"why", "no --join source lists this host, and nobody answers where they lead: others may found too"}});
  }
  for (auto& [name, contact] : contacts_) contact.held_by.clear();
  joined_ = true;
  context_.log(Level::kInfo, "joined", {{"members", std::to_string(members_.size() + 1)}});
  listener_.joined();
  listener_.view_changed();
}

}  // namespace ringside::core
