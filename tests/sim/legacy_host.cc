#include "tests/sim/legacy_host.h"

#include <utility>

#include "sidecar/base/overloaded.h"

namespace ringside::sim {
namespace {

constexpr std::int64_t kPingInterval = 500'000;
constexpr int kMissesOfTheDead = 5;
constexpr std::int64_t kIdle = 5'000'000;

}  // namespace

LegacyHost::LegacyHost(LegacyWorld& world, std::string name, const std::vector<std::string>& others,
                       std::uint32_t points)
    : world_(world), name_(std::move(name)), seeds_(others), ring_(core::Ring::make({name_}, points)) {}

void LegacyHost::start(std::function<bool()> alive) {
  alive_ = std::move(alive);
  tick();
}

void LegacyHost::tick() {
  if (!alive_()) return;
  // Whoever is not known yet is asked to take this host in; whoever is known is pinged.
  for (const std::string& host : seeds_) {
    if (members_.contains(host) && negotiated_.contains(host)) continue;
    core::NegotiateRequest request;
    request.hosts.push_back(name_);
    for (const auto& [member, missed] : members_) request.hosts.push_back(member);
    world_.legacy_asks(name_, host, request, [this, host, alive = alive_](const core::PeerAnswer& says) {
      if (!alive() || !std::holds_alternative<core::NegotiateAnswer>(says)) return;
      negotiated_.insert(host);
      learn(host);
      for (const std::string& other : std::get<core::NegotiateAnswer>(says).hosts) learn(other);
    });
  }
  std::vector<std::string> hosts;
  for (const auto& [host, missed] : members_) hosts.push_back(host);
  for (const std::string& host : hosts) ping(host);
  expire();
  world_.after(kPingInterval, [this, alive = alive_] {
    if (alive()) tick();
  });
}

void LegacyHost::ping(const std::string& host) {
  world_.legacy_asks(name_, host, core::PingRequest{}, [this, host, alive = alive_](const core::PeerAnswer& says) {
    if (!alive()) return;
    const auto member = members_.find(host);
    if (member == members_.end()) return;
    const auto* failure = std::get_if<core::PeerFailure>(&says);
    member->second = failure == nullptr ? 0 : member->second + 1;
    const bool refused = failure != nullptr && failure->kind == core::PeerFailure::Kind::kReset;
    if (refused || member->second >= kMissesOfTheDead) remove(host);
  });
}

void LegacyHost::learn(const std::string& host) {
  if (host == name_ || members_.contains(host)) return;
  members_[host] = 0;
  ring_ = ring_->with(host);
}

void LegacyHost::remove(const std::string& host) {
  members_.erase(host);
  negotiated_.erase(host);
  if (ring_->contains(host)) ring_ = ring_->without(host);
  std::erase_if(held_by_, [&](const auto& entry) { return entry.second == host; });
}

core::AckAnswer LegacyHost::acknowledge(const core::OwnershipRequest& request) {
  core::AckAnswer ack;
  ack.accepted = true;
  for (const core::Claim& claim : request.claims) {
    if (actors_.contains(claim.id)) {
      ack.accepted = false;  // it says no more than that
    } else {
      held_by_[claim.id] = request.host;
    }
  }
  return ack;
}

core::PeerAnswer LegacyHost::answer(const core::PeerRequest& request) {
  return std::visit(base::Overloaded{
                        [&](const core::PingRequest&) -> core::PeerAnswer {
                          core::PingAnswer says;
                          says.host = name_;
                          return says;
                        },
                        [&](const core::NegotiateRequest& asks) -> core::PeerAnswer {
                          for (const std::string& host : asks.hosts) learn(host);
                          core::NegotiateAnswer says;
                          says.hosts.push_back(name_);
                          for (const auto& [host, missed] : members_) says.hosts.push_back(host);
                          return says;
                        },
                        [&](const core::IdsRequest&) -> core::PeerAnswer {
                          core::IdsAnswer says;
                          for (const auto& [id, actor] : actors_) says.ids.push_back(id);
                          return says;
                        },
                        [&](const core::OwnershipRequest& claims) -> core::PeerAnswer { return acknowledge(claims); },
                        [&](const core::LegacyExpiryRequest& ended) -> core::PeerAnswer {
                          for (const core::ActorId id : ended.ids) {
                            const auto held = held_by_.find(id);
                            if (held != held_by_.end() && held->second == ended.host) held_by_.erase(held);
                          }
                          return core::AckAnswer{true, "", {}};
                        },
                        [&](const core::ClosingRequest& closing) -> core::PeerAnswer {
                          remove(closing.host);
                          return core::AckAnswer{true, "", {}};
                        },
                        [&](const auto&) -> core::PeerAnswer {
                          return core::PeerFailure{core::PeerFailure::Kind::kUnserved, "unknown method"};
                        },
                    },
                    request);
}

void LegacyHost::apply(const core::CallPtr& call, std::function<void(core::Answer)> done) {
  const core::ActorId id = call->id;
  if (!actors_.contains(id)) {
    const auto held = held_by_.find(id);
    const std::string* owner = ring_->owner(id);
    const std::string target = held != held_by_.end() ? held->second : owner == nullptr ? name_ : *owner;
    if (target != name_) return world_.legacy_forwards(name_, target, call, std::move(done));
    actors_[id];
    claimed(id);
  }
  actors_[id].queue.push_back({call, std::move(done)});
  run_next(id);
}

// First touch: everybody is told, and whoever says no was first.
void LegacyHost::claimed(core::ActorId id) {
  for (const auto& [host, missed] : members_) {
    core::OwnershipRequest request{name_, 0, {{id, 0}}};
    world_.legacy_asks(name_, host, request, [this, host, id, alive = alive_](const core::PeerAnswer& says) {
      const auto* ack = std::get_if<core::AckAnswer>(&says);
      if (!alive() || ack == nullptr || ack->accepted) return;
      const auto mine = actors_.find(id);
      if (mine == actors_.end()) return;
      held_by_[id] = ack->rejected.empty() ? host : ack->rejected.front().holder;
      const std::vector<Waiting> queue = std::move(mine->second.queue);
      actors_.erase(mine);
      world_.legacy_ended(name_, id);
      for (const Waiting& one : queue) apply(one.call, one.done);
    });
  }
}

void LegacyHost::run_next(core::ActorId id) {
  const auto found = actors_.find(id);
  if (found == actors_.end() || found->second.busy || found->second.queue.empty()) return;
  Actor& actor = found->second;
  actor.busy = true;
  actor.last_used = world_.now();
  Waiting next = std::move(actor.queue.front());
  actor.queue.erase(actor.queue.begin());
  world_.legacy_turn(name_, next.call, [this, id, done = std::move(next.done), alive = alive_](core::Answer says) {
    done(std::move(says));
    if (!alive()) return;
    if (const auto still = actors_.find(id); still != actors_.end()) still->second.busy = false;
    run_next(id);
  });
}

void LegacyHost::expire() {
  std::vector<core::ActorId> ended;
  for (const auto& [id, actor] : actors_) {
    if (!actor.busy && actor.queue.empty() && world_.now() - actor.last_used > kIdle) ended.push_back(id);
  }
  if (ended.empty()) return;
  for (const core::ActorId id : ended) {
    actors_.erase(id);
    world_.legacy_ended(name_, id);
  }
  for (const auto& [host, missed] : members_) {
    world_.legacy_asks(name_, host, core::LegacyExpiryRequest{name_, ended}, [](const core::PeerAnswer&) {});
  }
}

void LegacyHost::abandon() {
  for (auto& [id, actor] : std::exchange(actors_, {})) {
    for (const Waiting& one : actor.queue) {
      one.done(core::Answer::failed(core::Outcome::kUnknown, core::Reason::kPeerLost));
    }
  }
}

void LegacyHost::say_goodbye() {
  for (const auto& [host, missed] : members_) {
    world_.legacy_asks(name_, host, core::ClosingRequest{name_}, [](const core::PeerAnswer&) {});
  }
}

}  // namespace ringside::sim
