// Membership: from names to members. Whom to ask, whom to take in, when the closure of names is complete, and what to
// do on meeting a cluster that was founded beside this one.
#include <algorithm>

#include "sidecar/core/host_name.h"
#include "sidecar/core/membership/membership.h"

namespace ringside::core {
namespace {

constexpr std::size_t kMaxCandidates = 4096;
constexpr Duration kFirstRepeat{100'000};    // between repeats while a question is open
constexpr Duration kQuietRepeat{1'000'000};  // between looks at names that listed hosts do not answer to
constexpr Duration kClosedRepeat{10'000'000};
constexpr Duration kPatienceAtLeast{3 * kQuietRepeat};  // with who has answered, as it is asked once a second
constexpr Duration kRereadDiscovery{200'000};
constexpr std::int64_t kYearMs = 365LL * 86'400'000;  // what is further ahead is no generation

}  // namespace

void Membership::discovered(const std::vector<std::string>& addresses, bool complete, const std::string& missing) {
  discovery_.read(addresses, self().host, complete, missing);
  if (complete) {
    for (auto& [name, candidate] : candidates_) candidate.listed = false;
  }
  for (const std::string& address : addresses) learn(address, true, false);
  tick_candidates();
  check_joined();
}

// `again`: the name itself asks for attention (it introduced itself), so an older verdict on it is void.
void Membership::learn(const std::string& name, bool listed, bool again) {
  if (name == self().host || members().contains(name)) return;
  const auto found = candidates_.find(name);
  if (found == candidates_.end()) {
    if (candidates_.size() >= kMaxCandidates) return;
    Candidate& candidate = candidates_[name];
    candidate.listed = listed;
    candidate.named = !listed;
    candidate.first_asked = candidate.first_named = candidate.next_try = now();
    candidate.keep_until = now() + 4 * config_.dead_after;
    return;
  }
  Candidate& candidate = found->second;
  candidate.listed = candidate.listed || listed;
  if (!listed && !candidate.named) candidate.first_named = now();
  candidate.named = candidate.named || !listed;
  if (again && candidate.held_by.empty() &&
      (candidate.state == Candidate::State::kRefused || candidate.state == Candidate::State::kSilent ||
       candidate.state == Candidate::State::kClosed)) {
    candidate.state = Candidate::State::kAsking;
    candidate.first_asked = candidate.next_try = now();
    candidate.keep_until = now() + 4 * config_.dead_after;
  }
}

void Membership::introduce(const std::string& host) {
  learn(host, false, true);
  tick_candidates();
}

void Membership::tick_candidates() {
  std::vector<std::string> due;
  for (auto& [name, candidate] : candidates_) {
    if (!joined_ && !candidate.held_by.empty() && candidate.next_probe <= now() && out_of_reach(candidate)) {
      candidate.next_probe = now() + config_.dead_after / 4;
      ask_about(name, {candidate.held_by.begin(), candidate.held_by.end()}, kWitnesses);
    }
    if (candidate.open() && !joined_ && out_of_patience(candidate)) {
      candidate.state = Candidate::State::kSilent;
      candidate.problem = "no answer";
      context_.log(Level::kWarn, "host_silent", {{"host", name}});
    }
    if (!joined_ && candidate.state == Candidate::State::kAlias && candidate.problem.empty()) {
      // Before it holds this host up for long it is looked at again.
      candidate.problem = why_unusable(name, candidate);
      if (!candidate.problem.empty()) candidate.next_try = now();
    }
    if (candidate.next_try <= now()) due.push_back(name);
  }
  const bool cannot_join = held_up();
  for (const std::string& name : due) ask_candidate(name, candidates_[name], cannot_join);
  std::erase_if(candidates_, [this](const auto& entry) {
    const Candidate& candidate = entry.second;
    return joined_ && !candidate.listed && now() > candidate.keep_until;
  });
}

void Membership::ask_candidate(const std::string& name, Candidate& candidate, bool held_up) {
  // Where nobody owns anything, calls wait for the first that comes.
  const Duration quiet = joined_ && ring()->empty() ? config_.ping_interval : kQuietRepeat;
  switch (candidate.state) {
    case Candidate::State::kClosed:
      // Where it is still there after a while, somebody else may have said good-bye in its name.
      candidate.state = Candidate::State::kAsking;
      candidate.first_asked = now();
      [[fallthrough]];
    case Candidate::State::kAsking:
      candidate.next_try = now() + (joined_ ? quiet : repeat_after(candidate));
      break;
    case Candidate::State::kJoining:
      candidate.next_try = now() + repeat_after(candidate);
      if (candidate.legacy) {
        // It takes every name for an owner of actors.
        return ask(Question::About::kNegotiate, name,
                   NegotiateRequest{ring()->hosts(), config_.cluster, config_.points}, config_.dead_after);
      }
      // Whoever takes this host in has it on the ring, where it would own what nobody can reach. Who serves may know
      // better than this host who belongs to the cluster.
      if (joined_ || (held_up && !candidate.unverified && (!candidate.serves || hold_up_.asks_nobody()))) break;
      return ask(Question::About::kJoin, name, JoinRequest{config_.points, !config_.has_app}, config_.dead_after);
    case Candidate::State::kAlias:
    case Candidate::State::kForeign: {
      // The address may have been given to another host meanwhile.
      const bool matters =
          !candidate.held_by.empty() || (!candidate.problem.empty() && candidate.state == Candidate::State::kAlias);
      const bool soon = matters || candidate.blocks || candidate.clock != Candidate::Clock::kNear;
      candidate.next_try = now() + (soon ? kQuietRepeat : kClosedRepeat);
      // A name that has led to another host so far is looked up afresh.
      if (const auto parsed = parse_host_name(name); parsed && !parsed->is_ip) {
        context_.effects.push_back(CutPeer{name});
      }
      break;
    }
    default:
      candidate.next_try = now() + quiet;
  }
  // A host that cannot reach its own name waits for nobody.
  ask(Question::About::kCandidate, name, PingRequest{},
      name == self().host ? config_.ping_interval : config_.dead_after);
}

// Less and less often, the longer it says nothing: many joiners must not flood a large cluster.
Duration Membership::repeat_after(const Candidate& candidate) const {
  return std::clamp((now() - candidate.first_asked) / 4, kFirstRepeat, kQuietRepeat);
}

// Who has answered is not silent before it has said nothing for as long again. Of a member of others it is they who
// say when it is dead.
bool Membership::out_of_patience(const Candidate& candidate) const {
  if (!candidate.held_by.empty()) return false;
  const bool answered = candidate.last_answer >= candidate.first_asked;
  const Duration silence = now() - std::max(candidate.first_asked, candidate.last_answer);
  const Duration patience = candidate.listed ? config_.join_timeout : config_.dead_after;
  if (silence > (answered ? std::max(patience, kPatienceAtLeast) : patience)) return true;
  // Its silence from before may have been this host's own: a cut that has just healed.
  return candidate.named && taken_in() && !answered && candidate.state == Candidate::State::kAsking &&
         now() - candidate.first_named > detector_.verdict_after();
}

bool Membership::heard_of_late(const Candidate& candidate) const {
  return now() - candidate.last_answer <= std::max(config_.join_timeout, kPatienceAtLeast);
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
  return "the clock of " + says.host + " is more than a minute ahead of that of " + self().host;
}

void Membership::set_foreign(const std::string& address, const std::string& why) {
  Candidate& candidate = candidates_[address];
  candidate.state = Candidate::State::kForeign;
  candidate.problem = why;
  candidate.next_try = now() + kQuietRepeat;
  tell(address, candidate, Level::kError, "host_not_of_this_cluster");
}

// The log hears of a problem when it is new.
void Membership::tell(const std::string& address, Candidate& candidate, Level level, const char* event) {
  if (candidate.told == candidate.problem) return;
  candidate.told = candidate.problem;
  context_.log(level, event, {{"host", address}, {"why", candidate.problem}});
  listener_.view_changed();
}

void Membership::candidate_answered(const Question& asked, const PingAnswer& says) {
  const std::string& address = asked.host;
  const auto found = candidates_.find(address);
  if (found == candidates_.end()) return;
  Candidate& candidate = found->second;
  candidate.last_answer = now();
  candidate.generation = says.generation;
  candidate.serves = says.phase != Phase::kJoining;
  candidate.unresolved = candidate.own_name = candidate.held_up = false;
  const auto name = canonical_host(says.host);
  if (!name) return set_foreign(address, "it answers with a name that is no host name");
  if (const std::string why = why_stranger(says); !why.empty()) {
    candidate.blocks = false;
    candidate.clock = Candidate::Clock::kNear;
    return set_foreign(address, why);
  }
  if (*name == self().host) return met_own_name(address, says, candidate);
  if (address == self().host) {  // it leads to somebody else: the others will say so, who ask it for this host
    candidates_.erase(found);
    return check_joined();
  }
  if (*name != address) return met_alias(address, *name, candidate);
  if (const std::string why = why_foreign(says); !why.empty()) {
    candidate.blocks = false;
    candidate.clock = Candidate::Clock::kAhead;
    set_foreign(address, why);
    if (joined_ && clock_behind_most()) listener_.must_rejoin("the clocks of most hosts are more than a minute ahead");
    return;
  }
  if (candidate.state == Candidate::State::kClosed) return;
  clock_.observe(says.clock.epoch);
  candidate.legacy = says.generation == 0;
  if (candidate.legacy || !joined_) {
    if (candidate.state != Candidate::State::kJoining) {
      candidate.next_try = candidate.first_asked = now();
      // What it refused before, it is asked again.
      if (candidate.state != Candidate::State::kForeign) candidate.problem.clear();
    }
    candidate.state = Candidate::State::kJoining;
    candidate.blocks = false;
    return tick_candidates();
  }
  candidate.problem.clear();
  candidate.blocks = false;
  candidate.clock = Candidate::Clock::kNear;
  meet(*name, says, candidate);
}

// Found by a host that has joined already: either a joiner, which needs to know that we exist, or a member of a cluster
// that was founded beside ours. Of two clusters the smaller one joins anew; of two equal ones that of the greater name.
void Membership::meet(const std::string& name, const PingAnswer& says, Candidate& candidate) {
  candidate.state = Candidate::State::kMeeting;
  candidate.next_try = now() + kQuietRepeat;
  const auto mine = static_cast<std::uint32_t>(ring()->hosts().size());
  const bool rejoin = mine != says.ring_hosts ? mine < says.ring_hosts : self().host > name;
  // Where it still has us in its view, only we have taken it for dead: it will hear that, and joins anew by itself.
  if (says.phase == Phase::kReady && says.standing != Standing::kInView && rejoin) {
    return listener_.must_rejoin("met another part of the cluster at " + name);
  }
  ask(Question::About::kNegotiate, name, NegotiateRequest{names(), config_.cluster, config_.points},
      config_.dead_after);
}

void Membership::candidate_failed(const std::string& address, const PeerFailure& failure) {
  const auto found = candidates_.find(address);
  if (found == candidates_.end()) return;
  Candidate& candidate = found->second;
  if (address == self().host) {
    candidates_.erase(found);
    return check_joined();
  }
  const bool refused = failure.kind == PeerFailure::Kind::kRefused;
  candidate.unresolved = failure.kind == PeerFailure::Kind::kUnresolved;
  const bool has_been_judged =
      candidate.state == Candidate::State::kForeign || candidate.state == Candidate::State::kAlias;
  if (!has_been_judged || refused) candidate.problem = failure.detail;
  // Whoever answers with this name elsewhere is looked at once more: it may be gone as well.
  for (auto& [other, alias] : candidates_) {
    if (alias.state == Candidate::State::kAlias && alias.name == address && alias.problem.empty())
      alias.next_try = now();
  }
  const bool by_itself = failure.kind == PeerFailure::Kind::kRejected || failure.kind == PeerFailure::Kind::kUnserved;
  if (by_itself && candidate.state == Candidate::State::kJoining) candidate.last_answer = now();
  if (!refused) return;  // silence is no answer: the question stays open
  if (candidate.state == Candidate::State::kClosed) return;
  if (candidate.state != Candidate::State::kRefused) {
    candidate.state = Candidate::State::kRefused;
    candidate.blocks = false;
    candidate.clock = Candidate::Clock::kNear;
    candidate.told.clear();
    discovery_.doubt(now());  // read again before anybody concludes to be alone
  }
  candidate.next_try = now() + (joined_ ? kQuietRepeat : config_.ping_interval);
  if (!candidate.held_by.empty()) {  // whether those who have it in their view still do is asked at once
    candidate.next_probe = now();
    tick_candidates();
  }
  check_joined();
}

void Membership::join_answered(const Question& asked, const JoinAnswer& answer) {
  const std::string& host = asked.host;
  switch (answer.verdict) {
    case Verdict::kOk:
      break;
    case Verdict::kBuried:
      // Its own clock may have been set back since the run that they buried.
      if (answer.buried >> kGenerationRandomBits < static_cast<Generation>(clock_.wall_ms() + kYearMs)) {
        own_name_.must_exceed(answer.buried);
      }
      return listener_.must_rejoin("buried by " + host);
    case Verdict::kMismatch:
      if (!members().contains(host)) {
        Candidate& candidate = candidates_[host];
        candidate.blocks = true;  // its ping named this very cluster
        candidate.serves = answer.phase == Phase::kReady;
        const bool behind = clock_.too_far_behind(answer.clock);
        if (behind && candidate.clock != Candidate::Clock::kBehind) candidate.behind_since = now();
        candidate.clock = behind ? Candidate::Clock::kBehind : Candidate::Clock::kNear;
        set_foreign(host, answer.detail);
      }
      return check_joined();
    default:
      if (const auto candidate = candidates_.find(host); candidate != candidates_.end()) {
        candidate->second.last_answer = now();
        candidate->second.serves = answer.phase != Phase::kJoining;
        candidate->second.held_up = answer.verdict == Verdict::kHeldUp;
        candidate->second.unverified = answer.verdict == Verdict::kUnverified;
        candidate->second.problem = answer.detail;
        tell(host, candidate->second, Level::kWarn, "join_not_accepted");
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
  admit(host, says);
  clocks_.hear_furthest(answer.furthest, now() - asked.sent);
  Member& member = *view_.find(host);
  member.joined_as = self().generation;
  member.last_answer = now();
  for (const std::string& name : answer.names) {
    // It is a member there: a refusal from before it started says nothing any more.
    const auto canonical = canonical_host(name);
    if (!canonical || joined_) continue;
    learn(*canonical, false, true);
    // One that is joining itself names whom it has yet to meet.
    if (answer.phase != Phase::kJoining) named_by_member(*canonical, host);
  }
  tick_candidates();  // those are asked now, not at the next tick: calls for this host's range wait for its joining
  check_joined();
}

void Membership::negotiated(const std::string& host, const NegotiateAnswer& answer) {
  const auto candidate = candidates_.find(host);
  for (const std::string& name : answer.hosts) {
    if (const auto canonical = canonical_host(name)) learn(*canonical, false, false);
  }
  if (candidate == candidates_.end() || !candidate->second.legacy) return;
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
    answer.hosts = ring()->hosts();
  } else {
    answer.hosts = names();
  }
  context_.effects.push_back(AnswerPeer{token, std::move(answer)});
  tick_candidates();
}

// A cluster that serves has answered, and so has every name that it knows: nobody is alone then, whatever discovery
// says.
bool Membership::taken_in() const {
  return std::any_of(members().begin(), members().end(), [](const auto& entry) { return entry.second.serves(); });
}

// A host that does not serve, and that only discovery knows of, is one that starts (or none at all): it will ask the
// serving hosts in its turn, and hear of this one. One that is held up asks nobody before it can join.
bool Membership::awaited(const Candidate& candidate) const {
  if (candidate.held_up) return false;
  if (!candidate.held_by.empty()) return true;
  if (!candidate.open()) return false;
  const bool serves = candidate.state == Candidate::State::kJoining && candidate.serves;
  return serves || candidate.named || !taken_in() || now() - candidate.first_asked <= config_.ping_interval;
}

// Of this cluster, and yet out of this host's reach.
bool Membership::blocks(const std::string& name, const Candidate& candidate) const {
  if (candidate.state == Candidate::State::kAlias) {
    // Serving hosts that have no such member are not concerned by it.
    return !taken_in() && !why_unusable(name, candidate).empty();
  }
  if (candidate.state != Candidate::State::kForeign || !candidate.blocks || !heard_of_late(candidate)) return false;
  return candidate.clock != Candidate::Clock::kBehind || blocks_by_clock(candidate);
}

std::string Membership::waiting_for() const {
  if (joined_) return "";
  if (own_name_.has_twin(now()))
    return "another host calls itself " + self().host + " too: set another --host on one of them";
  std::string open, told;
  for (const auto& [name, candidate] : candidates_) {
    if (std::string why = why_out_of_reach(name, candidate); !why.empty()) return why;
    if (blocks(name, candidate)) {
      return candidate.state == Candidate::State::kAlias ? why_unusable(name, candidate)
                                                         : name + ": " + candidate.problem;
    }
    if (!awaited(candidate)) continue;
    if (candidate.state == Candidate::State::kJoining && !candidate.problem.empty()) {
      told += (told.empty() ? "" : "; ") + name + ": " + candidate.problem;
    } else {
      const bool why = candidate.unresolved && !candidate.problem.empty();
      open += (open.empty() ? "" : ", ") + name + (why ? " (" + candidate.problem + ")" : "");
    }
  }
  if (clock_behind_most()) {
    return "the clocks of " + std::to_string(hosts_with(Candidate::Clock::kAhead)) +
           " hosts are more than a minute ahead of this host's";
  }
  for (const auto& [host, member] : members()) {
    if (!member.legacy() && member.joined_as != self().generation) open += (open.empty() ? "" : ", ") + host;
  }
  if (!told.empty()) return told + (open.empty() ? "" : "; no answer yet from " + open);
  if (!open.empty()) return "no answer yet from " + open;
  if (const std::string nobody = names_nobody(); !nobody.empty() && !taken_in()) {
    return nobody + " cannot be resolved here: --join has to name this host or another, or --min-members 1 to be given";
  }
  if (!discovery_.counts() && !taken_in()) {
    return discovery_.missing().empty() ? "discovery has not answered" : discovery_.missing();
  }
  if (members().size() + 1 < config_.min_members) {
    return std::to_string(members().size() + 1) + " of --min-members " + std::to_string(config_.min_members);
  }
  return "";
}

// Of members that were gone before this host could ask them it knows only by those who named them how far their epochs
// may have come.
void Membership::pass_unheard() {
  Instant since = kNever;
  for (const auto& [name, candidate] : candidates_) {
    const bool gone = candidate.state == Candidate::State::kRefused || candidate.state == Candidate::State::kSilent;
    if (candidate.named && gone) since = std::min(since, candidate.first_named);
  }
  if (since != kNever) clocks_.pass_unmet(now() - since);
}

void Membership::check_joined() {
  if (joined_) return;
  check_released();
  for (const auto& [name, candidate] : candidates_) {
    if (name != self().host && (awaited(candidate) || blocks(name, candidate))) return;
  }
  if (clock_behind_most() || own_name_.has_twin(now())) return;
  for (const auto& [host, member] : members()) {
    if (!member.legacy() && member.joined_as != self().generation) return;
  }
  if (!taken_in() && (!discovery_.counts() || !names_nobody().empty())) {
    if (discovery_.take_turn(now(), kRereadDiscovery)) context_.effects.push_back(ReadDiscovery{});
    return;
  }
  if (members().size() + 1 < config_.min_members || !has_quorum()) return;
  // Asked beside all others, discovery included: it costs no time.
  const auto own = candidates_.find(self().host);
  if (own != candidates_.end() && (awaited(own->second) || blocks(own->first, own->second))) return;
  pass_unheard();
  if (members().empty() && founds_unlisted()) {
    context_.log(
        Level::kWarn, "founded_unlisted",
        {{"why", "no --join source lists this host, and nobody answers where they lead: others may found too"}});
  }
  for (auto& [name, candidate] : candidates_) candidate.held_by.clear();
  joined_ = true;
  context_.log(Level::kInfo, "joined", {{"members", std::to_string(members().size() + 1)}});
  listener_.joined();
  listener_.view_changed();
}

}  // namespace ringside::core
