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
      view_(config_.host, config_.has_app, config_.points),
      clocks_(clock),
      detector_(config_.dead_after, config_.quorum) {}

void Membership::start(Generation generation, Phase phase) {
  view_.begin_run(generation);
  own_name_.begin_run(generation);
  joined_ = false;
  confirmation_.cancel();
  clocks_.begin_run();
  discovery_.doubt(now());
  departed_.begin_run();
  for (auto& [name, candidate] : candidates_) {
    if (candidate.state == Candidate::State::kAlias || candidate.state == Candidate::State::kForeign) continue;
    candidate.state = Candidate::State::kAsking;
    candidate.first_asked = candidate.first_named = candidate.next_try = now();
  }
  view_.each([this](Member& member) {
    member.joined_as = 0;
    member.saw_leave = false;
    member.next_ask = member.next_compare = now();
    detector_.excuse(member, now());  // what an earlier run did not hear says nothing about this one
  });
  ask_own_name();
  set_phase(phase);
}

void Membership::set_phase(Phase phase) {
  const bool left_before = !on_ring(view_.phase());
  ring_changed(view_.set_phase(phase));
  view_.each([&](Member& member) {
    // Who saw this host leave needs not see it again: what arrives after the drain goes on to the heirs at once.
    member.saw_leave = member.saw_leave && left_before && !on_ring(phase);
    if (!on_ring(phase)) member.next_ask = now();
    if (phase == Phase::kReady) member.next_ping = now();  // whoever is asked by a host that was joining looks at it
  });
  listener_.view_changed();
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

bool Membership::has_legacy() const {
  return std::any_of(members().begin(), members().end(), [](const auto& entry) { return entry.second.legacy(); });
}

bool Membership::settled() const {
  return joined_ && std::all_of(members().begin(), members().end(), [this](const auto& entry) {
           const Member& member = entry.second;
           return member.legacy() || member.ring == ring()->fingerprint();
         });
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
  for (const auto& [name, candidate] : candidates_) {
    const bool joining = !joined_ && phase() == Phase::kJoining;
    const bool to_be_met = candidate.open() && (joining || candidate.legacy) && name != self().host;
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
  for (const auto& [host, member] : members()) {
    if (only_to_legacy_hosts && !member.legacy()) continue;
    context_.effects.push_back(AskPeer{context_.token(), host, ClosingRequest{self().host}, config_.ping_interval});
  }
}

// ---- the view -------------------------------------------------------------------------------------------------------

void Membership::admit(const std::string& host, const PingAnswer& says) {
  const Member* known = find(host);
  if (known != nullptr && known->run.generation != says.generation) remove(host, "restarted", Gone::kReplaced);
  const bool is_new = find(host) == nullptr;
  if (is_new) {
    const Ring::Ptr before = view_.admit({host, says.generation}, says.phase, says.routes_only);
    Member& member = *view_.find(host);
    member.last_answer = member.lease = member.next_ask = now();
    member.next_ping = now() + context_.random.between(Duration(0), config_.ping_interval);
    candidates_.erase(host);
    context_.log(Level::kInfo, "member_joined",
                 {{"host", host}, {"generation", std::to_string(says.generation)}, {"phase", to_string(says.phase)}});
    ring_changed(before);
  }
  observe(*view_.find(host), says);
  if (!is_new) return;
  listener_.admitted(*find(host));
  listener_.view_changed();
}

void Membership::remove(const std::string& host, const std::string& why, Gone how) {
  if (find(host) == nullptr) return;
  const View::Removed removed = view_.remove(host);
  const HostRun& run = removed.member.run;
  clocks_.pass(removed.member, now());
  departed_.add(run, how, how == Gone::kSilent ? removed.member.last_answer : now());
  lost_holder(host);
  context_.log(how == Gone::kRefusing || how == Gone::kSilent ? Level::kWarn : Level::kInfo, "member_gone",
               {{"host", host}, {"why", why}});
  ring_changed(removed.ring_before);
  if (confirmation_.gone(host)) confirmed();
  listener_.run_ended(run, how == Gone::kSilent);
  listener_.view_changed();
}

// What the node gains on the ring it has to know before anything else is decided by the new ring.
void Membership::ring_changed(const Ring::Ptr& before) {
  if (before == nullptr) return;
  ++context_.counters.ring_changes;
  listener_.ring_changed(before);
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
  answer.generation = self().generation;
  answer.phase = phase();
  answer.routes_only = !config_.has_app;
  answer.detail = detail;
  if (verdict == Verdict::kOk) answer.names = names();
  answer.buried = buried;
  answer.clock = clock_.reading_in_full();
  answer.furthest = clocks_.furthest(members(), now());
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
  if (sender.host == self().host) return answer_join(token, Verdict::kUnverified, "that is this host's own name");
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
  if (host == self().host) return refuse("that is this host, and it is not closing");
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
    if (Member* member = view_.find(host)) {
      if (member->run.generation == own_word->generation) {
        member->last_answer = now();
        observe(*member, *own_word);
      } else if (own_word->generation > member->run.generation) {
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
  questions_.add(token, {about, host, now(), self().generation});
  context_.effects.push_back(AskPeer{token, host, std::move(request), timeout});
}

}  // namespace ringside::core
