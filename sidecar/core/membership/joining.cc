#include "sidecar/core/membership/joining.h"

#include <algorithm>
#include <utility>

#include "sidecar/core/host_name.h"
#include "sidecar/core/membership/same_cluster.h"
#include "sidecar/core/spacing.h"

namespace ringside::core {
namespace {

// Of a Join that has not been answered: who takes in many is not to be asked again and again.
constexpr Duration kJoinRepeat{400'000};
constexpr Duration kEmptyReread{1'000'000};  // of discovery, while nobody owns anything
constexpr Duration kRereadDiscovery{200'000};

}  // namespace

Joining::Joining(Roster& roster, Context& context, EpochClock& clock)
    : roster_(roster), context_(context), clock_(clock), config_(roster.config()) {}

void Joining::begin_run(Generation generation) {
  own_name_.begin_run(generation);
  discovery_.doubt(now());
}

void Joining::check() const {
  own_name_.check(roster_.self().generation);
  hold_up_.check();
}

Closure Joining::closure() const {
  return Closure({config_, roster_.candidates().all(), roster_.members(), roster_.self().generation, roster_.joined(),
                  own_name_.has_twin(now()), roster_.has_quorum(), discovery_.counts(), discovery_.lists_self(),
                  discovery_.missing(), roster_.detector().declares_dead_after(), now()});
}

// ---- which names there are ------------------------------------------------------------------------------------------

void Joining::discovered(const std::vector<std::string>& addresses, bool complete, const std::string& missing) {
  discovery_.read(addresses, roster_.self().host, complete, missing);
  if (complete) roster_.candidates().unlist_all();
  for (const std::string& address : addresses) roster_.learn(address, Candidates::Source::kDiscovery);
  tick_candidates();
  check_joined();
}

void Joining::introduce(const std::string& host) {
  roster_.learn(host, Candidates::Source::kHost, Candidates::OldFinding::kIsVoid);
  tick_candidates();
}

// Where one of them has declared it dead the others will soon do so: they are asked one after the other, without a
// pause.
void Joining::held_no_more(const std::string& name, const std::string& by) {
  if (roster_.joined()) return;
  const std::optional<std::set<std::string>> holders = roster_.candidates().let_go(name, by);
  if (!holders) return;
  roster_.ask_about(name, {holders->begin(), holders->end()}, 1);
  if (holders->empty()) tick_candidates();
  check_joined();
}

void Joining::heard_from(const std::string& joiner) {
  Candidate* candidate = roster_.candidates().find(joiner);
  if (candidate == nullptr || candidate->held_by.empty()) return;
  std::set<std::string> holders = std::exchange(candidate->held_by, {});
  roster_.learn(joiner, Candidates::Source::kHost, Candidates::OldFinding::kIsVoid);
  candidate->held_by = std::move(holders);
}

// One of two that call themselves so has to go: a host that serves stays.
void Joining::hear_twin(const Sender& sender) {
  const bool is_twin = sender.host == roster_.self().host && sender.cluster == config_.cluster &&
                       sender.generation != 0 && !own_name_.is_this_process(sender.generation);
  if (!is_twin) return;
  if (own_name_.hear_twin(now())) {
    const std::string why = "another host calls itself so too: set another --host on one of them";
    context_.happened({.kind = EventKind::kTwin, .why = why}, Level::kError, "host_has_twin",
                      {{"host", roster_.self().host}, {"why", why}});
  }
  if (roster_.joined() && roster_.members().empty()) {
    roster_.must_rejoin("another host has this host's own name");
  }
}

// ---- asking them ----------------------------------------------------------------------------------------------------

void Joining::tick_candidates() {
  const Closure closure = this->closure();
  std::vector<std::string> due;
  roster_.candidates().each([&](const std::string& name, Candidate& candidate) {
    if (!roster_.joined() && !candidate.held_by.empty() && candidate.next_probe <= now() &&
        closure.is_out_of_reach(candidate)) {
      candidate.next_probe = now() + config_.dead_after / 4;
      roster_.ask_about(name, {candidate.held_by.begin(), candidate.held_by.end()}, Roster::kWitnesses);
    }
    if (candidate.open() && !roster_.joined() && closure.is_out_of_patience(candidate)) {
      candidate.fall_silent();
      const std::string why =
          (candidate.problem.empty() ? "it has not answered" : candidate.problem) + ": this host goes on without it";
      context_.log(Level::kWarn, "host_silent", {{"host", name}, {"why", why}});
      keep_for_later(name, candidate, why);
    }
    if (!roster_.joined() && candidate.state == Candidate::State::kAlias && candidate.problem.empty()) {
      // Before it holds this host up for long it is looked at again.
      candidate.problem = closure.why_unusable(name, candidate);
      if (!candidate.problem.empty()) candidate.next_try = now();
    }
    if (candidate.next_try <= now()) due.push_back(name);
  });
  const Candidates::Circumstances circumstances{now(), roster_.joined(), roster_.ring()->empty(), closure.held_up(),
                                                hold_up_.asks_nobody()};
  for (const std::string& name : due) ask_candidate(name, roster_.candidates().next_inquiry(name, circumstances));
  if (roster_.joined()) roster_.candidates().forget_unlisted(now());
}

void Joining::ask_candidate(const std::string& name, Candidates::Inquiry inquiry) {
  switch (inquiry) {
    case Candidates::Inquiry::kAskToJoin:
      return ask_to_join(name);
    case Candidates::Inquiry::kNegotiate:  // a legacy host takes every name for an owner of actors
      return roster_.ask(Question::About::kNegotiate, name, negotiation(roster_.ring()->hosts()), config_.dead_after);
    case Candidates::Inquiry::kLookUpAfreshAndPing:
      if (const auto parsed = parse_host_name(name); parsed && !parsed->is_ip) {
        context_.effects.push_back(DropPeerQueue{name});
      }
      break;
    case Candidates::Inquiry::kPing:
      break;
  }
  // A host that cannot reach its own name waits for nobody.
  const Duration timeout = name == roster_.self().host ? config_.ping_interval : config_.dead_after;
  roster_.ask(Question::About::kCandidate, name, PingRequest{}, timeout);
}

void Joining::ask_to_join(const std::string& host) { ask_to_join(host, roster_.names_digest()); }

void Joining::ask_to_join(const std::string& host, Fingerprint names) {
  // However late the answer is, it counts: where many join, all of them are busy.
  const Duration patience = std::max(config_.dead_after, config_.join_timeout);
  roster_.ask(Question::About::kJoin, host, JoinRequest{config_.points, !config_.has_app, names}, patience);
}

bool Joining::is_due(const Member& member) const {
  const bool asks = member.next_ask <= now() && (is_to_take_in(member) || is_to_see_leave(member));
  return asks || (roster_.joined() && member.next_compare <= now());
}

bool Joining::is_to_take_in(const Member& member) const {
  return !roster_.joined() && !member.legacy() && member.joined_as != roster_.self().generation &&
         !hold_up_.asks_nobody();
}

bool Joining::is_to_see_leave(const Member& member) const {
  return !on_ring(roster_.phase()) && !member.legacy() && !member.saw_leave;
}

void Joining::tick_member(Member& member) {
  const std::string& host = member.run.host;
  if (member.next_ask <= now()) {
    if (is_to_take_in(member)) {
      member.next_ask = now() + backoff(kJoinRepeat, member.joins_unanswered++, kLastRepeat);
      ask_to_join(host);
    } else if (is_to_see_leave(member)) {
      member.next_ask = now() + kRepeat;
      roster_.ask(Question::About::kLeave, host, LeaveRequest{}, config_.dead_after);
    }
  }
  if (roster_.joined() && member.next_compare <= now()) {
    member.next_compare = now() + (member.watched ? Roster::kCompare : roster_.spaced_out(Roster::kCompare));
    if (member.names != 0 && member.names == roster_.names_digest()) return;  // as it said with its last ping
    // A legacy host takes every name for an owner of actors.
    const std::vector<std::string> known = member.legacy() ? roster_.ring()->hosts() : roster_.names();
    roster_.ask(Question::About::kNegotiate, host, negotiation(known), config_.dead_after);
  }
}

void Joining::end_tick() {
  tick_candidates();
  check_held_up();
  check_joined();
  if (roster_.joined() && roster_.ring()->empty() && discovery_.begin_reading(now(), kEmptyReread)) {
    context_.effects.push_back(ReadDiscovery{});
  }
}

NegotiateRequest Joining::negotiation(std::vector<std::string> names) const {
  return {std::move(names), config_.cluster, config_.points};
}

// ---- what they answer -----------------------------------------------------------------------------------------------

// A generation tells when its run began: one of a time to come would close its name for as long.
bool Joining::is_ahead(const PingAnswer& says) const {
  return clock_.too_far_ahead(says.clock.epoch) || start_ms(says.generation) > clock_.wall_ms() + kYearMs;
}

base::Result<void, std::string> Joining::may_be_member(const PingAnswer& says) const {
  auto ours = is_of_cluster(config_, says);
  if (ours && is_ahead(says)) return base::Error(why_ahead(config_, says));
  if (std::string why = roster_.why_another_ring(says); ours && !why.empty()) return base::Error(std::move(why));
  return ours;
}

void Joining::set_foreign(const std::string& address, const std::string& why) {
  Candidate& candidate = roster_.candidates().get(address);
  candidate.turn_out_foreign(why, now());
  tell(address, candidate, Level::kError, "host_not_of_this_cluster");
}

// What comes of looking at a name that somebody has merely said is told on this machine alone (MemberStatus), and
// events are told to everybody.
void Joining::keep_for_later(const std::string& address, const Candidate& candidate, const std::string& why) {
  if (!candidate.listed && candidate.last_answer == Instant()) return;
  const EventKind kind = candidate.own_name ? EventKind::kTwin : EventKind::kHostUnusable;
  context_.happened({.kind = kind, .host = address, .why = why});
}

// A problem is told when it is new.
void Joining::tell(const std::string& address, Candidate& candidate, Level level, const char* event) {
  if (candidate.told == candidate.problem) return;
  candidate.told = candidate.problem;
  context_.log(level, event, {{"host", address}, {"why", candidate.problem}});
  keep_for_later(address, candidate, candidate.problem);
  roster_.happened(view_event::Changed{});
}

void Joining::candidate_answered(const Question& asked, const PingAnswer& says) {
  const std::string& address = asked.host;
  Candidate* found = roster_.candidates().find(address);
  if (found == nullptr) return;
  Candidate& candidate = *found;
  candidate.answered(says, now());
  candidate.said.reset();
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
      roster_.candidates().forget(address);
      return check_joined();
    case Answerer::Kind::kAlias:
      return met_alias(address, who.name, candidate);
    case Answerer::Kind::kAhead:
      candidate.judge(Candidate::Clock::kAhead, false);
      set_foreign(address, who.why);
      if (roster_.joined() && closure().is_behind_most_clocks()) {
        roster_.must_rejoin("the clocks of most hosts are more than a minute ahead");
      }
      return;
    case Answerer::Kind::kAsked:
      break;
  }
  if (candidate.state == Candidate::State::kClosed) return;
  if (const std::string why = roster_.why_another_ring(says); !why.empty()) {
    candidate.judge(Candidate::Clock::kNear, true);
    return set_foreign(address, why);
  }
  clock_.observe(says.clock.epoch);
  candidate.legacy = says.generation == 0;
  candidate.said = says;
  candidate.said_to = asked.sent;
  if (candidate.legacy || !roster_.joined()) {
    candidate.ask_to_join(now());
    return tick_candidates();
  }
  meet(address, says, candidate);
}

// Its name is asked in its turn. Where that has been in vain, the address is looked at again and again: the host may
// have gone meanwhile, or its name have come to be known.
void Joining::met_alias(const std::string& address, const std::string& name, Candidate& candidate) {
  candidate.turn_out_alias(name);
  roster_.learn(name, candidate.listed ? Candidates::Source::kDiscovery : Candidates::Source::kHost);
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
void Joining::met_own_name(const std::string& address, const PingAnswer& says, Candidate& candidate) {
  if (own_name_.is_this_process(says.generation)) {
    candidate.turn_out_alias("");
    candidate.problem.clear();
    if (address != roster_.self().host) return;
    roster_.candidates().forget(roster_.self().host);
    return check_joined();
  }
  candidate.name.clear();
  candidate.clock = Candidate::Clock::kNear;
  candidate.own_name = candidate.blocks = true;
  set_foreign(address,
              "it answers with this host's own name, " + roster_.self().host + ": set another --host on one of them");
  if (roster_.joined() && roster_.members().empty()) roster_.must_rejoin(address + " has this host's own name");
}

// Found by a host that has joined already: either a joiner, which needs to know that we exist, or a member of a cluster
// that was bootstrapped beside ours. Of two clusters the smaller one joins anew; of two equal ones that of the greater
// name.
void Joining::meet(const std::string& name, const PingAnswer& says, Candidate& candidate) {
  candidate.meet(now());
  const auto mine = static_cast<std::uint32_t>(roster_.ring()->hosts().size());
  const bool rejoin = mine != says.ring_hosts ? mine < says.ring_hosts : roster_.self().host > name;
  // Where it still has us in its view, only we have taken it for dead: it will hear that, and joins anew by itself.
  const bool is_other_part = says.phase == Phase::kReady && says.standing != Standing::kInView;
  if (is_other_part) roster_.met_split(name, rejoin ? "this host joins anew" : "that part joins anew");
  if (is_other_part && rejoin) {
    return roster_.must_rejoin("met another part of the cluster at " + name);
  }
  roster_.ask(Question::About::kNegotiate, name, negotiation(roster_.names()), config_.dead_after);
}

void Joining::candidate_failed(const std::string& address, const PeerFailure& failure) {
  Candidate* found = roster_.candidates().find(address);
  if (found == nullptr) return;
  if (address == roster_.self().host) {
    roster_.candidates().forget(roster_.self().host);
    return check_joined();
  }
  Candidate& candidate = *found;
  const bool refused = failure.kind == PeerFailure::Kind::kReset;
  candidate.unresolved = failure.kind == PeerFailure::Kind::kUnresolved;
  candidate.not_spoken = failure.kind == PeerFailure::Kind::kNotSpoken;
  const bool has_been_judged =
      candidate.state == Candidate::State::kForeign || candidate.state == Candidate::State::kAlias;
  if (!has_been_judged || refused) candidate.problem = failure.detail;
  if (candidate.not_spoken && candidate.listed && candidate.open()) {
    tell(address, candidate, Level::kWarn, "host_not_understood");
  }
  // Whoever answers with this name elsewhere is looked at once more: it may be gone as well.
  roster_.candidates().each([&](const std::string&, Candidate& alias) {
    const bool answers_so = alias.state == Candidate::State::kAlias && alias.name == address;
    if (answers_so && alias.problem.empty()) alias.next_try = now();
  });
  const bool by_itself = failure.kind == PeerFailure::Kind::kRejected || failure.kind == PeerFailure::Kind::kUnserved;
  if (by_itself && candidate.state == Candidate::State::kJoining) candidate.last_answer = now();
  if (!refused) {  // silence is not an answer: the question stays open
    if (candidate.open()) candidate.ask_again_soon(now());
    return;
  }
  if (candidate.state == Candidate::State::kClosed) return;
  if (candidate.state != Candidate::State::kNobodyListens) {
    candidate.has_no_listener();
    discovery_.doubt(now());  // read again before anybody concludes to be alone
  }
  candidate.next_try = now() + (roster_.joined() ? Candidate::kQuietRepeat : config_.ping_interval);
  if (!candidate.held_by.empty()) {  // whether those who have it in their view still do is asked at once
    candidate.next_probe = now();
    tick_candidates();
  }
  check_joined();
}

// ---- held up, or joined ---------------------------------------------------------------------------------------------

// Those who joined while this host was held up did not wait for it: whoever has taken it in names its members anew, and
// those that were held up as well are asked whether they still are.
void Joining::check_released() {
  if (!hold_up_.lasts() || closure().held_up()) return;
  hold_up_.end();
  roster_.ask_for_names_anew();
  roster_.candidates().release(now());
}

// Whoever has taken this host in before it was held up keeps a share for it on the ring: it takes that back.
void Joining::check_held_up() {
  check_released();
  if (!closure().held_up()) return;
  hold_up_.begin(now());
  const bool taken = std::any_of(roster_.members().begin(), roster_.members().end(), [this](const auto& entry) {
    return entry.second.joined_as == roster_.self().generation;
  });
  if (taken && hold_up_.gives_up(now(), config_.join_timeout)) roster_.must_rejoin("held up: " + waiting_for());
}

void Joining::check_joined() {
  if (roster_.joined()) return;
  check_released();
  const Closure closure = this->closure();
  if (!closure.complete()) return;
  if (!closure.taken_in() && (!discovery_.counts() || !closure.names_nobody().empty())) {
    if (discovery_.begin_reading(now(), kRereadDiscovery)) context_.effects.push_back(ReadDiscovery{});
    return;
  }
  if (roster_.members().size() + 1 < config_.min_members || !roster_.has_quorum()) return;
  if (closure.own_name_is_open()) return;  // asked beside all others, discovery included: it costs no time
  // Of members that were gone before this host could ask them it knows only by those who named them how far their
  // epochs may have come.
  if (const auto since = closure.unmet_since()) roster_.clocks().pass_unmet(now() - *since);
  if (closure.bootstraps_unlisted()) {
    const std::string why =
        "no --join source lists this host, and nobody answers where they lead: others may do the same, and form "
        "clusters of their own";
    context_.happened({.kind = EventKind::kFoundedUnlisted, .why = why}, Level::kWarn, "founded_unlisted",
                      {{"why", why}});
  }
  const std::size_t members = roster_.members().size() + 1;
  context_.happened(
      {.kind = EventKind::kJoined,
       .why = "every host that is known has answered, or is known to be gone; members: " + std::to_string(members),
       .lasted = roster_.age_of_run(),
       .facts = {{"members", std::uint64_t{members}}}},
      Level::kInfo, "joined", {{"members", std::to_string(members)}});
  roster_.set_joined();
  roster_.happened(view_event::Joined{});
  roster_.happened(view_event::Changed{});
}

}  // namespace ringside::core
