"""Copies the core with faults planted in it, to show that the simulator's oracle finds each of them.

Each entry is an altered place: the file, the text that stands there (exactly once), and what stands there instead.
`planted("name")` is true for the one fault that the process was told to have (tests/sim/planted.h). A text that is not
found fails the build: whoever changes those lines of the core changes them here.

usage: planted_faults.py generate SOURCE_DIR TARGET_DIR | names
"""

import pathlib
import sys

# name, faults that the run has, seeds within which it must be found, file, text, replacement. A fault that few seeds show
# has the first of its seeds in FROM.
FAULTS = [
    ("all-weigh-one", "weights", 4, "membership/view.cc",
     "  member.points = member.tells_points ? points",
     '  member.points = member.tells_points && !planted("all-weigh-one") ? points'),
    ("weights-beside-none", "weightless", 40, "membership/roster.cc",
     "  if (says.points == 0) {",
     '  if (planted("weights-beside-none")) return "";\n  if (says.points == 0) {'),
    ("watch-any-zone", "zones", 4, "membership/watch_circle.cc",
     "    return zone == kNoZone || std::count_if(",
     '    return planted("watch-any-zone") || zone == kNoZone || std::count_if('),
    ("own-zone-untold", "zones", 4, "membership/roster.cc",
     "circle_(config_.host, config_.zone),",
     'circle_(config_.host, planted("own-zone-untold") ? std::string() : config_.zone),'),
    ("overwrite-claim", "legacy", 40, "directory/directory_claims.cc",
     "if (claim.epoch <= *mine) return {Rejected",
     'if (claim.epoch <= *mine && !planted("overwrite-claim")) return {Rejected'),
    ("skip-inventory", "moves", 20, "node.cc",
     "if (cluster_.joined()) directory_.gain(gained);",
     'if (cluster_.joined() && !planted("skip-inventory")) directory_.gain(gained);'),
    ("join-without-adding", "moves", 20, "membership/requests.cc",
     "      roster_.admit(host, *says, asked);\n",
     '      if (!planted("join-without-adding")) roster_.admit(host, *says, asked);\n'),
    ("claim-while-draining", "moves", 20, "route.cc",
     "const bool mine = *owner == cluster.self().host || owns_by_legacy_word(call, facts);",
     "const bool mine = *owner == cluster.self().host || owns_by_legacy_word(call, facts) ||\n"
     '    (planted("claim-while-draining") && cluster.phase() == Phase::kDraining);\n'
     '  if (planted("claim-while-draining") && mine && cluster.phase() == Phase::kDraining)\n'
     "    return {Route::Kind::kClaim, Rule::kFree, Reason::kNone, nullptr, 0};"),
    ("claim-in-doubt", "rush", 40, "route.cc",
     "  if (facts.inventory.in_doubt(hash_id(call.id)))",
     '  if (!planted("claim-in-doubt") && facts.inventory.in_doubt(hash_id(call.id)))'),
    ("drain-without-deactivation", "moves", 20, "life/life_cycle.cc",
     "  return {SetPhase{Phase::kDraining}, EndAll{Deactivation::kDrain}, TickSoon{}};",
     '  if (planted("drain-without-deactivation")) return {SetPhase{Phase::kDraining}, LoseAll{}, TickSoon{}};\n'
     "  return {SetPhase{Phase::kDraining}, EndAll{Deactivation::kDrain}, TickSoon{}};"),
    ("time-out-is-gone", "network", 40, "membership/liveness.cc",
     "  if (member == nullptr || failure.kind != PeerFailure::Kind::kReset) return;\n  if (!roster_.detector().connection_refused(*member))",
     '  if (member == nullptr || (failure.kind != PeerFailure::Kind::kReset && !planted("time-out-is-gone"))) return;\n'
     '  if (!roster_.detector().connection_refused(*member) && !planted("time-out-is-gone"))'),
    ("forget-duplicates", "partitions", 300, "directory/displaced_activations.cc",
     "  const auto [first, last] = duplicates_.equal_range(id);\n  auto entry =",
     '  if (planted("forget-duplicates")) return true;\n'
     "  const auto [first, last] = duplicates_.equal_range(id);\n  auto entry ="),
    ("stale-ring", "moves", 20, "membership/view.cc",
     "  if (wanted == ring_->contains(host)) return nullptr;",
     '  if (wanted == ring_->contains(host) || (planted("stale-ring") && wanted && ring_->hosts().size() > 1)) return nullptr;'),
    ("reuse-epoch", "none", 20, "node_calls.cc",
     "granted ? *granted : clock_.next();",
     'granted ? *granted : planted("reuse-epoch") ? Epoch{1} : clock_.next();'),
    ("drop-queue", "moves", 100, "node_calls.cc",
     "  requeue(activations_.release(claim.id));\n}",
     "  const std::vector<CallId> queue = activations_.release(claim.id);\n"
     '  if (!planted("drop-queue")) requeue(queue);\n}'),
    ("ignore-generation", "churn", 100, "membership/roster.cc",
     "  if (member != nullptr && member->run.generation == sender.generation) return Standing::kInView;",
     '  if (member != nullptr && (planted("ignore-generation") || member->run.generation == sender.generation))\n'
     "    return Standing::kInView;"),
    ("believe-slander", "network", 40, "membership/requests.cc",
     "  back_probe(host, {WaitingRequest::For::kClosing, token, member->run.generation});",
     '  if (planted("believe-slander")) roster_.remove(host, "closed", Gone::kInOrder);\n'
     '  if (planted("believe-slander")) return refuse("");\n'
     "  back_probe(host, {WaitingRequest::For::kClosing, token, member->run.generation});"),
    ("late-answer-counts", "rush", 200, "directory/inventory.cc",
     "return number == number_ && asked != waiting_.end()",
     'return (number == number_ || planted("late-answer-counts")) && asked != waiting_.end()'),
    ("adopt-unasked", "own", 20, "route.cc",
     "const bool asks = granter != nullptr && ",
     'const bool asks = !planted("adopt-unasked") && granter != nullptr && '),
    ("repeat-unknown", "churn", 20, "calls/calls_attempts.cc",
     "    again = origin && call.idempotent && is_worth_a_repeat(answer);",
     '    again = origin && (call.idempotent || planted("repeat-unknown"));'),
    ("two-turns", "none", 20, "activations/activations.cc",
     "  if (!actor.turn && may_go && actor.queued() == 0 &&",
     '  if ((!actor.turn || planted("two-turns")) && may_go && actor.queued() == 0 &&'),
    ("holder-routes-on", "moves", 100, "route.cc",
     "  if (named != 0 && named != active) {\n",
     '  if (named != 0 && active == 0 && planted("holder-routes-on"))\n'
     '    return {Route::Kind::kClaim, Rule::kFree, Reason::kNone, nullptr, 0};\n'
     '  if (named != 0 && named != active) {\n'),
    ("resume-without-asking", "partitions", 20, "node.cc",
     "    change_membership([&](Membership& membership) { membership.suspect_self(lag); });",
     '    if (!planted("resume-without-asking")) change_membership([&](Membership& membership) { membership.suspect_self(lag); });'),
    ("resume-queued-turns", "all", 500, "activations/activations.cc",
     "return turns_.has_room_for(call) && !cluster_.confirming();",
     'return turns_.has_room_for(call) && (planted("resume-queued-turns") || !cluster_.confirming());'),
    ("forget-remembered", "moves", 40, "hand_over/succession.cc",
     "    for (const Claim& claim : claims) request.ended.push_back(ended(claim));",
     "    for (const Claim& claim : claims) request.ended.push_back(ended(claim));\n"
     '    if (planted("forget-remembered")) for (Ended& one : request.ended) one.remembered.clear();'),
    ("joiner-alone-is-told", "rush", 1500, "membership/view.cc",
     "    return !successors.one_serves;",
     '    return !successors.one_serves && !planted("joiner-alone-is-told");'),
    ("no-window", "none", 20, "activations/activations.cc",
     "  if (call.idempotency_key.empty() || !actor.window) return std::nullopt;",
     '  if (call.idempotency_key.empty() || !actor.window || planted("no-window")) return std::nullopt;'),
    ("late-delivery", "apps", 20, "calls/calls_attempts.cc",
     "  return leave(token, pending, late(pending));\n}\n\nstd::optional<Calls::Left> Calls::overdue",
     '  if (planted("late-delivery") && pending.stage == CallStage::kQueued) return std::nullopt;\n'
     "  return leave(token, pending, late(pending));\n}\n\nstd::optional<Calls::Left> Calls::overdue"),
    ("unknown-as-expired", "apps", 20, "calls/calls_attempts.cc",
     "    case CallStage::kTurn:\n      return Answer::failed(Outcome::kUnknown,",
     "    case CallStage::kTurn:\n"
     '      return Answer::failed(planted("unknown-as-expired") ? Outcome::kExpired : Outcome::kUnknown,'),
    ("forget-maybe", "all", 100, "calls/calls.cc",
     "if (pending.may_have_happened && surely_not_delivered(answer.outcome))",
     'if (pending.may_have_happened && !planted("forget-maybe") && surely_not_delivered(answer.outcome))'),
    ("overtake", "moves", 100, "calls/calls.cc",
     "  if (ahead > 0) {",
     '  if (ahead > 0 && !planted("overtake")) {'),
    ("circling-hints", "moves", 40, "route.cc",
     "const std::string* hinted = first ? facts.hints.find(call.id)",
     'const std::string* hinted = first || planted("circling-hints") ? facts.hints.find(call.id)'),
    ("minority-goes-on", "quorum", 20, "node_lifecycle.cc",
     "  if (config_.quorum == 0) return;",
     '  if (config_.quorum == 0 || planted("minority-goes-on")) return;'),
    ("majority-without-margin", "quorum", 40, "membership/failure_detector.cc",
     "return quorum_ == 0 ? dead_after_ : dead_after_ * 5 / 4;",
     'return quorum_ == 0 ? dead_after_ : dead_after_ * (planted("majority-without-margin") ? 3 : 5) / 4;'),
    ("app-loss-unnoticed", "apps", 20, "life/life_cycle.cc",
     "  forget_initial_reset();\n  return {LoseAll{}};",
     '  forget_initial_reset();\n  if (planted("app-loss-unnoticed")) return {};\n  return {LoseAll{}};'),
    ("unhealthy-is-gone", "apps", 20, "life/life_cycle.cc",
     "    steps.emplace_back(EndAll{Deactivation::kAppLoss});",
     '    if (planted("unhealthy-is-gone")) steps.emplace_back(LoseAll{});\n'
     "    steps.emplace_back(EndAll{Deactivation::kAppLoss});"),
    ("failed-is-forgotten", "saves", 20, "activations/activations_deactivating.cc",
     "  if (said.kind == Deactivated::Kind::kDone) return over(actor);",
     '  if (said.kind == Deactivated::Kind::kDone || planted("failed-is-forgotten")) return over(actor);'),
    ("slate-on-the-ring", "slow", 20, "life/life_cycle.cc",
     "    ask_for_initial_reset();\n    return std::nullopt;\n",
     '    ask_for_initial_reset();\n    if (!planted("slate-on-the-ring")) return std::nullopt;\n'),
    ("put-off-blocks", "slow", 20, "calls/calls_attempts.cc",
     "  if (is_sent_back(answer) || may_repeat) {\n",
     '  const bool blocks = is_sent_back(answer) && active && planted("put-off-blocks");\n'
     "  if (!blocks && (is_sent_back(answer) || may_repeat)) {\n"),
    ("nested-find-no-turn", "nested", 20, "activations/turns.cc",
     "  if (turns_.size() < most_) extra_ = 0;\n",
     '  if (planted("nested-find-no-turn")) return false;\n  if (turns_.size() < most_) extra_ = 0;\n'),
    ("loops-hang", "nested", 20, "activations/activations.cc",
     "  if (call.chain.empty()) return {};\n",
     '  if (call.chain.empty() || planted("loops-hang")) return {};\n'),
    ("refusal-is-heard", "rush", 200, "hand_over/hand_over.cc",
     "(entry.declined.contains(host) && !successor.ring_owner)",
     '(entry.declined.contains(host) && (!successor.ring_owner || planted("refusal-is-heard")))'),
    ("displaced-never-go", "moves", 20, "directory/directory_claims.cc",
     "    displaced_.drop(end.id, host, end.epoch);",
     '    if (!planted("displaced-never-go")) displaced_.drop(end.id, host, end.epoch);'),
    ("everybody-waits", "moves", 100, "route.cc",
     "  if (cluster.phase() != Phase::kReady)",
     '  if (planted("everybody-waits") && !facts.inventory.closed()) return wait_for(Rule::kInDoubt, not_yet);\n'
     "  if (cluster.phase() != Phase::kReady)"),
    ("bootstrap-beside-unresolved", "names", 40, "membership/closure.cc",
     "  if (meant.unresolved) return answers",
     '  if (meant.unresolved && planted("bootstrap-beside-unresolved")) return "";\n'
     "  if (meant.unresolved) return answers"),
    ("share-a-name", "names", 200, "membership/joining.cc",
     "  candidate.own_name = candidate.blocks = true;",
     '  candidate.own_name = candidate.blocks = !planted("share-a-name");'),
    ("led-astray", "names", 20, "membership/candidates.cc",
     "  if (candidate.held_by.empty()) candidate.next_probe = now + config_.dead_after / 4;\n",
     '  if (planted("led-astray")) return;\n'
     "  if (candidate.held_by.empty()) candidate.next_probe = now + config_.dead_after / 4;\n"),
    ("joiners-word-lasts", "names", 200, "membership/roster.cc",
     "  if (!joined_ && advance.from == Phase::kJoining) {",
     '  if (!joined_ && advance.from == Phase::kJoining && !planted("joiners-word-lasts")) {'),
    ("released-asks-nobody", "names", 200, "membership/joining.cc",
     "  hold_up_.end();\n",
     '  hold_up_.end();\n  if (planted("released-asks-nobody")) return;\n'),
    ("lost-member-is-dead", "quorum", 200, "membership/roster.cc",
     "  if (!joined_ && how == Gone::kSilent) ask_for_names_anew();\n",
     '  if (!joined_ && how == Gone::kSilent && !planted("lost-member-is-dead")) ask_for_names_anew();\n'),
    ("bootstrap-unlisted", "names", 40, "membership/joining.cc",
     "  if (!closure.taken_in() && (!discovery_.counts() ||",
     '  if (!planted("bootstrap-unlisted") && !closure.taken_in() && (!discovery_.counts() ||'),
    ("clock-back-at-once", "clocks", 40, "membership/epoch_clock.cc",
     "    judged_by_us_ += passed;",
     '    judged_by_us_ += passed;\n    if (planted("clock-back-at-once")) wall_us_ = std::min(wall_us_, now.wall_ms * 1000);'),
    ("wrong-clock-holds-up", "clocks", 40, "membership/closure.cc",
     "  if (hosts_with(Candidate::Clock::kBehind) >= facts_.members.size() + 1) return true;",
     '  if (hosts_with(Candidate::Clock::kBehind) >= facts_.members.size() + 1 || planted("wrong-clock-holds-up")) return true;'),
    ("asks-in-a-loop", "rush", 20, "directory/directory.cc",
     "  const bool asks_all = context_.now.mono >= ask_all_again_;\n",
     '  const bool asks_all = context_.now.mono >= ask_all_again_ || planted("asks-in-a-loop");\n'
     '  if (planted("asks-in-a-loop")) next_inventory_ = context_.now.mono;\n'),
    ("obeys-without-rest", "liars", 20, "life/life_cycle.cc",
     "  if (context_.now.mono < rests_until_) return std::nullopt;",
     '  if (context_.now.mono < rests_until_ && !planted("obeys-without-rest")) return std::nullopt;'),
    ("first-slice-is-all", "slices", 20, "directory/directory.cc",
     "  asked.over = !goes_on(answer);",
     '  asked.over = !goes_on(answer) || planted("first-slice-is-all");'),
    ("joins-without-rest", "busy", 8, "membership/joining.cc",
     "backoff(kJoinRepeat, member.joins_unanswered++, kLastRepeat);",
     '(planted("joins-without-rest") ? kRepeat : backoff(kJoinRepeat, member.joins_unanswered++, kLastRepeat));'),
    ("inventory-without-rest", "busy", 8, "directory/directory.cc",
     "    ask_all_again_ = context_.now.mono + backoff(kInventoryRepeat, ++inventory_repeats_, kLastInventoryRepeat);\n",
     "    ask_all_again_ = context_.now.mono + backoff(kInventoryRepeat, ++inventory_repeats_, kLastInventoryRepeat);\n"
     '    if (planted("inventory-without-rest")) ask_all_again_ = next_inventory_;\n'),
    ("tells-nobody-the-names", "names", 20, "membership/requests.cc",
     "  answer.names_agree = names != 0 && names == roster_.names_digest();",
     '  answer.names_agree = names != 0 && (names == roster_.names_digest() || planted("tells-nobody-the-names"));'),
    ("compares-all-the-time", "storm", 4, "membership/joining.cc",
     "    if (member.names != 0 && member.names == roster_.names_digest()) return;",
     '    if (!planted("compares-all-the-time") && member.names != 0 && member.names == roster_.names_digest()) return;'),
    ("keeps-whatever-it-hears", "moves", 20, "directory/directory.cc",
     "    if (!cluster_.owns(claim.id)) {\n      if (config_.peer_apply_own)",
     '    if (!cluster_.owns(claim.id) && !planted("keeps-whatever-it-hears")) {\n      if (config_.peer_apply_own)'),
    ("late-host-accuses", "busy", 4, "membership/liveness.cc",
     "void Liveness::was_late(Duration lag) {\n",
     'void Liveness::was_late(Duration lag) {\n  if (planted("late-host-accuses")) return;\n'),
    ("strangers-as-often", "storm", 4, "membership/roster.cc",
     "(agrees ? kRarely : 1);",
     '(agrees && !planted("strangers-as-often") ? kRarely : 1);'),
    ("dropped-comes-back", "slices", 20, "directory/displaced_activations.cc",
     "  return unswept_ != 0 && (holders_[slot.holder].over || lost_.contains(hash));",
     '  return unswept_ != 0 && !planted("dropped-comes-back") && (holders_[slot.holder].over || lost_.contains(hash));'),
]

# The node's own checks of its invariants find some faults before the oracle does, which is to find them as well.
CLAIMS = "  RINGSIDE_CHECK(cluster_.phase() == Phase::kReady && !directory_.inventory().in_doubt(hash_id(id)));\n"

OWNS = "  RINGSIDE_CHECK(cluster_.owns(id) || config_.peer_apply_own);"

# Second places of some: the name, file, text, replacement
ALSO = [
    *((name, "node_calls.cc", OWNS, f'  if (!planted("{name}"))\n  {OWNS}')
      for name in ("claim-while-draining", "holder-routes-on")),
    ("dropped-comes-back", "directory/displaced_activations.cc",
     "  constexpr std::size_t kEnough = 1024;", '  if (planted("dropped-comes-back")) return;\n  constexpr std::size_t kEnough = 1024;'),
    *((name, "node_calls.cc", CLAIMS, f'  if (!planted("{name}"))\n  {CLAIMS}')
      for name in ("claim-while-draining", "claim-in-doubt", "holder-routes-on")),
    *((name, "node_check.cc", "  check_calls();\n", f'  if (planted("{name}")) return;\n  check_calls();\n')
      for name in ("drop-queue", "two-turns")),
    ("keeps-whatever-it-hears", "directory/directory.cc", "  RINGSIDE_CHECK(cluster_.owns(id));\n",
     '  RINGSIDE_CHECK(cluster_.owns(id) || planted("keeps-whatever-it-hears"));\n'),
    ("keeps-whatever-it-hears", "directory/directory.cc", "  displaced_.check([this](ActorId id) { return cluster_.owns(id); });",
     '  displaced_.check([this](ActorId id) { return cluster_.owns(id) || planted("keeps-whatever-it-hears"); });'),
    ("stale-ring", "membership/view.cc",
     "void View::check() const {\n", 'void View::check() const {\n  if (planted("stale-ring")) return;\n'),
    ("clock-back-at-once", "membership/epoch_clock.cc",
     "  return later(other.by_time == 0 ? other.epoch",
     '  return later(other.by_time == 0 || planted("clock-back-at-once") ? other.epoch'),
    ("late-delivery", "node_calls.cc",
     "    if (const auto left = calls_.overdue(next->token)) {",
     '    if (const auto left = planted("late-delivery") ? std::nullopt : calls_.overdue(next->token)) {'),
    ("two-turns", "activations/activations.cc",
     "  RINGSIDE_CHECK(!actor.turn);\n", '  if (!planted("two-turns")) RINGSIDE_CHECK(!actor.turn);\n'),
    ("slate-on-the-ring", "life/life_cycle.cc",
     "void LifeCycle::check() const {\n",
     'void LifeCycle::check() const {\n  if (planted("slate-on-the-ring")) return;\n'),
]

FROM = {"clock-back-at-once": 20, "refusal-is-heard": 200, "released-asks-nobody": 100, "lost-member-is-dead": 100,
        "tells-nobody-the-names": 50}
HOSTS = {"strangers-as-often": 20}  # instead of 5: only in a larger cluster are there hosts that are not watched

HEADER = '#include "tests/sim/planted.h"\nusing ringside::sim::planted;\n'


def generate(source: pathlib.Path, target: pathlib.Path) -> None:
    texts = {str(path.relative_to(source)): path.read_text() for path in sorted(source.rglob("*.cc"))}
    places = [(fault[0], *fault[3:]) for fault in FAULTS] + ALSO
    for name, file, text, replacement in places:
        if texts[file].count(text) != 1:
            sys.exit(f"planted fault {name}: its text stands {texts[file].count(text)} times in {file}:\n{text}")
        texts[file] = texts[file].replace(text, replacement)
    for file, text in texts.items():
        whole = HEADER + text
        path = target / file
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != whole:
            path.write_text(whole)
    names = ", ".join(f'"{fault[0]}"' for fault in FAULTS)
    (target / "planted.cc").write_text(PLANTED % names)


PLANTED = '''#include "tests/sim/planted.h"

#include <cstring>

namespace ringside::sim {
namespace {

const char* const kNames[] = {%s};
std::string chosen;

}  // namespace

bool plant(const std::string& name) {
  for (const char* known : kNames) {
    if (name != known) continue;
    chosen = name;
    return true;
  }
  return false;
}

bool planted(const char* name) { return chosen == name; }

}  // namespace ringside::sim
'''

if __name__ == "__main__":
    if sys.argv[1:2] == ["names"]:
        for fault in FAULTS:
            print(*fault[:3], FROM.get(fault[0], 1), HOSTS.get(fault[0], 5), sep=";")
    elif sys.argv[1:2] == ["generate"] and len(sys.argv) == 4:
        generate(pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]))
    else:
        sys.exit(__doc__)
