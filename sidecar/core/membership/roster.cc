#include "sidecar/core/membership/roster.h"

#include <algorithm>
#include <utility>

#include "sidecar/base/check.h"
#include "sidecar/core/membership/member_events.h"
#include "sidecar/core/membership/ring_event.h"

namespace ringside::core {

namespace {

constexpr int kRarely = 4;  // times the time between two pings

}  // namespace

Roster::Roster(MembershipConfig config, Context& context, EpochClock& clock)
    : config_(std::move(config)),
      context_(context),
      view_(config_.host, config_.has_app, config_.points, config_.own_points()),
      clocks_(clock),
      detector_(config_.dead_after, config_.quorum),
      circle_(config_.host, config_.zone),
      candidates_(config_),
      agreement_(config_.dead_after) {
  known_.add(config_.host);
}

// ---- this host ------------------------------------------------------------------------------------------------------

void Roster::begin_run(Generation generation) {
  view_.begin_run(generation);
  run_began_ = now();
  joined_ = false;
  confirmation_.cancel();
  clocks_.begin_run();
  departed_.begin_run();
  candidates_.begin_run(now());
  view_.each([this](Member& member) {
    member.joined_as = 0;
    member.saw_leave = false;
    member.next_ask = member.next_compare = now();
    end_suspicion(member, "a new run of this host begins", "");
    detector_.excuse(member, now());  // what an earlier run did not hear says nothing about this one
  });
}

void Roster::set_phase(Phase phase) {
  const bool left_before = !on_ring(view_.phase());
  ring_changed(view_.set_phase(phase));
  view_.each([&](Member& member) {
    // Who saw this host leave needs not see it again: what arrives after the drain goes on to the successors at once.
    member.saw_leave = member.saw_leave && left_before && !on_ring(phase);
    if (!on_ring(phase)) member.next_ask = now();
    if (phase == Phase::kReady) member.next_ping = now();  // whoever is asked by a host that was joining looks at it
  });
  happened(view_event::Changed{});
}

void Roster::set_joined() {
  candidates_.release_all();
  departed_.joined();
  joined_ = true;
  tell_ring();
}

bool Roster::asks_to_join(const std::string& host) const {
  const Member* member = find(host);
  return !joined_ && phase() == Phase::kJoining && (member == nullptr || member->joined_as != self().generation);
}

bool Roster::leave_seen_by_all() const {
  return std::all_of(members().begin(), members().end(),
                     [](const auto& entry) { return entry.second.legacy() || entry.second.saw_leave; });
}

bool Roster::leave_seen_by(const std::string& host) const {
  const Member* member = find(host);
  return member != nullptr && (member->legacy() || member->saw_leave);
}

// ---- the others -----------------------------------------------------------------------------------------------------

const HostRun* Roster::run_of(const std::string& host) const {
  const Member* member = find(host);
  return member == nullptr ? nullptr : &member->run;
}

std::vector<HostRun> Roster::runs() const {
  std::vector<HostRun> runs;
  runs.reserve(members().size());
  for (const auto& [host, member] : members()) runs.push_back(member.run);
  return runs;
}

bool Roster::is_suspected(const std::string& host) const {
  const Member* member = find(host);
  return member != nullptr && member->suspected;
}

std::uint64_t Roster::actors_of(const std::string& host) const {
  const Member* member = find(host);
  RINGSIDE_CHECK(member != nullptr);
  return member->actors;
}

std::string Roster::why_another_ring(const PingAnswer& says) const {
  const auto counts = [this](std::uint32_t points, bool routes_only) {
    return !routes_only && points != 0 && points != config_.points;
  };
  // A member of which that holds; empty: of nobody. An earlier run of the same host is on its way out.
  const auto find_member = [&](const auto& holds) -> std::string {
    for (const auto& [host, member] : members()) {
      if (host != says.host && holds(member)) return host;
    }
    return "";
  };
  std::string why;
  if (says.points == 0) {
    const std::string other = find_member([&](const Member& one) { return counts(one.points, one.routes_only); });
    if (!other.empty()) why = "it knows of no weights, and " + other + " has one";
    if (counts(config_.own_points(), !config_.has_app)) why = "it knows of no weights, and this host has one";
  } else if (counts(says.points, says.routes_only)) {
    const std::string other = find_member([](const Member& one) { return !one.tells_points; });
    if (!other.empty()) why = "it has a weight, and " + other + " knows of none";
  }
  return why.empty() ? why : why + ": weights count only where every host knows of them";
}

Standing Roster::standing_of(const Sender& sender) const {
  const Member* member = find(sender.host);
  if (member != nullptr && member->run.generation == sender.generation) return Standing::kInView;
  if (member != nullptr && member->run.generation > sender.generation) return Standing::kDeclaredDead;
  const Generation dead = departed_.declared_dead(sender.host);
  if (dead != 0 && sender.generation <= dead) return Standing::kDeclaredDead;
  return Standing::kUnknown;
}

Generation Roster::newest_known(const std::string& host) const {
  const Member* member = find(host);
  return std::max(member == nullptr ? 0 : member->run.generation, departed_.declared_dead(host));
}

std::vector<std::string> Roster::names() const {
  std::vector<std::string> out{self().host};
  for (const auto& [host, member] : members()) out.push_back(host);
  // Who asks a host that has joined will be named by it to everybody who asks later: only among those that are still
  // joining must each name the ones that have not answered yet.
  const bool joining = !joined_ && phase() == Phase::kJoining;
  for (std::string& name : candidates_.to_be_met(joining)) out.push_back(std::move(name));
  return out;
}

Fingerprint Roster::names_digest() const {
  NamesDigest digest = known_;
  candidates_.add_to(digest, !joined_ && phase() == Phase::kJoining);
  return digest.value();
}

std::string Roster::fate_of(const std::string& host) const {
  const Member* member = find(host);
  if (member == nullptr) return departed_.fate_of(host, now());
  return member->suspected ? host + " has been silent for " + seconds_since(member->last_answer, now()) : "";
}

bool Roster::settled() const {
  return joined_ && std::all_of(members().begin(), members().end(), [this](const auto& entry) {
           const Member& member = entry.second;
           return member.legacy() || member.ring == ring()->fingerprint();
         });
}

// ---- what has followed ----------------------------------------------------------------------------------------------

std::vector<ViewEvent> Roster::take_events() {
  if (!events_.empty()) view_.check();
  std::stable_partition(events_.begin(), events_.end(),
                        [](const ViewEvent& event) { return std::holds_alternative<view_event::RingChanged>(event); });
  return std::exchange(events_, {});
}

void Roster::must_rejoin(const std::string& why) { happened(view_event::MustRejoin{why, ""}); }

void Roster::buried_by(const std::string& host) { happened(view_event::MustRejoin{"buried by " + host, host}); }

void Roster::confirmed() {
  context_.log(Level::kInfo, "confirmed");
  happened(view_event::Confirmed{});
}

void Roster::ring_changed(const Ring::Ptr& before) {
  if (before == nullptr) return;
  ++context_.counters.ring_changes;
  // Whether they have all come to this ring is found out no later than it was before they agreed.
  view_.each([this](Member& member) {
    if (!member.watched) member.next_ping = std::min(member.next_ping, now() + spaced_out(config_.ping_interval));
  });
  happened(view_event::RingChanged{before, ring()});
  tell_ring();
}

// ---- steps ----------------------------------------------------------------------------------------------------------

void Roster::admit(const std::string& host, const PingAnswer& says, Instant asked) {
  const Member* known = find(host);
  if (known != nullptr && known->run.generation != says.generation) remove(host, "restarted", Gone::kReplaced);
  const bool is_new = find(host) == nullptr;
  if (is_new) {
    const Ring::Ptr before = view_.admit({host, says.generation}, says.phase, says.routes_only, says.points);
    Member& member = view_.at(host);
    member.since = member.last_answer = member.next_ask = now();
    member.lease = asked;
    member.rtt = now() - asked;
    known_.add(host);
    member.next_ping = now() + context_.random.between(Duration(0), config_.ping_interval);
    member.zone = says.zone;
    if (!member.legacy()) circle_.add(host, member.zone);
    choose_whom_to_watch();
    if (!member.watched) {
      // What it says of itself is known already. Where many join together, their first questions are spread.
      member.next_ping = now() + spaced_out(config_.ping_interval);
      member.next_compare = now() + spaced_out(kCompare);
    }
    candidates_.forget(host);
    departed_.take_back(host);
    context_.happened(member_event::joined(member), Level::kInfo, "member_joined",
                      {{"host", host}, {"generation", to_string(says.generation)}, {"phase", to_string(says.phase)}});
    ring_changed(before);
  }
  observe(view_.at(host), says);
  if (!is_new) return;
  if (joined_) happened(view_event::Admitted{{host, says.generation}});
  happened(view_event::Changed{});
}

void Roster::remove(const std::string& host, const std::string& why, Gone how) {
  if (find(host) == nullptr) return;
  const View::Removed removed = view_.remove(host);
  const HostRun& run = removed.member.run;
  known_.remove(host);
  circle_.remove(host);
  choose_whom_to_watch();
  clocks_.pass(removed.member, members(), now());
  const Instant since = how == Gone::kSilent ? removed.member.last_answer : now();
  // Of what it has not heard a joiner concludes nothing before it has joined.
  departed_.add(run, how, since,
                how == Gone::kSilent && !joined_ ? Departed::Word::kMayBeTakenBack : Departed::Word::kStands);
  for (const std::string& name : candidates_.lose_holder(host)) {
    // What was found out about a name for which it vouched is looked at afresh.
    const bool listed = candidates_.get(name).listed;
    learn(name, listed ? Candidates::Source::kDiscovery : Candidates::Source::kHost, Candidates::OldFinding::kIsVoid);
  }
  context_.happened(member_event::gone(removed.member, how, why, why == kClosed, now(), context_.lateness.worst(now())),
                    how == Gone::kRefusing || how == Gone::kSilent ? Level::kWarn : Level::kInfo, "member_gone",
                    {{"host", host}, {"why", why}});
  ring_changed(removed.ring_before);
  if (confirmation_.gone(host)) confirmed();
  // The others may still hear it, or a later run of it: serving beside that would be a second cluster. Whatever else
  // ends a member is certain.
  if (!joined_ && how == Gone::kSilent) ask_for_names_anew();
  happened(view_event::RunEnded{run, how});
  happened(view_event::Changed{});
}

// With --quorum everybody counts whom it hears, and so everybody is watched. So is a legacy host, which watches nobody.
void Roster::choose_whom_to_watch() {
  view_.each([this](Member& member) {
    const bool watched =
        config_.quorum != 0 || member.legacy() || circle_.everybody_is_watched() || circle_.watches(member.run.host);
    detector_.watch(member, watched, now());
  });
}

void Roster::observe(Member& member, const PingAnswer& says) {
  member.ring = says.ring;
  member.names = says.names;
  member.actors = says.actors;
  member.load = says.load;
  member.version = says.version;
  if (member.legacy()) return;
  if (std::exchange(member.zone, says.zone) != says.zone) {
    circle_.add(member.run.host, member.zone);
    choose_whom_to_watch();
  }
  if (!clocks_.read(member, says, now())) {
    context_.happened(
        {.kind = EventKind::kClockAhead,
         .host = member.run.host,
         .why = "its clock is more than a minute ahead of this host's: what it says of the time is not believed",
         .by = member.run.host},
        Level::kWarn, "clock_ahead", {{"host", member.run.host}});
  }
  enters(member, says.phase);
}

void Roster::enters(Member& member, Phase phase) {
  const View::Advance advance = view_.advance(member, phase);
  if (!advance.advanced) return;
  if (!joined_ && advance.from == Phase::kJoining) {
    // Whom it named while it was joining itself it had yet to meet: now it has members of its own to name.
    member.joined_as = 0;
    member.next_ask = now();
  }
  context_.happened(member_event::phase_changed(member, advance.from), Level::kInfo, "member_phase",
                    {{"host", member.run.host}, {"phase", to_string(phase)}});
  if (advance.left_ring) {
    clocks_.pass(member, members(), now());
    ring_changed(advance.ring_before);
    happened(view_event::LeftRing{member.run, member.phase});
  }
  happened(view_event::Changed{});
}

void Roster::learn(const std::string& name, Candidates::Source source, Candidates::OldFinding old) {
  if (name != self().host && find(name) == nullptr) candidates_.learn(name, source, old, now());
}

void Roster::look_for(const std::string& host, Candidate::State state, Duration how_long, std::string problem) {
  learn(host, Candidates::Source::kHost);
  Candidate* candidate = candidates_.find(host);
  if (candidate == nullptr) return;
  candidate->state = state;
  if (!problem.empty()) candidate->problem = std::move(problem);
  candidate->next_try = now() + config_.ping_interval;
  candidate->keep_until = now() + how_long;
}

void Roster::ask_for_names_anew() {
  view_.each([this](Member& member) {
    member.joined_as = 0;
    member.joins_unanswered = 0;
    member.next_ask = now();
  });
}

// ---- what people are told ------------------------------------------------------------------------------------------

// While it joins, a host finds out who is on the ring, which changes nothing there. Once it has joined it tells what
// has changed since it knew the ring last; at first that is its own coming onto it.
void Roster::tell_ring() {
  if (!joined_) return;
  Ring::Ptr before = std::exchange(told_ring_, ring());
  if (before == nullptr) before = ring()->contains(self().host) ? ring()->without(self().host) : ring();
  if (before->fingerprint() == ring()->fingerprint()) return;
  context_.happened(ring_event(*before, *ring(), self().host));
}

void Roster::met_split(const std::string& host, const std::string& what_follows) {
  if (auto event = agreement_.met_split(host, what_follows, now())) context_.happened(std::move(*event));
}

void Roster::watch_agreement() {
  constexpr std::size_t kNamed = 3;
  const bool settled = this->settled();
  if (!agreement_.may_disagree(joined_, settled)) return;
  Agreement::Look look{.joined = joined_, .settled = settled, .met_is_member = find(agreement_.met()) != nullptr};
  for (const auto& [host, member] : members()) {
    if (look.others.size() == kNamed) break;
    if (!member.legacy() && member.ring != ring()->fingerprint()) look.others.push_back(host);
  }
  if (auto event = agreement_.look(look, now())) context_.happened(std::move(*event));
}

void Roster::end_suspicion(Member& member, const std::string& why, const std::string& by) {
  const std::optional<Suspicion> suspicion = std::exchange(member.suspicion, std::nullopt);
  if (suspicion && suspicion->told) {
    context_.happened(member_event::suspicion_ended(member.run.host, *suspicion, why, by, now()));
  }
}

// ---- questions ------------------------------------------------------------------------------------------------------

void Roster::ask(Question::About about, const std::string& host, PeerRequest request, Duration timeout) {
  const QuestionId token = context_.next<QuestionId>();
  const auto* join = std::get_if<JoinRequest>(&request);
  questions_.asked(token, {about, host, now(), self().generation, {}, join == nullptr ? 0 : join->names});
  context_.effects.push_back(AskPeer{token, host, std::move(request), timeout});
}

void Roster::ask_about(const std::string& host, std::vector<std::string> witnesses, std::size_t how_many) {
  for (std::size_t i = 0; i < how_many && !witnesses.empty(); ++i) {
    const auto pick = witnesses.begin() + static_cast<std::ptrdiff_t>(context_.random.below(witnesses.size()));
    const QuestionId token = context_.next<QuestionId>();
    questions_.asked(token, {Question::About::kProbe, host, now(), self().generation, *pick, 0});
    context_.effects.push_back(AskPeer{token, *pick, ProbeRequest{host}, config_.dead_after / 2});
    if (Member* member = find(host); member != nullptr && member->suspicion)
      member->suspicion->words.try_emplace(*pick);
    witnesses.erase(pick);
  }
}

Duration Roster::spaced_out(Duration interval) {
  const Duration spaced = circle_.for_the_others(interval);
  return context_.random.between(spaced / 2, spaced * 3 / 2);
}

Duration Roster::until_next_ping(const Member& member) {
  const bool agrees = member.ring == ring()->fingerprint();
  return spaced_out(config_.ping_interval) * (agrees ? kRarely : 1);
}

void Roster::check() const {
  candidates_.check(joined_);
  confirmation_.check(members());
  departed_.check();
  circle_.check();
  RINGSIDE_CHECK(events_.empty());
}

}  // namespace ringside::core
