// The world: the application beside a host.
#include "tests/sim/world.h"

namespace ringside::sim {

void World::end_activations(Host& host) {
  for (const auto& [id, epoch] : std::exchange(host.app.active, {})) oracle_.ended(host.name, id, epoch, false);
}

void World::activate(Host& host, core::ActorId id, core::Epoch epoch) {
  const auto known = host.app.active.find(id);
  if (known != host.app.active.end()) {
    if (known->second == epoch) return;
    oracle_.ended(host.name, id, known->second, false);
  }
  host.app.active[id] = epoch;
  oracle_.activated(host.name, id, epoch, now_);
}

void World::start_turn(std::size_t index, core::StartTurn turn) {
  Host& host = hosts_[index];
  const FaultOptions& f = options_.faults;
  const core::ActorId id = turn.call->id;
  // A legacy host that said good-bye meanwhile, and was the only one, leaves nobody to ask.
  if (now_ < host.must_ask_until && host.node->status().members > 1) {
    oracle_.fail(host.name + " was stopped, and serves actor " + to_string(id) + " before it has asked anybody", now_,
                 id);
  }
  host.app.turns[turn.token] = {turn.call, turn.epoch};
  const auto end = [this, index, id, epoch = turn.epoch, batch = batch_of(*turn.call), token = turn.token,
                    incarnation = host.incarnation](const core::Answer& answer) {
    on_host(index, incarnation, [this, id, epoch, batch, token, answer](Host& h) {
      if (h.app.turns.erase(token) == 0) return;
      const bool final = answer.outcome == core::Outcome::kApplied || answer.outcome == core::Outcome::kRefused;
      oracle_.turn_ended(h.name, batch, id, epoch, final);
      const bool again = chance(options_.faults.app_repeats);
      h.node->turn_ended(time_of(h), token, answer);
      if (again) h.node->turn_ended(time_of(h), token, answer);
    });
  };
  const auto say_later = [this, end](std::int64_t delay, core::Outcome outcome, core::Reason reason) {
    after(delay, [end, outcome, reason] { end(core::Answer::failed(outcome, reason)); });
  };
  if (!host.app.up) return say_later(100, core::Outcome::kNotDelivered, core::Reason::kAppDown);
  // Looked at before a turn is written: whatever listens there is another process.
  if (host.app.known != host.app.instance) {
    return after(100, [this, index, end, incarnation = host.incarnation] {
      on_host(index, incarnation, [this](Host& h) { find_restart(h); });
      end(core::Answer::failed(core::Outcome::kNotDelivered, core::Reason::kAppDown));
    });
  }
  if (put_off_.contains(batch_of(*turn.call)) || chance(f.app_busy)) {
    oracle_.sent_back(batch_of(*turn.call));
    return say_later(200, core::Outcome::kNotDelivered, core::Reason::kAppBusy);
  }
  activate(host, id, turn.epoch);
  note([&] {
    return "turn " + std::to_string(batch_of(*turn.call)) + " of " + to_string(id) + " on " + host.name + " epoch " +
           to_string(turn.epoch);
  });
  oracle_.turn_began(host.name, batch_of(*turn.call), id, turn.epoch, now_);
  if (chance(f.app_hangs)) return;  // until --turn-timeout
  core::Answer answer;
  answer.outcome = core::Outcome::kApplied;
  if (chance(f.app_refuses)) answer = core::Answer::failed(core::Outcome::kRefused, core::Reason::kAppRefused);
  if (chance(f.app_fails)) answer = core::Answer::failed(core::Outcome::kUnknown, core::Reason::kAppFailed);
  if (chance(f.nested)) {
    return nested_turn(index, turn, [this, index, end, answer, instance = host.app.instance] {
      if (hosts_[index].app.instance == instance) end(answer);
    });
  }
  const std::int64_t took = chance(f.slow_turn) ? between(10'000, 1'000'000) : between(50, 2'000);
  after(took, [this, index, end, answer, instance = host.app.instance] {
    if (hosts_[index].app.instance == instance) end(answer);
  });
}

// It calls another actor, and ends when that has answered. Calls go upwards, so that no two actors wait for one
// another. The apps of every other seed pass their chains on, and now and then call the first actor of theirs.
void World::nested_turn(std::size_t index, const core::StartTurn& turn, std::function<void()> end) {
  Wanted wanted;
  wanted.caller = -1;
  const bool tells = options_.seed % 2 == 0;
  const bool loop = tells && chance(0.3);
  wanted.id =
      core::ActorId(loop ? std::stoull(turn.chain) : turn.call->id.value() + static_cast<std::uint64_t>(between(1, 3)));
  if (tells) wanted.chain = turn.chain;
  after(between(50, 500), [this, index, wanted, end = std::move(end), incarnation = hosts_[index].incarnation] {
    if (hosts_[index].incarnation != incarnation) return;
    call(index, wanted, [end](const core::Answer&) { end(); });
  });
}

// Cut off from a turn, the app gives it up.
void World::break_turn(std::size_t index, core::TurnId token) {
  Host& host = hosts_[index];
  const auto found = host.app.turns.find(token);
  if (found == host.app.turns.end()) return;
  const Turn turn = found->second;
  host.app.turns.erase(found);
  oracle_.turn_ended(host.name, batch_of(*turn.call), turn.call->id, turn.epoch, false);
  after(0, [this, index, token, incarnation = host.incarnation] {
    on_host(index, incarnation, [this, token](Host& h) {
      h.node->turn_ended(time_of(h), token, core::Answer::failed(core::Outcome::kUnknown, core::Reason::kTurnTimeout));
    });
  });
}

// What an app says that does not just save and forget: it wants to keep what it holds, or could not save it.
core::Deactivated World::answer_to_deactivation(const core::DeactivateActor& request) {
  using Kind = core::Deactivated::Kind;
  core::Deactivated said;
  if (!calling_) return said;
  if (request.why == core::Deactivation::kIdle && chance(options_.faults.app_declines)) said.kind = Kind::kNotNow;
  if (chance(options_.faults.app_cannot_save)) said.kind = chance(0.2) ? Kind::kSilent : Kind::kFailed;
  return said;
}

void World::deactivate(std::size_t index, const core::DeactivateActor& request) {
  Host& host = hosts_[index];
  const core::Deactivated said = answer_to_deactivation(request);
  const bool slow = chance(options_.faults.app_saves_slowly);
  const std::int64_t takes = slow ? between(100'000, 4'000'000) : between(50, 5'000);
  after(takes, [this, index, request, said, incarnation = host.incarnation, instance = host.app.instance] {
    on_host(index, incarnation, [this, request, said, instance](Host& h) {
      const core::Claim& claim = request.actor;
      if (h.app.instance == instance && said.kind == core::Deactivated::Kind::kDone) {
        const auto active = h.app.active.find(claim.id);
        if (active != h.app.active.end() && active->second == claim.epoch) {
          oracle_.ended(h.name, claim.id, claim.epoch, h.leaving);
          h.app.active.erase(active);
        }
      }
      h.node->deactivated(time_of(h), request.token, said);
    });
  });
}

void World::deactivate_all(std::size_t index, core::DeactivationId token) {
  Host& host = hosts_[index];
  const bool slow = anybody_serves() && chance(options_.faults.app_saves_slowly);
  const std::int64_t takes = slow ? between(100'000, 4'000'000) : between(50, 5'000);
  after(takes, [this, index, token, incarnation = host.incarnation, instance = host.app.instance] {
    on_host(index, incarnation, [this, token, instance](Host& h) {
      if (h.app.instance == instance) end_activations(h);
      h.node->deactivated(time_of(h), token, {});
    });
  });
}

}  // namespace ringside::sim
