#include "sidecar/core/node.h"

#include <algorithm>
#include <utility>

#include "sidecar/base/check.h"
#include "sidecar/base/overloaded.h"

namespace ringside::core {
namespace {

constexpr Duration kTick{100'000};
constexpr Duration kLate{50'000};  // of a tick: the machine, or this host's own work, keeps it from what is due

}  // namespace

Node::Node(NodeConfig config, std::uint64_t seed)
    : config_(std::move(config)),
      context_(seed),
      changing_membership_(static_cast<const MembershipConfig&>(config_), context_, clock_),
      activations_(config_, context_, timers_, cluster_),
      directory_(config_, context_, cluster_, activations_.actors()),
      legacy_(config_, context_, cluster_, activations_.actors()),
      succession_(config_, context_, timers_, cluster_),
      life_cycle_(config_, context_, timers_),
      explanations_(config_, context_, membership_, life_cycle_, activations_, directory_),
      explaining_(context_, cluster_),
      calls_(config_, context_, timers_, explanations_) {}

Effects Node::take_effects() {
  for (const Effect& effect : context_.effects) {
    if (const auto* answer = std::get_if<AnswerPeer>(&effect)) {
      const bool was_asked = unanswered_.erase(answer->token) == 1;
      RINGSIDE_CHECK(was_asked);
    }
  }
  return std::exchange(context_.effects, {});
}

Instant Node::next_wakeup() const { return timers_.next(); }

// Before anything that was queued is handled: was this process stopped for so long that others may have given it up?
void Node::begin(Now now) {
  context_.now = now;
  clock_.advance(now);
  const Duration lag = now.mono - last_event_;
  last_event_ = now.mono;
  if (!life_cycle_.life().has_begun()) return;
  if (lag > config_.dead_after / 2) {
    change_membership([&](Membership& membership) { membership.suspect_self(lag); });
  }
}

// What follows from an event, once its own handling is over.
void Node::follow_up() {
  advance_orders();
  if (directory_.ask_inventory()) reroute_soon();
  tell_successors();
  resolve_contested();
  check_quorum();
  check_run();
  check_drained();
  if (std::exchange(reroutes_, false)) reroute_waiting();
  advance_orders();
  legacy_.drop_unused_grants();
  succession_.tell_ends();
  if (next_slice_ == Timers::kNone && (directory_.is_sweep_due() || activations_.is_ending_all())) {
    next_slice_ = timers_.add(context_.now.mono, due::Slice{});
  }
}

// Of what would take too long at once.
void Node::slice_due() {
  next_slice_ = Timers::kNone;
  directory_.sweep();
  activations_.end_more();
}

void Node::wake(Now now) {
  if (const Instant due = timers_.next(); due < now.mono) context_.lateness.was_late(now.mono - due, now.mono);
  on_event(now, [&] {
    while (const std::optional<Timer> timer = timers_.pop_due(now.mono)) {
      std::visit(base::Overloaded{
                     [&](due::Tick) { tick(); },
                     [&](due::CallDeadline at) {
                       if (const auto left = calls_.deadline_due(at.call)) give_free(*left);
                     },
                     [&](due::CallRetry at) { retry_due(at.call); },
                     [&](due::ActorRetry at) { run(at.actor); },
                     [&](due::TurnTimeout at) { activations_.due(at); },
                     [&](due::TurnBreak at) { activations_.due(at); },
                     [&](due::EndingAgain at) { activations_.due(at); },
                     [&](due::IdleAgain at) { activations_.due(at); },
                     [&](due::InitialReset) { carry_out(life_cycle_.initial_reset_due()); },
                     [&](due::Drain) { drain_due(); },
                     [&](due::Succession) { succession_.due(); },
                     [&](due::Slice) { slice_due(); },
                 },
                 *timer);
      advance_orders();
    }
  });
}

// What the others are to hear of at once is said by the tick; never within an event, whose caller may be looking at
// what the tick changes.
void Node::tick_soon() {
  timers_.cancel(next_tick_);
  tick_at(context_.now.mono);
}

void Node::tick_at(Instant when) {
  next_tick_at_ = when;
  next_tick_ = timers_.add(when, due::Tick{});
}

void Node::tick() {
  // A host that is late with its own work is late with what it hears: it accuses nobody for that (Lifeguard).
  if (const Duration late = context_.now.mono - next_tick_at_; late > kLate) {
    change_membership([&](Membership& membership) { membership.was_late(late); });
  }
  tick_at(context_.now.mono + std::min(kTick, config_.ping_interval / 2));
  std::vector<std::string> due;
  change_membership([&](Membership& membership) { due = membership.begin_tick(); });
  for (const std::string& host : due) {
    change_membership([&](Membership& membership) { membership.tick_member(host); });
  }
  change_membership([](Membership& membership) { membership.end_tick(); });
  activations_.deactivate_idle();
  context_.hot.tick(context_.now.mono);
  life_cycle_.tick(activations_.actors().size());
  if (activations_.make_room()) run_with_room();
  for (auto& [host, news] : legacy_.take_news()) {
    directory_.announce(host, std::move(news.claims));
    if (!news.ask_ids && news.doubted.empty()) continue;
    if (directory_.awaits_ids(host)) {  // one list after another
      legacy_.ask_ids(host, news.doubted);
    } else {
      directory_.ask_ids(host, news.doubted);
    }
  }
}

// ---- what the membership says ---------------------------------------------------------------------------------------

void Node::handle_view_events() {
  if (handling_view_events_) return;  // a handler has changed something: the loop that called it goes on with that
  handling_view_events_ = true;
  for (int round = 0; true; ++round) {
    const std::vector<ViewEvent> events = changing_membership_.take_events();
    if (events.empty()) break;
    // A handler may change the phase (MustRejoin), from which nothing more follows. It may not change the ring: what
    // it does afterwards would be decided by a ring that has not been looked at.
    RINGSIDE_CHECK(round < 2);
    RINGSIDE_CHECK(round == 0 || !std::holds_alternative<view_event::RingChanged>(events.front()));
    for (const ViewEvent& event : events) {
      std::visit(base::Overloaded{
                     [&](const view_event::RingChanged& ring) { ring_changed(*ring.before, *ring.after); },
                     [&](const view_event::Admitted& member) { admitted(member.run); },
                     [&](const view_event::RunEnded& ended) { run_ended(ended.run, ended.how); },
                     [&](const view_event::LeftRing& member) { left_ring(member.run, member.phase); },
                     [&](const view_event::Joined&) { joined(); },
                     [&](const view_event::MustRejoin& rejoin) {
                       carry_out(life_cycle_.must_rejoin(rejoin.why, cluster_.phase(), rejoin.buried_by));
                     },
                     [&](const view_event::Confirmed&) { confirmed(); },
                     [&](const view_event::HeardAgain&) { reroute_soon(); },
                     [&](const view_event::Changed&) { view_changed(); },
                 },
                 event);
    }
  }
  handling_view_events_ = false;
}

void Node::set_phase(Phase phase) {
  const Phase before = cluster_.phase();
  change_membership([phase](Membership& membership) { membership.set_phase(phase); });
  tell_phase(before);
}

void Node::tell_phase(Phase before) {
  const Phase phase = cluster_.phase();
  if (phase == before) return;
  HostEvent event{.kind = EventKind::kPhaseChanged, .by = life_cycle_.on_whose_word(phase)};
  event.why = std::string(to_string(phase)) + " now, " + to_string(before) + " before: " + life_cycle_.why_in(phase);
  event.lasted = context_.now.mono - std::exchange(phase_since_, context_.now.mono);
  event.facts = {{"from", std::string(to_string(before))}, {"to", std::string(to_string(phase))}};
  context_.happened(std::move(event));
}

void Node::ring_changed(const Ring& before, const Ring& after) {
  reroute_soon();
  // A joiner gains its whole range later, when it knows whom to ask; before, it has nothing that it could lose.
  if (!cluster_.joined() && directory_.inventory().closed() && directory_.displaced().size() == 0) return;
  const std::string& self = cluster_.self().host;
  HashRanges gained = after.ranges(self);
  HashRanges lost = before.ranges(self);
  const HashRanges now_mine = gained;
  gained.remove(lost);
  lost.remove(now_mine);
  if (cluster_.joined()) directory_.gain(gained);
  if (lost.empty()) return;
  directory_.lose(lost);
}

void Node::run_ended(const HostRun& run, Gone how) {
  reroute_soon();
  directory_.run_ended(run);
  // A process that ends, or takes no new connections, still answers what it was sent; one that is gone breaks its
  // connections, and the transport says so. Only from a silent one nothing comes at all.
  if (how != Gone::kSilent) return;
  for (const ForwardId token : calls_.forwards_to(run.host)) {
    context_.effects.push_back(AbandonForward{token});
    forward_ended(token, Answer::failed(Outcome::kUnknown, Reason::kPeerLost));
  }
  context_.effects.push_back(DropPeerQueue{run.host});
}

// A legacy host that comes into a living cluster may hold ids already, and does not announce them again. It asks nobody
// either: what this host holds in its range it has to be told, and says so where it holds the same.
void Node::admitted(const HostRun& run) {
  if (run.generation != 0) return;
  legacy_.introduce(run.host);
  tick_soon();
}

void Node::left_ring(const HostRun& run, Phase phase) {
  reroute_soon();
  if (phase == Phase::kAppDown) directory_.drop_run(run);
}

void Node::joined() {
  reroute_soon();
  directory_.gain(cluster_.ring()->ranges(cluster_.self().host));
}

void Node::confirmed() {
  reroute_soon();
  run_with_room();
}

void Node::view_changed() {
  reroute_soon();
  succession_.look_again();
  context_.effects.push_back(ViewChanged{});
}

// ---- events that only pass on ---------------------------------------------------------------------------------------

void Node::discovered(Now now, const std::vector<std::string>& addresses, bool complete, const std::string& missing) {
  on_event(now, [&] {
    if (life_cycle_.life().has_run()) {  // a run that begins has it read again
      change_membership([&](Membership& membership) { membership.discovered(addresses, complete, missing); });
    }
  });
}

void Node::connection_lost(Now now, const std::string& host) {
  on_event(now, [&] { change_membership([&](Membership& membership) { membership.connection_lost(host); }); });
}

}  // namespace ringside::core
