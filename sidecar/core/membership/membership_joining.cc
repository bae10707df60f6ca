// Membership: from names to members. Whom to ask, whom to take in, when the closure of names is complete, and what to
// do on meeting a cluster that was bootstrapped beside this one.
#include <algorithm>
#include <utility>

#include "sidecar/core/host_name.h"
#include "sidecar/core/membership/membership.h"
#include "sidecar/core/membership/same_cluster.h"

namespace ringside::core {
namespace {

constexpr Duration kRereadDiscovery{200'000};
constexpr std::int64_t kYearMs = 365LL * 86'400'000;  // what is further ahead is not a generation

}  // namespace

Closure Membership::closure() const {
  return Closure({config_, candidates_.all(), members(), self().generation, joined_, own_name_.has_twin(now()),
                  has_quorum(), discovery_.counts(), discovery_.lists_self(), discovery_.missing(),
                  detector_.declares_dead_after(), now()});
}

// ---- which names there are ------------------------------------------------------------------------------------------

void Membership::discovered(const std::vector<std::string>& addresses, bool complete, const std::string& missing) {
  discovery_.read(addresses, self().host, complete, missing);
  if (complete) candidates_.unlist_all();
  for (const std::string& address : addresses) learn(address, Candidates::Source::kDiscovery);
  tick_candidates();
  check_joined();
}

void Membership::learn(const std::string& name, Candidates::Source source, Candidates::OldFinding old) {
  if (name != self().host && find(name) == nullptr) candidates_.learn(name, source, old, now());
}

void Membership::introduce(const std::string& host) {
  learn(host, Candidates::Source::kHost, Candidates::OldFinding::kIsVoid);
  tick_candidates();
}

// Where one of them has declared it dead the others will soon do so: they are asked one after the other, without a
// pause.
void Membership::held_no_more(const std::string& name, const std::string& by) {
  if (joined_) return;
  const std::optional<std::set<std::string>> holders = candidates_.let_go(name, by);
  if (!holders) return;
  ask_about(name, {holders->begin(), holders->end()}, 1);
  if (holders->empty()) tick_candidates();
  check_joined();
}

// A joiner speaks for itself: what this host has found out under its name may be of an earlier run.
void Membership::heard_from(const std::string& joiner) {
  Candidate* candidate = candidates_.find(joiner);
  if (candidate == nullptr || candidate->held_by.empty()) return;
  std::set<std::string> holders = std::exchange(candidate->held_by, {});
  learn(joiner, Candidates::Source::kHost, Candidates::OldFinding::kIsVoid);
  candidate->held_by = std::move(holders);
}

// A host that ends in order is restarted as a rule: it is looked for at once, and not only when discovery is read next.
void Membership::look_for(const std::string& host, Candidate::State state, Duration how_long, std::string problem) {
  learn(host, Candidates::Source::kHost);
  Candidate* candidate = candidates_.find(host);
  if (candidate == nullptr) return;
  candidate->state = state;
  if (!problem.empty()) candidate->problem = std::move(problem);
  candidate->next_try = now() + config_.ping_interval;
  candidate->keep_until = now() + how_long;
}

// ---- asking them ----------------------------------------------------------------------------------------------------

void Membership::tick_candidates() {
  const Closure closure = this->closure();
  std::vector<std::string> due;
  candidates_.each([&](const std::string& name, Candidate& candidate) {
    if (!joined_ && !candidate.held_by.empty() && candidate.next_probe <= now() && closure.is_out_of_reach(candidate)) {
      candidate.next_probe = now() + config_.dead_after / 4;
      ask_about(name, {candidate.held_by.begin(), candidate.held_by.end()}, kWitnesses);
    }
    if (candidate.open() && !joined_ && closure.is_out_of_patience(candidate)) {
      candidate.fall_silent();
      const std::string why = candidate.problem.empty() ? "it has not answered" : candidate.problem;
      context_.log(Level::kWarn, "host_silent", {{"host", name}, {"why", why + ": this host goes on without it"}});
    }
    if (!joined_ && candidate.state == Candidate::State::kAlias && candidate.problem.empty()) {
      // Before it holds this host up for long it is looked at again.
      candidate.problem = closure.why_unusable(name, candidate);
      if (!candidate.problem.empty()) candidate.next_try = now();
    }
    if (candidate.next_try <= now()) due.push_back(name);
  });
  const Candidates::Circumstances circumstances{now(), joined_, ring()->empty(), closure.held_up(),
                                                hold_up_.asks_nobody()};
  for (const std::string& name : due) ask_candidate(name, candidates_.take_turn(name, circumstances));
  if (joined_) candidates_.forget_unlisted(now());
}

void Membership::ask_candidate(const std::string& name, Candidates::Turn turn) {
  switch (turn) {
    case Candidates::Turn::kAskToJoin:
      return ask(Question::About::kJoin, name, JoinRequest{config_.points, !config_.has_app}, config_.dead_after);
    case Candidates::Turn::kNegotiate:  // a legacy host takes every name for an owner of actors
      return ask(Question::About::kNegotiate, name, negotiation(ring()->hosts()), config_.dead_after);
    case Candidates::Turn::kLookUpAfreshAndPing:
      if (const auto parsed = parse_host_name(name); parsed && !parsed->is_ip) {
        context_.effects.push_back(DropPeerQueue{name});
      }
      break;
    case Candidates::Turn::kPing:
      break;
  }
  // A host that cannot reach its own name waits for nobody.
  const Duration timeout = name == self().host ? config_.ping_interval : config_.dead_after;
  ask(Question::About::kCandidate, name, PingRequest{}, timeout);
}

// ---- what they answer -----------------------------------------------------------------------------------------------

// A generation tells when its run began: one of a time to come would close its name for as long.
bool Membership::is_ahead(const PingAnswer& says) const {
  return clock_.too_far_ahead(says.clock.epoch) || start_ms(says.generation) > clock_.wall_ms() + kYearMs;
}

base::Result<void, std::string> Membership::may_be_member(const PingAnswer& says) const {
  auto ours = is_of_cluster(config_, says);
  if (ours && is_ahead(says)) return base::Error(why_ahead(config_, says));
  return ours;
}

void Membership::set_foreign(const std::string& address, const std::string& why) {
  Candidate& candidate = candidates_.get(address);
  candidate.turn_out_foreign(why, now());
  tell(address, candidate, Level::kError, "host_not_of_this_cluster");
}

// The log hears of a problem when it is new.
void Membership::tell(const std::string& address, Candidate& candidate, Level level, const char* event) {
  if (candidate.told == candidate.problem) return;
  candidate.told = candidate.problem;
  context_.log(level, event, {{"host", address}, {"why", candidate.problem}});
  happened(view_event::Changed{});
}

void Membership::candidate_answered(const Question& asked, const PingAnswer& says) {
  const std::string& address = asked.host;
  Candidate* found = candidates_.find(address);
  if (found == nullptr) return;
  Candidate& candidate = *found;
  candidate.answered(says, now());
  const Answerer who = who_answers(config_, address, says, is_ahead(says));
  switch (who.kind) {
    case Answerer::Kind::kNameless:
      return set_foreign(address, who.why);
    case Answerer::Kind::kStranger:
      candidate.judge(Candidate::Clock::kNear, false);
      return set_foreign(address, who.why);
    case Answerer::Kind::kOwnName:
      return met_own_name(address, says, candidate);
    case Answerer::Kind::kElsewhere:  // the others will say so, who ask it for this host
      candidates_.forget(address);
      return check_joined();
    case Answerer::Kind::kAlias:
      return met_alias(address, who.name, candidate);
    case Answerer::Kind::kAhead:
      candidate.judge(Candidate::Clock::kAhead, false);
      set_foreign(address, who.why);
      if (joined_ && closure().is_behind_most_clocks()) {
        must_rejoin("the clocks of most hosts are more than a minute ahead");
      }
      return;
    case Answerer::Kind::kAsked:
      break;
  }
  if (candidate.state == Candidate::State::kClosed) return;
  clock_.observe(says.clock.epoch);
  candidate.legacy = says.generation == 0;
  if (candidate.legacy || !joined_) {
    candidate.ask_to_join(now());
    return tick_candidates();
  }
  meet(address, says, candidate);
}

// Its name is asked in its turn. Where that has been in vain, the address is looked at again and again: the host may
// have gone meanwhile, or its name have come to be known.
void Membership::met_alias(const std::string& address, const std::string& name, Candidate& candidate) {
  candidate.turn_out_alias(name);
  learn(name, candidate.listed ? Candidates::Source::kDiscovery : Candidates::Source::kHost);
  const std::string before = std::exchange(candidate.problem, closure().why_unusable(address, candidate));
  candidate.next_try = now() + (candidate.problem.empty() ? Candidate::kElsewhereRepeat : Candidate::kQuietRepeat);
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
  if (own_name_.is_this_process(says.generation)) {
    candidate.turn_out_alias("");
    candidate.problem.clear();
    if (address != self().host) return;
    candidates_.forget(self().host);
    return check_joined();
  }
  candidate.name.clear();
  candidate.clock = Candidate::Clock::kNear;
  candidate.own_name = candidate.blocks = true;
  set_foreign(address, "it answers with this host's own name, " + self().host + ": set another --host on one of them");
  if (joined_ && members().empty()) must_rejoin(address + " has this host's own name");
}

// Found by a host that has joined already: either a joiner, which needs to know that we exist, or a member of a cluster
// that was bootstrapped beside ours. Of two clusters the smaller one joins anew; of two equal ones that of the greater
// name.
void Membership::meet(const std::string& name, const PingAnswer& says, Candidate& candidate) {
  candidate.meet(now());
  const auto mine = static_cast<std::uint32_t>(ring()->hosts().size());
  const bool rejoin = mine != says.ring_hosts ? mine < says.ring_hosts : self().host > name;
  // Where it still has us in its view, only we have taken it for dead: it will hear that, and joins anew by itself.
  if (says.phase == Phase::kReady && says.standing != Standing::kInView && rejoin) {
    return must_rejoin("met another part of the cluster at " + name);
  }
  ask(Question::About::kNegotiate, name, negotiation(names()), config_.dead_after);
}

void Membership::candidate_failed(const std::string& address, const PeerFailure& failure) {
  Candidate* found = candidates_.find(address);
  if (found == nullptr) return;
  if (address == self().host) {
    candidates_.forget(self().host);
    return check_joined();
  }
  Candidate& candidate = *found;
  const bool refused = failure.kind == PeerFailure::Kind::kReset;
  candidate.unresolved = failure.kind == PeerFailure::Kind::kUnresolved;
  const bool has_been_judged =
      candidate.state == Candidate::State::kForeign || candidate.state == Candidate::State::kAlias;
  if (!has_been_judged || refused) candidate.problem = failure.detail;
  // Whoever answers with this name elsewhere is looked at once more: it may be gone as well.
  candidates_.each([&](const std::string&, Candidate& alias) {
    const bool answers_so = alias.state == Candidate::State::kAlias && alias.name == address;
    if (answers_so && alias.problem.empty()) alias.next_try = now();
  });
  const bool by_itself = failure.kind == PeerFailure::Kind::kRejected || failure.kind == PeerFailure::Kind::kUnserved;
  if (by_itself && candidate.state == Candidate::State::kJoining) candidate.last_answer = now();
  if (!refused) return;  // silence is not an answer: the question stays open
  if (candidate.state == Candidate::State::kClosed) return;
  if (candidate.state != Candidate::State::kNobodyListens) {
    candidate.refused();
    discovery_.doubt(now());  // read again before anybody concludes to be alone
  }
  candidate.next_try = now() + (joined_ ? Candidate::kQuietRepeat : config_.ping_interval);
  if (!candidate.held_by.empty()) {  // whether those who have it in their view still do is asked at once
    candidate.next_probe = now();
    tick_candidates();
  }
  check_joined();
}

// ---- being taken in -------------------------------------------------------------------------------------------------

void Membership::join_answered(const Question& asked, const JoinAnswer& answer) {
  switch (answer.status) {
    case ReplyStatus::kOk:
      return accepted(asked, answer);
    case ReplyStatus::kDeclaredDead:
      // Its own clock may have been set back since the run that they declared dead.
      if (start_ms(answer.declared_dead) < clock_.wall_ms() + kYearMs) {
        own_name_.must_exceed(answer.declared_dead);
      }
      return buried_by(asked.host);
    case ReplyStatus::kMismatch:
      mismatched(asked.host, answer);
      return check_joined();
    default:
      not_accepted(asked, answer);
      return check_joined();
  }
}

void Membership::accepted(const Question& asked, const JoinAnswer& answer) {
  const std::string& host = asked.host;
  // An answer that was overtaken by the end of the run that gave it.
  if (standing_of({host, answer.generation, config_.cluster, 0}) == Standing::kDeclaredDead) return;
  // Or by one that has taken this host for dead since, and has told it so: the names in it may lack one that joined
  // then.
  if (const Member* known = find(host); known != nullptr && asked.sent < known->joins_count_from) return;
  PingAnswer says;
  says.host = host;
  says.generation = answer.generation;
  says.phase = answer.phase;
  says.routes_only = answer.routes_only;
  says.clock = answer.clock;
  admit(host, says);
  clocks_.hear_furthest(answer.furthest, now() - asked.sent);
  Member& member = view_.at(host);
  member.joined_as = self().generation;
  member.joins_unanswered = 0;
  member.last_answer = now();
  for (const std::string& name : answer.names) {
    const auto canonical = canonical_host(name);
    if (!canonical || joined_) continue;
    // It is a member there: a refusal from before it started says nothing any more.
    learn(*canonical, Candidates::Source::kHost, Candidates::OldFinding::kIsVoid);
    // One that is joining itself names whom it has yet to meet.
    if (answer.phase != Phase::kJoining) candidates_.hold(*canonical, host, now());
  }
  tick_candidates();  // those are asked now, not at the next tick: calls for this host's range wait for its joining
  check_joined();
}

// Its ping named this very cluster: nobody joins beside it.
void Membership::mismatched(const std::string& host, const JoinAnswer& answer) {
  if (find(host) != nullptr) return;
  Candidate& candidate = candidates_.get(host);
  candidate.serves = answer.phase == Phase::kReady;
  const bool behind = clock_.too_far_behind(answer.clock);
  if (behind && candidate.clock != Candidate::Clock::kBehind) candidate.behind_since = now();
  candidate.judge(behind ? Candidate::Clock::kBehind : Candidate::Clock::kNear, true);
  set_foreign(host, answer.detail);
}

void Membership::not_accepted(const Question& asked, const JoinAnswer& answer) {
  Candidate* candidate = candidates_.find(asked.host);
  if (candidate == nullptr) return;
  candidate->last_answer = now();
  candidate->serves = answer.phase != Phase::kJoining;
  candidate->held_up = false;
  if (answer.status == ReplyStatus::kHeldUp) candidate->cannot_join(asked.sent);
  candidate->unverified = answer.status == ReplyStatus::kUnverified;
  candidate->problem = answer.detail;
  tell(asked.host, *candidate, Level::kWarn, "join_not_accepted");
}

void Membership::negotiated(const std::string& host, const NegotiateAnswer& answer) {
  const Candidate* candidate = candidates_.find(host);
  for (const std::string& name : answer.hosts) {
    if (const auto canonical = canonical_host(name)) learn(*canonical, Candidates::Source::kHost);
  }
  if (candidate == nullptr || !candidate->legacy) return;
  PingAnswer says;
  says.host = host;
  admit(host, says);
  check_joined();
}

// Those who joined while this host was held up did not wait for it: whoever has taken it in names its members anew, and
// those that were held up as well are asked whether they still are.
void Membership::check_released() {
  if (!hold_up_.lasts() || closure().held_up()) return;
  hold_up_.end();
  ask_for_names_anew();
  candidates_.release(now());
}

// Each member answers another Join with its members.
void Membership::ask_for_names_anew() {
  view_.each([this](Member& member) {
    member.joined_as = 0;
    member.joins_unanswered = 0;
    member.next_ask = now();
  });
}

// Whoever has taken this host in before it was held up keeps a share for it on the ring: it takes that back.
void Membership::check_held_up() {
  check_released();
  if (!closure().held_up()) return;
  hold_up_.begin(now());
  const bool taken = std::any_of(members().begin(), members().end(),
                                 [this](const auto& entry) { return entry.second.joined_as == self().generation; });
  if (taken && hold_up_.gives_up(now(), config_.join_timeout)) must_rejoin("held up: " + waiting_for());
}

void Membership::check_joined() {
  if (joined_) return;
  check_released();
  const Closure closure = this->closure();
  if (!closure.complete()) return;
  if (!closure.taken_in() && (!discovery_.counts() || !closure.names_nobody().empty())) {
    if (discovery_.take_turn(now(), kRereadDiscovery)) context_.effects.push_back(ReadDiscovery{});
    return;
  }
  if (members().size() + 1 < config_.min_members || !has_quorum()) return;
  if (closure.own_name_is_open()) return;  // asked beside all others, discovery included: it costs no time
  // Of members that were gone before this host could ask them it knows only by those who named them how far their
  // epochs may have come.
  if (const auto since = closure.unmet_since()) clocks_.pass_unmet(now() - *since);
  if (closure.bootstraps_unlisted()) {
    context_.log(
        Level::kWarn, "founded_unlisted",
        {{"why", "no --join source lists this host, and nobody answers where they lead: others may found too"}});
  }
  candidates_.release_all();
  departed_.joined();
  joined_ = true;
  context_.log(Level::kInfo, "joined", {{"members", std::to_string(members().size() + 1)}});
  happened(view_event::Joined{});
  happened(view_event::Changed{});
}

}  // namespace ringside::core
