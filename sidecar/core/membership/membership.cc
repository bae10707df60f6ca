#include "sidecar/core/membership/membership.h"

#include <algorithm>
#include <utility>

#include "sidecar/base/check.h"

namespace ringside::core {

Membership::Membership(MembershipConfig config, Context& context, EpochClock& clock)
    : config_(std::move(config)),
      context_(context),
      clock_(clock),
      view_(config_.host, config_.has_app, config_.points),
      clocks_(clock),
      detector_(config_.dead_after, config_.quorum),
      circle_(config_.host),
      candidates_(config_) {}

void Membership::start(Generation generation, Phase phase) {
  view_.begin_run(generation);
  own_name_.begin_run(generation);
  joined_ = false;
  confirmation_.cancel();
  clocks_.begin_run();
  discovery_.doubt(now());
  departed_.begin_run();
  candidates_.begin_run(now());
  view_.each([this](Member& member) {
    member.joined_as = 0;
    member.saw_leave = false;
    member.next_ask = member.next_compare = now();
    detector_.excuse(member, now());  // what an earlier run did not hear says nothing about this one
  });
  set_phase(phase);
}

void Membership::set_phase(Phase phase) {
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

void Membership::suspect_self() {
  ++context_.counters.stalls;
  std::set<std::string> everybody;
  view_.each([&](Member& member) {
    everybody.insert(member.run.host);
    detector_.excuse(member, now());  // silence while this process was stopped says nothing about the others
  });
  confirmation_.begin(std::move(everybody), now());
  if (!members().empty()) context_.log(Level::kWarn, "stalled", {{"asking", std::to_string(members().size())}});
}

void Membership::was_late(Duration lag) {
  view_.each([&](Member& member) { detector_.excuse_for(member, lag, now()); });
}

bool Membership::settled() const {
  return joined_ && std::all_of(members().begin(), members().end(), [this](const auto& entry) {
           const Member& member = entry.second;
           return member.legacy() || member.ring == ring()->fingerprint();
         });
}

bool Membership::asks_to_join(const std::string& host) const {
  const Member* member = find(host);
  return !joined_ && phase() == Phase::kJoining && (member == nullptr || member->joined_as != self().generation);
}

bool Membership::leave_seen_by_all() const {
  return std::all_of(members().begin(), members().end(),
                     [](const auto& entry) { return entry.second.legacy() || entry.second.saw_leave; });
}

bool Membership::leave_seen_by(const std::string& host) const {
  const Member* member = find(host);
  return member != nullptr && (member->legacy() || member->saw_leave);
}

std::vector<std::string> Membership::names() const {
  std::vector<std::string> out{self().host};
  for (const auto& [host, member] : members()) out.push_back(host);
  // Who asks a host that has joined will be named by it to everybody who asks later: only among those that are still
  // joining must each name the ones that have not answered yet.
  const bool joining = !joined_ && phase() == Phase::kJoining;
  for (std::string& name : candidates_.to_be_met(joining)) out.push_back(std::move(name));
  return out;
}

void Membership::close() {
  closing_ = true;
  say_goodbye(false);
  happened(view_event::Changed{});  // what waits for somebody else will not be told of anybody any more
}

void Membership::say_goodbye(bool only_to_legacy_hosts) {
  for (const auto& [host, member] : members()) {
    if (only_to_legacy_hosts && !member.legacy()) continue;
    context_.effects.push_back(
        AskPeer{context_.next<QuestionId>(), host, ClosingRequest{self().host}, config_.ping_interval});
  }
}

// ---- the view -------------------------------------------------------------------------------------------------------

void Membership::admit(const std::string& host, const PingAnswer& says) {
  const Member* known = find(host);
  if (known != nullptr && known->run.generation != says.generation) remove(host, "restarted", Gone::kReplaced);
  const bool is_new = find(host) == nullptr;
  if (is_new) {
    const Ring::Ptr before = view_.admit({host, says.generation}, says.phase, says.routes_only);
    Member& member = view_.at(host);
    member.last_answer = member.lease = member.next_ask = now();
    member.next_ping = now() + context_.random.between(Duration(0), config_.ping_interval);
    if (!member.legacy()) circle_.add(host);
    choose_whom_to_watch();
    if (!member.watched) {
      // What it says of itself is known already. Where many join together, their first questions are spread.
      member.next_ping = now() + spaced_out(config_.ping_interval);
      member.next_compare = now() + spaced_out(kCompare);
    }
    candidates_.forget(host);
    departed_.take_back(host);
    context_.log(Level::kInfo, "member_joined",
                 {{"host", host}, {"generation", to_string(says.generation)}, {"phase", to_string(says.phase)}});
    ring_changed(before);
  }
  observe(view_.at(host), says);
  if (!is_new) return;
  if (joined_) happened(view_event::Admitted{{host, says.generation}});
  happened(view_event::Changed{});
}

void Membership::remove(const std::string& host, const std::string& why, Gone how) {
  if (find(host) == nullptr) return;
  const View::Removed removed = view_.remove(host);
  const HostRun& run = removed.member.run;
  circle_.remove(host);
  choose_whom_to_watch();
  clocks_.pass(removed.member, now());
  const Instant since = how == Gone::kSilent ? removed.member.last_answer : now();
  // Of what it has not heard a joiner concludes nothing before it has joined.
  departed_.add(run, how, since,
                how == Gone::kSilent && !joined_ ? Departed::Word::kMayBeTakenBack : Departed::Word::kStands);
  for (const std::string& name : candidates_.lose_holder(host)) {
    // What was found out about a name for which it vouched is looked at afresh.
    const bool listed = candidates_.get(name).listed;
    learn(name, listed ? Candidates::Source::kDiscovery : Candidates::Source::kHost, Candidates::OldFinding::kIsVoid);
  }
  context_.log(how == Gone::kRefusing || how == Gone::kSilent ? Level::kWarn : Level::kInfo, "member_gone",
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
void Membership::choose_whom_to_watch() {
  view_.each([this](Member& member) {
    const bool watched =
        config_.quorum != 0 || member.legacy() || circle_.everybody_is_watched() || circle_.watches(member.run.host);
    detector_.watch(member, watched, now());
  });
}

void Membership::ring_changed(const Ring::Ptr& before) {
  if (before == nullptr) return;
  ++context_.counters.ring_changes;
  happened(view_event::RingChanged{before, ring()});
}

void Membership::must_rejoin(const std::string& why) { happened(view_event::MustRejoin{why, ""}); }

void Membership::buried_by(const std::string& host) { happened(view_event::MustRejoin{"buried by " + host, host}); }

std::vector<ViewEvent> Membership::take_events() {
  if (!events_.empty()) view_.check();
  std::stable_partition(events_.begin(), events_.end(),
                        [](const ViewEvent& event) { return std::holds_alternative<view_event::RingChanged>(event); });
  return std::exchange(events_, {});
}

void Membership::check() const {
  own_name_.check(self().generation);
  candidates_.check(joined_);
  confirmation_.check(members());
  hold_up_.check();
  departed_.check();
  circle_.check();
  back_probes_.check();
  RINGSIDE_CHECK(events_.empty());
}

std::string Membership::fate_of(const std::string& host) const {
  const Member* member = find(host);
  if (member == nullptr) return departed_.fate_of(host, now());
  return member->suspected ? host + " has been silent for " + seconds_since(member->last_answer, now()) : "";
}

void Membership::observe(Member& member, const PingAnswer& says) {
  member.ring = says.ring;
  member.actors = says.actors;
  member.load = says.load;
  member.version = says.version;
  if (member.legacy()) return;
  if (!clocks_.read(member, says, now())) context_.log(Level::kWarn, "clock_ahead", {{"host", member.run.host}});
  const View::Advance advance = view_.advance(member, says.phase);
  if (!advance.advanced) return;
  if (!joined_ && advance.from == Phase::kJoining) {
    // Whom it named while it was joining itself it had yet to meet: now it has members of its own to name.
    member.joined_as = 0;
    member.next_ask = now();
  }
  context_.log(Level::kInfo, "member_phase", {{"host", member.run.host}, {"phase", to_string(says.phase)}});
  if (advance.left_ring) {
    clocks_.pass(member, now());
    ring_changed(advance.ring_before);
    happened(view_event::LeftRing{member.run, member.phase});
  }
  happened(view_event::Changed{});
}

NegotiateRequest Membership::negotiation(std::vector<std::string> names) const {
  return {std::move(names), config_.cluster, config_.points};
}

void Membership::ask(Question::About about, const std::string& host, PeerRequest request, Duration timeout) {
  const QuestionId token = context_.next<QuestionId>();
  questions_.asked(token, {about, host, now(), self().generation});
  context_.effects.push_back(AskPeer{token, host, std::move(request), timeout});
}

}  // namespace ringside::core
