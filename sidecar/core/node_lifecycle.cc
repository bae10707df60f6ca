// Node: the life of this host, and what follows from it in all parts (life/life_cycle.h).
#include <algorithm>
#include <utility>

#include "sidecar/base/overloaded.h"
#include "sidecar/core/node.h"

namespace ringside::core {

void Node::start(Now now, bool app_up, const std::string& why, Duration waited) {
  last_event_ = now.mono;
  phase_since_ = now.mono - waited;
  begin(now);
  carry_out(life_cycle_.start(app_up, why));
  follow_up();
}

void Node::app_up(Now now) {
  on_event(now, [&] { carry_out(life_cycle_.app_up()); });
}

void Node::app_down(Now now, const std::string& why, bool alive) {
  on_event(now, [&] { carry_out(life_cycle_.app_down(why, alive)); });
}

void Node::app_restarted(Now now) {
  on_event(now, [&] { carry_out(life_cycle_.app_restarted(activations_.actors().size())); });
}

void Node::drain(Now now, const std::string& by) {
  on_event(now, [&] { carry_out(life_cycle_.drain(activations_.actors().size(), by)); });
}

void Node::uncordon(Now now, const std::string& by) {
  on_event(now, [&] { carry_out(life_cycle_.uncordon(by)); });
}

void Node::deactivated(Now now, DeactivationId token, const Deactivated& said) {
  on_event(now, [&] {
    if (const auto steps = life_cycle_.deactivated(token, said)) {
      carry_out(*steps);
    } else if (const auto over = activations_.deactivated(token, said)) {
      switch (over->what) {
        case Activations::AfterDeactivation::What::kAskedAgain:
          break;
        case Activations::AfterDeactivation::What::kReleased:
          release(over->claim);
          break;
        case Activations::AfterDeactivation::What::kHandedOver:
          succession_.hand_over(over->claim);
          break;
        case Activations::AfterDeactivation::What::kStays:
          for (const CallId call : over->operators) calls_.finish(call, over->refusal);
          run(over->claim.id);
          break;
      }
      activations_.send_deactivations();
    }
  });
}

void Node::carry_out(const LifeSteps& steps) {
  for (const LifeStep& step : steps) {
    std::visit(base::Overloaded{
                   [&](const life_step::BeginRun& run) { begin_run(run.phase); },
                   [&](const life_step::SetPhase& set) { set_phase(set.phase); },
                   [&](const life_step::EndAll& end) { activations_.end_all(end.why); },
                   [&](const life_step::LoseAll&) { lose_all(); },
                   [&](const life_step::SayGoodbye&) {
                     change_membership([](Membership& membership) { membership.say_goodbye(true); });
                   },
                   [&](const life_step::TickSoon&) { tick_soon(); },
                   [&](const life_step::Reroute&) { reroute_soon(); },
                   [&](const life_step::Emit& emit) { context_.effects.push_back(emit.effect); },
               },
               step);
  }
}

// Under a new generation. Whatever the app still holds from before ends first.
void Node::begin_run(Phase phase) {
  const std::uint64_t random = context_.random.below(std::uint64_t{1} << kGenerationRandomBits);
  const Generation at = generation_at(context_.now.wall_ms, random);
  const Generation generation = std::max({cluster_.self().generation.next(), membership_.least_generation(), at});
  directory_.begin_run();
  reroute_soon();
  const Phase before = cluster_.phase();
  change_membership([&](Membership& membership) { membership.start(generation, phase); });
  tell_phase(before);
  tick_soon();
}

void Node::check_quorum() {
  if (config_.quorum == 0) return;
  carry_out(life_cycle_.see_quorum(cluster_.has_quorum(), cluster_.phase(), cluster_.members().size() + 1));
}

void Node::check_run() {
  // Handing over what an ended activation has answered may have to wait until the rings agree.
  const bool all_ended = activations_.actors().size() == succession_.under_way();
  if (life_cycle_.life().awaits_run()) {
    const std::optional<Phase> phase = all_ended ? life_cycle_.next_run() : std::nullopt;
    if (!phase) return;
    begin_run(*phase);
  }
  if (cluster_.phase() != Phase::kJoining || !cluster_.joined() || cluster_.confirming()) return;
  if (!directory_.inventory().closed() || !all_ended || !life_cycle_.life().has_quorum()) return;
  set_phase(Phase::kReady);
  reroute_soon();
  context_.log(Level::kInfo, "ready", {{"members", std::to_string(cluster_.members().size() + 1)}});
}

void Node::check_drained() {
  if (!life_cycle_.life().is_leaving() || !activations_.actors().empty() || !cluster_.leave_seen_by_all()) return;
  carry_out(life_cycle_.all_left());
}

void Node::drain_due() {
  constexpr std::size_t kLongEnough = 512;
  std::string left;
  activations_.actors().each_above(0, [&](const Actor& actor) {
    left += (left.empty() ? "" : " ") + name_of(actor);
    return left.size() < kLongEnough;
  });
  life_cycle_.drain_due(activations_.actors().size(), std::move(left));
}

// What --drain-timeout has left here is given up: turns may still end, but nobody will hear of it, and what waits
// behind them surely did not begin.
void Node::close(Now now) {
  on_event(now, [&] {
    for (const Calls::Left& left : calls_.give_up_all()) give_free(left);
    change_membership([](Membership& membership) { membership.close(); });
  });
}

}  // namespace ringside::core
