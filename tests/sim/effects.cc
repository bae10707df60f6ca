// The world: what a node wants done, done.
#include <algorithm>

#include "tests/sim/world.h"

namespace ringside::sim {

void World::settle(std::size_t index) {
  Host& host = hosts_[index];
  const std::uint64_t incarnation = host.incarnation;
  if (host.node && is_looked_at(events_++)) host.node->check();
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
    traffic_.answer(index, answer->answer);
    reply(std::move(answer->answer));
  } else if (auto* call = std::get_if<core::ForwardCall>(&effect)) {
    forward(index, std::move(*call));
  } else if (auto* abandon = std::get_if<core::AbandonForward>(&effect)) {
    host.forwards.erase(abandon->token);
  } else if (auto* turn = std::get_if<core::StartTurn>(&effect)) {
    start_turn(index, std::move(*turn));
  } else if (auto* broken = std::get_if<core::BreakTurn>(&effect)) {
    break_turn(index, broken->token);
  } else if (auto* request = std::get_if<core::DeactivateActor>(&effect)) {
    deactivate(index, *request);
  } else if (auto* all = std::get_if<core::DeactivateAll>(&effect)) {
    deactivate_all(index, all->token);
  } else if (auto* finished = std::get_if<core::FinishCall>(&effect)) {
    const auto found = host.calls.find(finished->token);
    if (found == host.calls.end()) return oracle_.fail(host.name + " finishes a call twice", now_);
    const auto done = std::move(found->second);
    host.calls.erase(found);
    done(std::move(finished->answer));
  } else if (std::holds_alternative<core::ReadDiscovery>(effect)) {
    read_discovery(index);
  } else if (std::holds_alternative<core::DrainDone>(effect)) {
    if (host.leaving) leave_soon(index);
  } else if (auto* line = std::get_if<core::LogLine>(&effect)) {
    watch(index, *line);
  }
}

void World::read_discovery(std::size_t index) {
  const FaultOptions& f = options_.faults;
  const bool fails = chance(f.discovery_fails);
  const bool stale = chance(f.discovery_stale);
  const bool nobody = !fails && (chance(f.discovery_empty) || hosts_[index].nobody_until > now_);
  std::vector<std::string> names;
  if (!fails && !nobody) {
    for (const Host& one : hosts_) {
      if (!stale || chance(0.7)) names.push_back(one.address);
    }
  }
  if (chance(f.discovery_wrong)) names.push_back("10.9.9." + std::to_string(between(1, 5)));
  const bool whole = names.size() >= hosts_.size();
  after(between(100, 20'000), [this, index, fails, nobody, whole, names, incarnation = hosts_[index].incarnation] {
    on_host(index, incarnation, [this, fails, nobody, whole, names](Host& h) {
      // Where a source names nobody, what it named before stays; before that it is no answer.
      if (fails || nobody)
        return h.node->discovered(time_of(h), h.listed, !fails && !h.listed.empty(), "nobody is listed");
      h.misled = h.misled || !whole;
      h.listed = names;
      h.node->discovered(time_of(h), names, true);
    });
  });
}

// One host's word does not make another join anew as often as it likes.
void World::judge_burial(Host& host, const std::string& why) {
  constexpr std::int64_t kDeadAfter = 2'500'000;
  if (!why.starts_with("buried by ")) return;
  std::vector<std::int64_t>& times = host.obeyed[why];
  times.push_back(now_);
  if (times.size() < 3 || now_ - times[times.size() - 3] >= kDeadAfter) return;
  oracle_.fail(host.name + " has joined anew three times within --dead-after: " + why, now_);
}

// The log tells when a host judged wrongly: what is promised then is less.
void World::watch(std::size_t index, const core::LogLine& line) {
  note([&] {
    std::string text = hosts_[index].name + " " + line.event;
    for (const auto& [key, value] : line.fields) text += " " + key + "=" + value;
    return text;
  });
  const auto named = [&](const char* key) {
    for (const auto& [k, value] : line.fields) {
      if (k == key) return value;
    }
    return std::string();
  };
  if (line.event == "rejoin") judge_burial(hosts_[index], named("why"));
  if (line.event == "member_gone" && named("why") == "silent") {
    // In quorum mode the minority has stopped by itself before.
    const bool promised = options_.quorum && options_.faults.stops == 0 && !options_.faults.one_way;
    const std::size_t other = index_of(named("host"));
    if (other < hosts_.size() && hosts_[other].alive() && options_.changes_alone && !options_.faults.zone_cut) {
      oracle_.fail(hosts_[index].name + " takes " + hosts_[other].name + " for dead, which lives", now_);
    }
    if (!promised && other < hosts_.size() && hosts_[other].alive()) oracle_.exclusivity_void(now_);
  }
  // Who answers is not silent, whatever name it announces.
  if (line.event == "host_silent" && options_.faults.lost_names == 0) oracle_.exclusivity_void(now_);
  // Founded beside others, because discovery said that there were none.
  const auto alive = static_cast<std::size_t>(
      std::count_if(hosts_.begin(), hosts_.end(), [](const Host& host) { return host.alive(); }));
  const bool beside = hosts_[index].misled || options_.faults.wrong_clocks;
  if (line.event == "joined" && beside && hosts_[index].node->status().members < alive) {
    oracle_.exclusivity_void(now_);
  }
}

}  // namespace ringside::sim
