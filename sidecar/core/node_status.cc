// Node: what it tells about itself.
#include <algorithm>

#include "sidecar/core/node.h"

namespace ringside::core {

Sender Node::self() const {
  Sender self{cluster_.self().host, cluster_.self().generation, config_.cluster, clock_.reading()};
  self.phase = cluster_.phase();
  return self;
}

bool Node::expects(const std::string& host) const {
  if (cluster_.find(host) != nullptr) return true;
  const auto candidate = cluster_.candidates().all().find(host);
  return candidate != cluster_.candidates().all().end() && candidate->second.listed;
}

Status Node::status() const {
  Status status;
  status.host = cluster_.self().host;
  status.cluster = config_.cluster;
  status.zone = config_.zone;
  status.generation = cluster_.self().generation;
  status.phase = cluster_.phase();
  status.has_app = config_.has_app;
  status.app_up = life_cycle_.life().app_up();
  status.joined = cluster_.joined();
  status.confirming = cluster_.confirming();
  status.settled = cluster_.settled();
  status.quorum = life_cycle_.life().has_quorum();
  status.drain_overdue = life_cycle_.life().is_drain_overdue();
  status.ring = cluster_.ring()->fingerprint();
  status.points = config_.points;
  status.weight = config_.weight;
  status.members = cluster_.members().size() + 1;
  status.actors = activations_.actors().size();
  status.strays = directory_.displaced().size();
  status.turns_under_way = activations_.turns().size();
  status.turns_waiting = activations_.waiting();
  status.held_back = activations_.awaiting_room();
  status.ending = activations_.deactivations().size();
  status.calls = calls_.pending().size();
  status.queued_bytes = calls_.pending().bytes();
  status.held = calls_.pending().waiting().size();
  status.unfinished = calls_.unfinished() + activations_.unfinished() + directory_.unfinished() + legacy_.unfinished() +
                      succession_.unfinished() + explaining_.unfinished() + timers_.size() -
                      (next_tick_ == Timers::kNone ? 0 : 1) - (succession_.awaits_timer() ? 1 : 0);
  status.not_ready_because = explanations_.not_ready_because();
  return status;
}

std::vector<MemberStatus> Node::members(Instant now) const {
  std::vector<MemberStatus> out;
  const Ring& on = *cluster_.ring();
  const std::vector<double> shares = on.shares();
  const auto share_of = [&](const std::string& host) {
    const auto at = std::lower_bound(on.hosts().begin(), on.hosts().end(), host);
    return at != on.hosts().end() && *at == host ? shares[static_cast<std::size_t>(at - on.hosts().begin())] : 0.0;
  };
  MemberStatus self;
  self.host = cluster_.self().host;
  self.phase = cluster_.phase();
  self.generation = cluster_.self().generation;
  self.self = true;
  self.routes_only = !config_.has_app;
  self.on_ring = cluster_.joined() && on.contains(self.host);
  self.ring = on.fingerprint();
  self.actors = activations_.actors().size();
  self.load = activations_.turns().size() + activations_.waiting();
  self.share = self.on_ring ? share_of(self.host) : 0.0;
  self.version = config_.version;
  self.zone = config_.zone;
  self.points = self.on_ring ? config_.own_points() : 0;
  out.push_back(std::move(self));
  for (const auto& [host, member] : cluster_.members()) {
    MemberStatus status;
    status.host = host;
    status.phase = member.phase;
    status.generation = member.run.generation;
    status.legacy = member.legacy();
    status.routes_only = member.routes_only;
    status.on_ring = member.on_ring();
    status.rtt = member.rtt;
    status.silent_for = now - member.last_answer;
    status.ring = member.ring;
    status.actors = member.actors;
    status.load = member.load;
    status.strays = directory_.displaced().held_by(host);
    status.share = share_of(host);
    status.version = member.version;
    status.zone = member.zone;
    status.points = member.on_ring() ? member.points : 0;
    status.watched = member.watched;
    out.push_back(std::move(status));
  }
  for (const auto& [name, candidate] : cluster_.candidates().all()) {
    if (name == cluster_.self().host && !candidate.own_name) continue;
    if (candidate.state == Candidate::State::kAlias && candidate.problem.empty()) continue;
    MemberStatus status;
    status.host = name;
    status.member = false;
    status.legacy = candidate.legacy;
    if (candidate.first_asked != Instant()) status.silent_for = now - candidate.first_asked;
    const bool answers = candidate.last_answer != Instant() && now - candidate.last_answer < config_.dead_after;
    status.problem = candidate.problem;
    status.only_named = !candidate.listed && candidate.last_answer == Instant();
    if (status.problem.empty()) status.problem = answers ? "it has not joined yet" : "no answer yet";
    out.push_back(std::move(status));
  }
  return out;
}

std::vector<ActorStatus> Node::actors(Instant now, std::size_t limit, ActorId after) const {
  std::vector<ActorStatus> out;
  if (limit == 0) return out;
  activations_.actors().each_above(after, [&](const Actor& actor) {
    out.push_back(activations_.status_of(actor, now));
    return out.size() < limit;
  });
  return out;
}

}  // namespace ringside::core
