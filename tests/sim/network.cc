// The world: what hosts send one another.
#include <algorithm>

#include "tests/sim/world.h"

namespace ringside::sim {
namespace {

constexpr std::int64_t kLegacyTimeout = 2'000'000;
constexpr std::int64_t kSlicePause = 20'000;  // long enough for everything else to happen in between

// As it is taken in: a list of ids in slices, everything else whole.
std::vector<core::PeerAnswer> slices_of(core::PeerAnswer answer, std::size_t most) {
  const auto* all = std::get_if<core::IdsAnswer>(&answer);
  if (all == nullptr || all->ids.size() <= most) return {std::move(answer)};
  std::vector<core::PeerAnswer> slices;
  for (std::size_t at = 0; at < all->ids.size(); at += most) {
    const std::size_t end = std::min(at + most, all->ids.size());
    core::IdsAnswer slice;
    for (std::size_t i = at; i < end; ++i) slice.ids.push_back(all->ids[i]);
    slice.more = end < all->ids.size();
    slices.emplace_back(std::move(slice));
  }
  return slices;
}

// Asks for what follows that slice.
void go_on(core::PeerRequest& request, const core::PeerAnswer& slice) {
  if (auto* ids = std::get_if<core::IdsRequest>(&request)) ids->after = std::get<core::IdsAnswer>(slice).upto;
  if (auto* inventory = std::get_if<core::InventoryRequest>(&request)) {
    inventory->after = std::get<core::InventoryAnswer>(slice).upto;
    inventory->as_of = std::get<core::InventoryAnswer>(slice).as_of;
  }
}

// As a host says it, or hears it, that is of a version before there were weights.
void forget_weights(core::PeerAnswer& says) {
  if (auto* ping = std::get_if<core::PingAnswer>(&says)) ping->points = 0;
  if (auto* join = std::get_if<core::JoinAnswer>(&says)) join->points = 0;
}

}  // namespace

bool World::lost(std::size_t from, std::size_t to) {
  const bool apart = zone_is_cut_ && is_in_lost_zone(from) != is_in_lost_zone(to);
  return apart || dark_.contains(from) || dark_.contains(to) || cut_.contains({from, to}) ||
         chance(options_.faults.loss);
}

std::int64_t World::delay(std::size_t to) {
  const FaultOptions& f = options_.faults;
  if (hosts_[to].slow_until > now_) return between(f.delay_min_us, std::max<std::int64_t>(f.slow_max_us, 1));
  if (chance(f.slow_message)) return between(f.delay_max_us, f.slow_max_us);
  return between(f.delay_min_us, f.delay_max_us);
}

void World::ask(std::size_t from, core::AskPeer question) {
  traffic_.question(from, question.request, now_);
  const std::size_t to = index_of(question.host);
  const std::uint64_t asker = hosts_[from].incarnation;
  const auto answered = std::make_shared<bool>(false);
  const auto heard = [this, from, asker, token = question.token](core::PeerAnswer says) {
    on_host(from, asker, [this, token, says = std::move(says)](Host& h) {
      const auto* failure = std::get_if<core::PeerFailure>(&says);
      if (failure == nullptr || failure->kind == core::PeerFailure::Kind::kReset) h.must_ask_until = 0;
      h.node->peer_answered(time_of(h), token, says);
    });
  };
  const auto answer_all = [this, answered, heard](std::vector<core::PeerAnswer> slices) {
    if (std::exchange(*answered, true)) return;
    heard(std::move(slices.front()));
    for (std::size_t i = 1; i < slices.size(); ++i) {
      after(static_cast<std::int64_t>(i) * kSlicePause, [heard, slice = std::move(slices[i])] { heard(slice); });
    }
  };
  const auto answer = [this, answer_all](core::PeerAnswer says) { answer_all(slices_of(std::move(says), slice())); };
  after(question.timeout.count(), [answer] { answer(core::PeerFailure{core::PeerFailure::Kind::kLost, "late"}); });
  if (to >= hosts_.size()) return;
  if (question.host != hosts_[to].address && unresolved_.contains({from, to})) {
    return after(delay(from), [answer] {
      answer(core::PeerFailure{core::PeerFailure::Kind::kUnresolved, "no such name"});
    });
  }
  core::Sender sender = hosts_[from].node->self();
  sender.proven = hosts_[from].announced == hosts_[from].address;
  const auto shared = std::make_shared<const core::AskPeer>(std::move(question));
  const auto deliver = [this, from, to, sender, shared, answer, answer_all] {
    Host& target = hosts_[to];
    if (!target.alive()) {
      if (lost(to, from)) return;
      return after(delay(from), [answer] { answer(core::PeerFailure{core::PeerFailure::Kind::kReset, "refused"}); });
    }
    if (target.legacy) return ask_legacy(from, to, *shared, answer);
    ask_slices(from, to, sender, shared->request, {}, [this, from, to, answer_all](Slices all) {
      if (lost(to, from)) return;
      after(delay(from), [answer_all, all = std::move(all)] { answer_all(all); });
    });
  };
  std::int64_t late = 0;  // pings are read first
  if (options_.faults.bulk_late_us > 0 && hosts_[to].slow_until > now_ &&
      !std::holds_alternative<core::PingRequest>(shared->request)) {
    late = between(0, options_.faults.bulk_late_us);
  }
  if (!lost(from, to)) after(delay(to) + late, deliver);
  if (chance(options_.faults.duplicate)) after(delay(to) + delay(to), deliver);
}

// One slice after another, for as long as the process lives.
void World::ask_slices(std::size_t from, std::size_t to, const core::Sender& sender, core::PeerRequest request,
                       Slices so_far, std::function<void(Slices)> done) {
  const std::uint64_t incarnation = hosts_[to].incarnation;
  on_host(to, incarnation, [=, this, request = std::move(request), so_far = std::move(so_far)](Host& h) {
    const core::ReplyId token(next_number_++);
    h.asked[token] = [=, this](const core::PeerAnswer& says) {
      Slices all = so_far;
      all.push_back(says);
      auto* ping = std::get_if<core::PingAnswer>(&all.back());
      if (ping != nullptr && hosts_[to].lies_until > now_) ping->standing = core::Standing::kDeclaredDead;
      if (hosts_[to].knows_no_weights || hosts_[from].knows_no_weights) forget_weights(all.back());
      if (!core::goes_on(says)) return done(std::move(all));
      core::PeerRequest next = request;
      go_on(next, says);
      after(kSlicePause, [=, this] {
        if (hosts_[to].incarnation == incarnation) ask_slices(from, to, sender, next, all, done);
      });
    };
    h.node->peer_asked(time_of(h), token, sender, hosts_[from].name, request);
  });
}

void World::ask_legacy(std::size_t from, std::size_t to, const core::AskPeer& question, const Replied& answer) {
  core::PeerAnswer says = hosts_[to].legacy->answer(question.request);
  if (lost(to, from)) return;
  after(delay(from), [answer, says = std::move(says)] { answer(says); });
}

void World::forward(std::size_t from, core::ForwardCall call) {
  traffic_.forward();
  note([&] {
    return "forward " + std::to_string(batch_of(*call.call)) + " from " + hosts_[from].name + " to " + call.host;
  });
  const std::size_t to = index_of(call.host);
  const std::uint64_t asker = hosts_[from].incarnation;
  hosts_[from].forwards.insert(call.token);
  const auto answer = [this, from, asker, token = call.token](core::Answer says) {
    on_host(from, asker, [this, token, says = std::move(says)](Host& h) {
      if (h.forwards.erase(token) != 0) h.node->forward_answered(time_of(h), token, says);
    });
  };
  if (lost(from, to)) return;
  after(delay(to), [this, from, to, call = std::move(call), answer] {
    Host& target = hosts_[to];
    if (!target.alive()) {
      return after(delay(from), [answer] {
        answer(core::Answer::failed(core::Outcome::kNotDelivered, core::Reason::kPeerUnreachable));
      });
    }
    const auto done = [this, from, to, answer](core::Answer says) {
      if (lost(to, from)) return;
      after(delay(from), [answer, says = std::move(says)] { answer(says); });
    };
    auto copy = std::make_shared<core::Call>(*call.call);
    copy->origin = core::Origin::kPeer;
    if (target.legacy) return target.legacy->apply(copy, done);
    copy->hops = call.hops;
    copy->target = call.target;
    on_host(to, target.incarnation, [this, to, copy, done](Host& h) {
      const core::CallId token(next_number_++);
      h.calls[token] = done;
      deliver_to(to, token, copy);
    });
  });
}

// ---- a legacy host --------------------------------------------------------------------------------------------------

void World::legacy_asks(const std::string& from, const std::string& to, core::PeerRequest request, Replied done) {
  const std::size_t asker = index_of(from);
  const std::size_t target = index_of(to);
  if (target >= hosts_.size()) {
    return after(kLegacyTimeout, [done] { done(core::PeerFailure{core::PeerFailure::Kind::kLost, "late"}); });
  }
  after(delay(target), [this, asker, target, request = std::move(request), done = std::move(done)] {
    Host& host = hosts_[target];
    const auto answer = [this, asker, done](core::PeerAnswer says) {
      after(delay(asker), [done, says = std::move(says)] { done(says); });
    };
    if (!host.alive()) return answer(core::PeerFailure{core::PeerFailure::Kind::kReset, "refused"});
    if (host.legacy) return answer(host.legacy->answer(request));
    on_host(target, host.incarnation, [this, asker, target, request, answer](Host& h) {
      const core::ReplyId token(next_number_++);
      h.asked[token] = [this, target, request, answer](core::PeerAnswer says) {
        if (const auto* claims = std::get_if<core::OwnershipRequest>(&request)) {
          judge_acknowledgement(target, *claims, says);
        }
        answer(std::move(says));
      };
      h.node->peer_asked(time_of(h), token, core::Sender{}, hosts_[asker].name, request);
    });
  });
}

// First claim wins: nobody may accept a claim for what lives in its own app.
void World::judge_acknowledgement(std::size_t at, const core::OwnershipRequest& claims, const core::PeerAnswer& says) {
  const auto* ack = std::get_if<core::AckAnswer>(&says);
  if (ack == nullptr || !ack->accepted) return;
  for (const core::Claim& claim : claims.claims) {
    if (hosts_[at].app.active.contains(claim.id)) {
      oracle_.fail(hosts_[at].name + " lets " + claims.host + " have actor " + to_string(claim.id) +
                       ", which lives at " + hosts_[at].name,
                   now_, claim.id);
    }
  }
}

void World::legacy_forwards(const std::string& from, const std::string& to, core::CallPtr call, Answered done) {
  traffic_.forward();
  note([&] { return "forward " + std::to_string(batch_of(*call)) + " from legacy " + from + " to " + to; });
  const std::size_t asker = index_of(from);
  const std::size_t target = index_of(to);
  if (target >= hosts_.size()) {
    return done(core::Answer::failed(core::Outcome::kNotDelivered, core::Reason::kPeerUnreachable));
  }
  const auto over = std::make_shared<bool>(false);
  const auto answer = [this, asker, over, done = std::move(done)](core::Answer says) {
    after(delay(asker), [over, done, says = std::move(says)] {
      if (!std::exchange(*over, true)) done(says);
    });
  };
  // The caller's deadline is all that such a host knows of a call that was lost.
  at(std::max(now_, call->deadline.time_since_epoch().count()),
     [answer] { answer(core::Answer::failed(core::Outcome::kUnknown, core::Reason::kDeadline)); });
  after(delay(target), [this, target, call = std::move(call), answer] {
    Host& host = hosts_[target];
    if (!host.alive()) {
      return answer(core::Answer::failed(core::Outcome::kNotDelivered, core::Reason::kPeerUnreachable));
    }
    auto copy = std::make_shared<core::Call>(*call);
    copy->origin = core::Origin::kPeer;
    copy->hops.reset();
    copy->target.reset();
    if (host.legacy) return host.legacy->apply(copy, answer);
    on_host(target, host.incarnation, [this, target, copy, answer](Host& h) {
      const core::CallId token(next_number_++);
      h.calls[token] = answer;
      deliver_to(target, token, copy);
    });
  });
}

void World::legacy_turn(const std::string& at, core::CallPtr call, Answered done) {
  const std::size_t index = index_of(at);
  Host& host = hosts_[index];
  const core::ActorId id = call->id;
  activate(host, id, 0);
  const std::uint64_t batch = batch_of(*call);
  note([&] { return "turn " + std::to_string(batch) + " of " + to_string(id) + " on legacy " + host.name; });
  oracle_.turn_began(host.name, batch, id, 0, now_);
  after(between(50, 2'000), [this, index, id, batch, done = std::move(done), incarnation = host.incarnation] {
    if (hosts_[index].incarnation != incarnation) {
      return done(core::Answer::failed(core::Outcome::kUnknown, core::Reason::kPeerLost));
    }
    oracle_.turn_ended(hosts_[index].name, batch, id, 0, true);
    core::Answer answer;
    answer.outcome = core::Outcome::kApplied;
    done(std::move(answer));
  });
}

void World::legacy_ended(const std::string& at, core::ActorId id) {
  Host& host = hosts_[index_of(at)];
  host.app.active.erase(id);
  oracle_.ended(host.name, id, 0, false);
}

}  // namespace ringside::sim
