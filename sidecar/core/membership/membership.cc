#include "sidecar/core/membership/membership.h"

#include <algorithm>

#include "sidecar/core/host_name.h"

namespace ringside::core {
namespace {

constexpr Duration kRestartTime{60'000'000};  // how long one that has ended in order is looked for

}  // namespace

Membership::Membership(MembershipConfig config, Context& context, MembershipListener& listener, EpochClock& clock)
    : config_(std::move(config)),
      context_(context),
      listener_(listener),
      clock_(clock),
      ring_(Ring::make({}, config_.points)) {
  self_.host = config_.host;
}

void Membership::start(Generation generation, Phase phase) {
  self_.generation = generation;
  own_name_.begin_run(generation);
  joined_ = false;
  confirmation_.cancel();
  furthest_ = {};
  discovery_.doubt(now());
  departed_.begin_run();
  for (auto& [name, candidate] : candidates_) {
    if (candidate.state == Candidate::State::kAlias || candidate.state == Candidate::State::kForeign) continue;
    candidate.state = Candidate::State::kAsking;
    candidate.first_asked = candidate.first_named = candidate.next_try = now();
  }
  for (auto& [host, member] : members_) {
    member.joined_as = 0;
    member.saw_leave = false;
    member.next_ask = member.next_compare = now();
    // What was not heard before says nothing about this run.
    member.last_answer = member.next_ping = now();
    member.suspected = false;
  }
  ask_own_name();
  set_phase(phase);
}

void Membership::set_phase(Phase phase) {
  const auto off = [](Phase one) { return one != Phase::kJoining && one != Phase::kReady; };
  const bool left_before = off(phase_);
  const bool off_ring = off(phase);
  phase_ = phase;
  rebuild_ring(self_.host);
  for (auto& [host, member] : members_) {
    // Who saw this host leave needs not see it again: what arrives after the drain goes on to the heirs at once.
    member.saw_leave = member.saw_leave && left_before && off_ring;
    if (off_ring) member.next_ask = now();
    if (phase == Phase::kReady) member.next_ping = now();  // whoever is asked by a host that was joining looks at it
  }
  listener_.view_changed();
}

void Membership::suspect_self() {
  ++context_.counters.stalls;
  std::set<std::string> everybody;
  for (auto& [host, member] : members_) {
    everybody.insert(host);
    // Silence while this process was stopped says nothing about the others.
    member.last_answer = now();
    member.suspected = false;
    member.next_ping = now();
  }
  confirmation_.begin(std::move(everybody), now());
  if (!members_.empty()) context_.log(Level::kWarn, "stalled", {{"asking", std::to_string(members_.size())}});
}

void Membership::was_late(Duration lag) {
  for (auto& [host, member] : members_) member.last_answer = std::min(now(), member.last_answer + lag);
}

const Member* Membership::find(const std::string& host) const {
  const auto found = members_.find(host);
  return found == members_.end() ? nullptr : &found->second;
}

bool Membership::has_legacy() const {
  return std::any_of(members_.begin(), members_.end(), [](const auto& entry) { return entry.second.legacy(); });
}

bool Membership::settled() const {
  return joined_ && std::all_of(members_.begin(), members_.end(), [this](const auto& entry) {
           const Member& member = entry.second;
           return member.legacy() || member.ring == ring_->fingerprint();
         });
}

bool Membership::leave_seen_by_all() const {
  return std::all_of(members_.begin(), members_.end(),
                     [](const auto& entry) { return entry.second.legacy() || entry.second.saw_leave; });
}

bool Membership::leave_seen_by(const std::string& host) const {
  const Member* member = find(host);
  return member != nullptr && (member->legacy() || member->saw_leave);
}

// Who may activate the id next: the ring owner, and while that one is joining also whoever owns the id without it, as
// some member may not have taken it in yet. Legacy hosts and this one are no heirs.
std::set<std::string> Membership::heirs(ActorId id) const {
  std::set<std::string> all;
  ring_->walk(id, [&](const std::string& host) {
    const Member* member = find(host);
    if (member == nullptr || member->legacy()) return false;
    all.insert(host);
    return member->phase == Phase::kJoining;
  });
  return all;
}

std::vector<std::string> Membership::names() const {
  std::vector<std::string> out{self_.host};
  for (const auto& [host, member] : members_) out.push_back(host);
  // Who asks a host that has joined will be named by it to everybody who asks later: only among those that are still
  // joining must each name the ones that have not answered yet.
  for (const auto& [name, candidate] : candidates_) {
    const bool joining = !joined_ && phase_ == Phase::kJoining;
    const bool to_be_met = candidate.open() && (joining || candidate.legacy) && name != self_.host;
    if (to_be_met && canonical_host(name) == name) out.push_back(name);
  }
  return out;
}

void Membership::close() {
  closing_ = true;
  say_goodbye(false);
  listener_.view_changed();  // what waits for somebody else will not be told of anybody any more
}

void Membership::say_goodbye(bool only_to_legacy_hosts) {
  for (const auto& [host, member] : members_) {
    if (only_to_legacy_hosts && !member.legacy()) continue;
    context_.effects.push_back(AskPeer{context_.token(), host, ClosingRequest{self_.host}, config_.ping_interval});
  }
}

// ---- the view -------------------------------------------------------------------------------------------------------

Member& Membership::admit(const std::string& host, const PingAnswer& says) {
  const auto found = members_.find(host);
  if (found != members_.end() && found->second.run.generation != says.generation) {
    remove(host, "restarted", Gone::kReplaced);
  }
  const bool fresh = !members_.contains(host);
  Member& member = members_[host];
  if (fresh) {
    member.run = {host, says.generation};
    member.phase = says.phase;
    member.routes_only = says.routes_only;
    member.last_answer = member.lease = now();
    member.next_ping = now() + context_.random.between(Duration(0), config_.ping_interval);
    member.next_ask = now();
    candidates_.erase(host);
    context_.log(Level::kInfo, "member_joined",
                 {{"host", host}, {"generation", std::to_string(says.generation)}, {"phase", to_string(says.phase)}});
    rebuild_ring(host);
  }
  observe(member, says);
  if (fresh) {
    listener_.admitted(members_[host]);
    listener_.view_changed();
  }
  return members_[host];
}

void Membership::remove(const std::string& host, const std::string& why, Gone how) {
  const auto found = members_.find(host);
  if (found == members_.end()) return;
  const HostRun run = found->second.run;
  // What it activated since its last answer must stay below what replaces it.
  clock_.pass(found->second.clock, now() - found->second.lease);
  departed_.add(run, how, how == Gone::kSilent ? found->second.last_answer : now());
  members_.erase(found);
  lost_holder(host);
  context_.log(how == Gone::kRefusing || how == Gone::kSilent ? Level::kWarn : Level::kInfo, "member_gone",
               {{"host", host}, {"why", why}});
  if (confirmation_.gone(host)) confirmed();
  rebuild_ring(host);
  listener_.run_ended(run, how == Gone::kSilent);
  listener_.view_changed();
}

// A host that ends in order is restarted as a rule: it is looked for at once, and not only when discovery is read next.
void Membership::expect_back(const std::string& host) {
  learn(host, false, false);
  const auto found = candidates_.find(host);
  if (found == candidates_.end()) return;
  found->second.state = Candidate::State::kRefused;
  found->second.problem = "it has ended in order";
  found->second.next_try = now() + config_.ping_interval;
  found->second.keep_until = now() + kRestartTime;
}

std::string Membership::fate_of(const std::string& host) const {
  const Member* member = find(host);
  if (member == nullptr) return departed_.fate_of(host, now());
  return member->suspected ? host + " has been silent for " + seconds_since(member->last_answer, now()) : "";
}

// Brings the one host that changed onto the ring, or takes it off.
void Membership::rebuild_ring(const std::string& host) {
  bool wanted = false;
  if (host == self_.host) {
    wanted = config_.has_app && (phase_ == Phase::kJoining || phase_ == Phase::kReady);
  } else if (const Member* member = find(host)) {
    wanted = member->on_ring();
  }
  if (wanted == ring_->contains(host)) return;
  const Ring::Ptr before = ring_;
  ring_ = wanted ? ring_->with(host) : ring_->without(host);
  ++context_.counters.ring_changes;
  listener_.ring_changed(before);
}

void Membership::observe(Member& member, const PingAnswer& says) {
  member.ring = says.ring;
  member.actors = says.actors;
  member.load = says.load;
  member.version = says.version;
  if (member.legacy()) return;
  read_clock(member, says);
  if (says.phase == member.phase) return;
  // Within a generation phases only advance, and nobody returns to the ring (invariant 2).
  if (!member.on_ring() && (says.phase == Phase::kJoining || says.phase == Phase::kReady)) return;
  const bool was_on_ring = member.on_ring();
  if (!joined_ && member.phase == Phase::kJoining) {
    // Whom it named while it was joining itself it had yet to meet: now it has members of its own to name.
    member.joined_as = 0;
    member.next_ask = now();
  }
  member.phase = says.phase;
  context_.log(Level::kInfo, "member_phase", {{"host", member.run.host}, {"phase", to_string(says.phase)}});
  if (was_on_ring && !member.on_ring()) {
    clock_.pass(member.clock, now() - member.lease);
    rebuild_ring(member.run.host);
    listener_.left_ring(member);
  }
  listener_.view_changed();
}

// ---- what others ask ------------------------------------------------------------------------------------------------

Standing Membership::standing_of(const Sender& sender) const {
  const Member* member = find(sender.host);
  if (member != nullptr && member->run.generation == sender.generation) return Standing::kInView;
  if (member != nullptr && member->run.generation > sender.generation) return Standing::kBuried;
  const Generation dead = departed_.declared_dead(sender.host);
  if (dead != 0 && sender.generation <= dead) return Standing::kBuried;
  return Standing::kUnknown;
}

Generation Membership::newest_known(const std::string& host) const {
  const Member* member = find(host);
  return std::max(member == nullptr ? 0 : member->run.generation, departed_.declared_dead(host));
}

void Membership::answer_join(Token token, Verdict verdict, const std::string& detail, Generation buried) {
  JoinAnswer answer;
  answer.verdict = verdict;
  answer.generation = self_.generation;
  answer.phase = phase_;
  answer.routes_only = !config_.has_app;
  answer.detail = detail;
  if (verdict == Verdict::kOk) answer.names = names();
  answer.buried = buried;
  answer.clock = answer.furthest = clock_.reading_in_full();
  for (const auto& [host, member] : members_) {
    const ClockReading one = clock_.furthest(member.clock, now() - member.lease);
    answer.furthest = {std::max(answer.furthest.epoch, one.epoch), std::max(answer.furthest.by_time, one.by_time)};
  }
  context_.effects.push_back(AnswerPeer{token, std::move(answer)});
}

void Membership::join(Token token, const Sender& sender, const JoinRequest& request) {
  if (sender.cluster != config_.cluster) {
    return answer_join(token, Verdict::kMismatch, "this is cluster " + config_.cluster);
  }
  if (request.points != config_.points) {
    return answer_join(token, Verdict::kMismatch,
                       "this ring has " + std::to_string(config_.points) + " points for each host");
  }
  if (sender.host == self_.host) return answer_join(token, Verdict::kUnverified, "that is this host's own name");
  switch (standing_of(sender)) {
    case Standing::kInView:
      return answer_join(token, Verdict::kOk);
    case Standing::kBuried:
      return answer_join(token, Verdict::kBuried, "", newest_known(sender.host));
    default:
      heard_from(sender.host);
      if (is_held_up_by(sender.host)) {
        return answer_join(token, Verdict::kUnverified, out_of_reach_under(sender.host));
      }
      if (held_up()) {
        // The other one goes on by itself: this host asks it once it can.
        hold_up_.begin(now());
        answer_join(token, Verdict::kHeldUp, "it cannot join: " + waiting_for());
        return learn(sender.host, false, true);
      }
      back_probe(sender.host, {WaitingRequest::For::kJoin, token, sender.generation});
  }
}

void Membership::leave(Token token, const Sender& sender) {
  if (standing_of(sender) != Standing::kInView) {
    context_.effects.push_back(AnswerPeer{token, LeaveAnswer{Verdict::kBuried}});
    return;
  }
  back_probe(sender.host, {WaitingRequest::For::kLeave, token, sender.generation});
}

void Membership::closing(Token token, const std::string& host, const std::string& source_ip) {
  const auto refuse = [&](std::string why) {
    context_.effects.push_back(AnswerPeer{token, AckAnswer{false, std::move(why), {}}});
  };
  if (host == self_.host) return refuse("that is this host, and it is not closing");
  const Member* member = find(host);
  if (member == nullptr) return refuse("not a member here");
  const auto name = parse_host_name(host);
  if (member->legacy() && name && name->address == source_ip) {
    remove(host, "closed", Gone::kInOrder);
    Candidate& candidate = candidates_[host];
    candidate.state = Candidate::State::kClosed;
    candidate.legacy = true;
    candidate.next_try = now() + 2 * config_.dead_after;
    candidate.keep_until = now() + 4 * config_.dead_after;
    context_.effects.push_back(AnswerPeer{token, AckAnswer{true, "", {}}});
    return;
  }
  back_probe(host, {WaitingRequest::For::kClosing, token, member->run.generation});
}

void Membership::probe(Token token, const ProbeRequest& request) {
  ProbeAnswer answer;
  connection_lost(request.host);  // whoever asks does not hear it: it may refuse connections by now
  if (const Member* member = find(request.host)) {
    answer.age = std::max(Duration(0), now() - member->last_answer);
    answer.heard = answer.age < config_.dead_after / 2;
    answer.generation = member->run.generation;
  }
  context_.effects.push_back(AnswerPeer{token, answer});
}

// One ping answers all that want to know the same.
void Membership::back_probe(const std::string& host, const WaitingRequest& request) {
  switch (back_probes_.add(host, request)) {
    case BackProbes::Added::kFirst:
      return ask(Question::About::kBackProbe, host, PingRequest{}, config_.ping_interval * 2);
    case BackProbes::Added::kWaits:
      return;
    case BackProbes::Added::kNoRoom:
      return resolve_back_probe(host, request, nullptr, nullptr);
  }
}

void Membership::back_probed(const std::string& host, const PingAnswer* says, const PeerFailure* failure) {
  const std::vector<WaitingRequest> waited = back_probes_.take(host);
  if (waited.empty()) return;
  const auto name = says != nullptr ? canonical_host(says->host) : std::nullopt;
  const PingAnswer* own_word = name && *name == host ? says : nullptr;  // somebody else answers there: no answer
  if (own_word != nullptr) {
    if (auto member = members_.find(host); member != members_.end()) {
      if (member->second.run.generation == own_word->generation) {
        member->second.last_answer = now();
        observe(member->second, *own_word);
      } else if (own_word->generation > member->second.run.generation) {
        remove(host, "restarted", Gone::kReplaced);
      }
    }
  }
  for (const WaitingRequest& request : waited) resolve_back_probe(host, request, own_word, failure);
}

void Membership::resolve_back_probe(const std::string& host, const WaitingRequest& request, const PingAnswer* says,
                                    const PeerFailure* failure) {
  const bool no_process = failure != nullptr && failure->kind == PeerFailure::Kind::kRefused;
  switch (request.what) {
    case WaitingRequest::For::kJoin:
      if (says == nullptr || says->generation != request.generation) {
        return answer_join(request.token, Verdict::kUnverified,
                           out_of_reach_under(host, failure != nullptr ? failure->detail : ""));
      }
      if (const std::string why = why_foreign(*says); !why.empty()) {
        return answer_join(request.token, Verdict::kMismatch, why);
      }
      // Its next run may have been heard of while this one was looked at.
      if (standing_of({host, request.generation, config_.cluster, 0}) == Standing::kBuried) {
        return answer_join(request.token, Verdict::kBuried, "", newest_known(host));
      }
      admit(host, *says);
      return answer_join(request.token, Verdict::kOk);
    case WaitingRequest::For::kLeave: {
      const Member* member = find(host);
      const bool seen = member == nullptr || member->run.generation != request.generation || !member->on_ring();
      context_.effects.push_back(AnswerPeer{request.token, LeaveAnswer{seen ? Verdict::kOk : Verdict::kUnverified}});
      return;
    }
    case WaitingRequest::For::kClosing: {
      const Member* member = find(host);
      const bool same = member != nullptr && member->run.generation == request.generation;
      const bool leaving = same && (no_process || (says != nullptr && says->phase == Phase::kDrained));
      if (leaving) {
        remove(host, "closed", no_process ? Gone::kRefusing : Gone::kInOrder);
        expect_back(host);
      }
      const bool gone = !same || leaving;
      context_.effects.push_back(
          AnswerPeer{request.token, AckAnswer{gone, gone ? "" : "that host answers, and is not closing", {}}});
      return;
    }
  }
}

void Membership::ask(Question::About about, const std::string& host, PeerRequest request, Duration timeout) {
  const Token token = context_.token();
  questions_.add(token, {about, host, now(), self_.generation});
  context_.effects.push_back(AskPeer{token, host, std::move(request), timeout});
}

}  // namespace ringside::core
