// The world: what hosts want done, done.
#include <algorithm>
#include <type_traits>

#include "tests/sim/world.h"

namespace ringside::sim {

std::size_t World::index_of(const std::string& name) const {
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    if (hosts_[i].name == name) return i;
  }
  return hosts_.size();
}

void World::settle(std::size_t index) {
  Host& host = hosts_[index];
  const std::uint64_t incarnation = host.incarnation;
  while (host.node && host.incarnation == incarnation) {
    core::Effects effects = host.node->take_effects();
    if (effects.empty()) break;
    for (core::Effect& effect : effects) {
      carry_out(index, effect);
      if (host.incarnation != incarnation) return;
    }
  }
  arm(index);
}

void World::arm(std::size_t index) {
  Host& host = hosts_[index];
  if (!host.node || host.stopped) return;
  const core::Instant next = host.node->next_wakeup();
  if (next == core::kNever || next == host.wake_at) return;
  host.wake_at = next;
  at(std::max(now_, next.time_since_epoch().count()), [this, index, next, incarnation = host.incarnation] {
    Host& h = hosts_[index];
    if (h.incarnation != incarnation || h.stopped || h.wake_at != next) return;
    h.wake_at = core::kNever;
    on_host(index, incarnation, [this](Host& woken) { woken.node->wake(time_of(woken)); });
  });
}

void World::carry_out(std::size_t index, core::Effect& effect) {
  Host& host = hosts_[index];
  if (auto* question = std::get_if<core::AskPeer>(&effect)) {
    ask(index, std::move(*question));
  } else if (auto* answer = std::get_if<core::AnswerPeer>(&effect)) {
    const auto found = host.asked.find(answer->token);
    if (found == host.asked.end()) return oracle_.fail(host.name + " answers what nobody asked", now_);
    const auto reply = std::move(found->second);
    host.asked.erase(found);
    reply(std::move(answer->answer));
  } else if (auto* call = std::get_if<core::ForwardCall>(&effect)) {
    forward(index, std::move(*call));
  } else if (auto* abandon = std::get_if<core::AbandonForward>(&effect)) {
    host.forwards.erase(abandon->token);
  } else if (auto* turn = std::get_if<core::StartTurn>(&effect)) {
    start_turn(index, std::move(*turn));
  } else if (auto* broken = std::get_if<core::BreakTurn>(&effect)) {
    if (host.app.turns.erase(broken->token) == 0) return;
    after(0, [this, index, token = broken->token, incarnation = host.incarnation] {
      on_host(index, incarnation, [this, token](Host& h) {
        h.node->turn_ended(time_of(h), token,
                           core::Answer::failed(core::Outcome::kUnknown, core::Reason::kTurnTimeout));
      });
    });
  } else if (auto* request = std::get_if<core::DeactivateActors>(&effect)) {
    deactivate(index, *request);
  } else if (auto* finished = std::get_if<core::FinishCall>(&effect)) {
    const auto found = host.calls.find(finished->token);
    if (found == host.calls.end()) return oracle_.fail(host.name + " finishes a call twice", now_);
    const auto done = std::move(found->second);
    host.calls.erase(found);
    done(std::move(finished->answer));
  } else if (std::holds_alternative<core::ReadDiscovery>(effect)) {
    const bool fails = chance(options_.faults.discovery_fails);
    const bool stale = chance(options_.faults.discovery_stale);
    std::vector<std::string> names;
    for (const Host& one : hosts_) {
      if (!stale || chance(0.7)) names.push_back(one.name);
    }
    after(between(100, 20'000), [this, index, fails, names, incarnation = host.incarnation] {
      on_host(index, incarnation, [this, fails, names](Host& h) {
        h.node->discovered(time_of(h), fails ? std::vector<std::string>{} : names, !fails);
      });
    });
  } else if (std::holds_alternative<core::DrainDone>(effect)) {
    if (!host.leaving) return;
    after(between(1'000, 500'000), [this, index, incarnation = host.incarnation] {
      if (hosts_[index].incarnation != incarnation) return;
      kill_host(index, "exit");
      after(between(10'000, 3'000'000), [this, index] { start_host(index); });
    });
  } else if (auto* line = std::get_if<core::LogLine>(&effect)) {
    watch(index, *line);
  }
}

// The log tells when a host judged wrongly: what is promised then is less.
void World::watch(std::size_t index, const core::LogLine& line) {
  std::string text = hosts_[index].name + " " + line.event;
  for (const auto& [key, value] : line.fields) text += " " + key + "=" + value;
  note(text);
  const auto named = [&](const char* key) {
    for (const auto& [k, value] : line.fields) {
      if (k == key) return value;
    }
    return std::string();
  };
  if (line.event == "member_gone" && named("why") == "silent") {
    const std::size_t other = index_of(named("host"));
    if (other < hosts_.size() && hosts_[other].node) oracle_.exclusivity_void();
  }
  if (line.event == "host_silent") oracle_.exclusivity_void();
}

// ---- the network ----------------------------------------------------------------------------------------------------

bool World::lost(std::size_t from, std::size_t to) {
  ++messages_;
  return cut_.contains({from, to}) || chance(options_.faults.loss);
}

std::int64_t World::delay() {
  const FaultOptions& f = options_.faults;
  if (chance(f.slow_message)) return between(f.delay_max_us, f.slow_max_us);
  return between(f.delay_min_us, f.delay_max_us);
}

void World::ask(std::size_t from, core::AskPeer question) {
  const std::size_t to = index_of(question.host);
  const std::uint64_t asker = hosts_[from].incarnation;
  const auto answered = std::make_shared<bool>(false);
  const auto answer = [this, from, asker, answered, token = question.token](core::PeerAnswer says) {
    if (std::exchange(*answered, true)) return;
    on_host(from, asker,
            [this, token, says = std::move(says)](Host& h) { h.node->peer_answered(time_of(h), token, says); });
  };
  after(question.timeout.count(), [answer] { answer(core::PeerFailure{core::PeerFailure::Kind::kLost, "late"}); });
  if (to >= hosts_.size()) return;
  const core::Sender sender = hosts_[from].node->self();
  const auto deliver = [this, from, to, sender, question, answer] {
    Host& target = hosts_[to];
    if (!target.node) {
      if (!lost(to, from)) {
        after(delay(), [answer] { answer(core::PeerFailure{core::PeerFailure::Kind::kRefused, "refused"}); });
      }
      return;
    }
    on_host(to, target.incarnation, [this, from, to, sender, question, answer](Host& h) {
      const core::Token token = next_token_++;
      h.asked[token] = [this, from, to, answer](core::PeerAnswer says) {
        if (lost(to, from)) return;
        after(delay(), [answer, says = std::move(says)] { answer(says); });
      };
      h.node->peer_asked(time_of(h), token, sender, hosts_[from].name, question.request);
    });
  };
  if (!lost(from, to)) after(delay(), deliver);
  if (chance(options_.faults.duplicate)) after(delay() + delay(), deliver);
}

void World::forward(std::size_t from, core::ForwardCall call) {
  const std::size_t to = index_of(call.host);
  const std::uint64_t asker = hosts_[from].incarnation;
  hosts_[from].forwards.insert(call.token);
  const auto answer = [this, from, asker, token = call.token](core::Answer says) {
    on_host(from, asker, [this, token, says = std::move(says)](Host& h) {
      if (h.forwards.erase(token) != 0) h.node->forward_answered(time_of(h), token, says);
    });
  };
  if (lost(from, to)) return;
  after(delay(), [this, from, to, call, answer] {
    Host& target = hosts_[to];
    if (!target.node) {
      return after(delay(), [answer] {
        answer(core::Answer::failed(core::Outcome::kNotDelivered, core::Reason::kPeerUnreachable));
      });
    }
    on_host(to, target.incarnation, [this, from, to, call, answer](Host& h) {
      auto copy = std::make_shared<core::Call>(*call.call);
      copy->origin = core::Origin::kPeer;
      copy->hops = call.hops;
      copy->target = call.target;
      const core::Token token = next_token_++;
      h.calls[token] = [this, from, to, answer](core::Answer says) {
        if (lost(to, from)) return;
        after(delay(), [answer, says = std::move(says)] { answer(says); });
      };
      h.node->apply(time_of(h), token, copy);
    });
  });
}

// ---- the application ------------------------------------------------------------------------------------------------

void World::end_activations(Host& host) {
  for (const auto& [id, epoch] : std::exchange(host.app.active, {})) oracle_.ended(host.name, id, epoch, now_);
}

void World::start_turn(std::size_t index, core::StartTurn turn) {
  Host& host = hosts_[index];
  const auto end = [this, index, incarnation = host.incarnation, token = turn.token](core::Answer answer) {
    on_host(index, incarnation, [this, token, answer = std::move(answer)](Host& h) {
      if (h.app.turns.erase(token) != 0) h.node->turn_ended(time_of(h), token, answer);
    });
  };
  host.app.turns[turn.token] = turn.call;
  if (!host.app.up) {
    return after(100, [end] { end(core::Answer::failed(core::Outcome::kNotDelivered, core::Reason::kAppDown)); });
  }
  if (chance(options_.faults.app_busy)) {
    return after(200, [end] { end(core::Answer::failed(core::Outcome::kNotDelivered, core::Reason::kAppBusy)); });
  }
  const core::ActorId id = turn.call->id;
  const auto known = host.app.active.find(id);
  if (known == host.app.active.end() || known->second != turn.epoch) {
    if (known != host.app.active.end()) oracle_.ended(host.name, id, known->second, now_);
    host.app.active[id] = turn.epoch;
    oracle_.activated(host.name, id, turn.epoch, now_);
  }
  note("turn " + turn.call->request + " on " + host.name + " epoch " + std::to_string(turn.epoch));
  oracle_.delivered(std::stoull(turn.call->request));
  core::Answer answer;
  answer.outcome = core::Outcome::kApplied;
  if (chance(options_.faults.app_refuses))
    answer = core::Answer::failed(core::Outcome::kRefused, core::Reason::kAppRefused);
  if (chance(options_.faults.app_fails))
    answer = core::Answer::failed(core::Outcome::kUnknown, core::Reason::kAppFailed);
  const std::int64_t took = chance(options_.faults.slow_turn) ? between(10'000, 1'000'000) : between(50, 2'000);
  after(took, [this, index, end, answer, instance = host.app.instance] {
    if (hosts_[index].app.instance == instance) end(answer);
  });
}

void World::deactivate(std::size_t index, const core::DeactivateActors& request) {
  Host& host = hosts_[index];
  after(between(50, 5'000), [this, index, request, incarnation = host.incarnation, instance = host.app.instance] {
    on_host(index, incarnation, [this, request, instance](Host& h) {
      if (h.app.instance == instance) {
        for (const core::Claim& claim : request.actors) {
          const auto active = h.app.active.find(claim.id);
          if (active == h.app.active.end() || active->second != claim.epoch) continue;
          oracle_.ended(h.name, claim.id, claim.epoch, now_);
          h.app.active.erase(active);
        }
        if (request.all) end_activations(h);
      }
      h.node->deactivated(time_of(h), request.token);
    });
  });
}

}  // namespace ringside::sim
