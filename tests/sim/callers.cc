// The world: those who call.
#include <algorithm>

#include "tests/sim/world.h"

namespace ringside::sim {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kIdleTimeout = 5 * kSecond;
constexpr std::int64_t kChangeLasts = 5 * kSecond;  // from a start or a drain until everybody has settled
constexpr int kPipelined = 3;

}  // namespace

// Half of all calls are for a few hot ids.
core::ActorId World::draw_id() {
  const auto ids = static_cast<std::uint64_t>(options_.ids);
  return core::ActorId(1 + random_.below(chance(0.5) ? std::max<std::uint64_t>(1, ids / 8) : ids));
}

// One caller: one call after the other, each at some host, for some id. Some allow repeats, some repeat by themselves
// with a key, some send several calls for one id without waiting, some come back just when the actor expires.
void World::call_again(int caller) {
  if (!calling_) return;
  const std::size_t host = random_.below(hosts_.size());
  const auto soon = [this, caller](std::int64_t delay) { after(delay, [this, caller] { call_again(caller); }); };
  if (!hosts_[host].alive() || hosts_[host].stopped) return soon(between(1'000, 50'000));
  if (options_.strict && hosts_[host].leaving) return soon(between(1'000, 50'000));
  Wanted wanted;
  wanted.caller = caller;
  wanted.id = draw_id();
  if (!options_.strict && chance(0.05)) wanted.patience = between(1'000, 100'000);
  wanted.repeatable = chance(0.1);
  const auto go_on = [this, soon] { soon(chance(0.1) ? between(0, kSecond) : between(0, 20'000)); };
  const bool to_legacy = options_.legacy_hosts > 0;  // that protocol has no keys
  if (!to_legacy && chance(0.1)) {
    wanted.keyed = true;
    wanted.batch = next_batch_++;
    call(host, wanted,
         [this, wanted, go_on](const core::Answer& answer) { repeat_with_key(wanted, answer, 3, go_on); });
  } else if (chance(0.05)) {
    const auto left = std::make_shared<int>(kPipelined);
    for (int i = 0; i < kPipelined; ++i) {
      call(host, wanted, [left, go_on](const core::Answer&) {
        if (--*left == 0) go_on();
      });
    }
  } else if (chance(0.02)) {
    call(host, wanted, [go_on](const core::Answer&) { go_on(); });
    wanted.caller = -1;
    after(kIdleTimeout + between(-3'000, 110'000), [this, host, wanted] {
      if (calling_ && hosts_[host].alive()) call(host, wanted, [](const core::Answer&) {});
    });
  } else {
    call(host, wanted, [go_on](const core::Answer&) { go_on(); });
  }
}

// Somebody who did not hear, or does not believe, the answer.
void World::repeat_with_key(Wanted wanted, const core::Answer& answer, int left, const std::function<void()>& then) {
  const bool doubtful = answer.outcome == core::Outcome::kUnknown || chance(0.3);
  if (left == 0 || !doubtful || !calling_) return then();
  after(between(0, chance(0.3) ? 3 * kSecond : 50'000), [this, wanted, left, then] {
    const std::size_t host = random_.below(hosts_.size());
    if (!hosts_[host].alive() || hosts_[host].stopped) return then();
    call(host, wanted,
         [this, wanted, left, then](const core::Answer& next) { repeat_with_key(wanted, next, left - 1, then); });
  });
}

void World::call(std::size_t index, Wanted wanted, Answered then) {
  Host& host = hosts_[index];
  if (wanted.batch == 0) wanted.batch = next_batch_++;
  const std::uint64_t number = next_call_++;
  const std::int64_t deadline = now_ + wanted.patience;
  oracle_.sent(number, {wanted.batch, wanted.caller, wanted.id, deadline, wanted.keyed, wanted.repeatable});
  note([&] { return "call " + std::to_string(wanted.batch) + " at " + host.name + " for " + to_string(wanted.id); });
  const auto done = [this, number, batch = wanted.batch, id = wanted.id,
                     then = std::move(then)](const core::Answer& answer) {
    note([&] {
      return "answer " + std::to_string(batch) + " for " + to_string(id) + " " +
             std::string(core::to_string(answer.outcome)) + " " + std::string(core::to_string(answer.reason));
    });
    oracle_.answered(number, answer, now_);
    if (options_.strict) judge_strictly(batch, id, answer);
    then(answer);
  };
  auto request = std::make_shared<core::Call>();
  request->id = wanted.id;
  request->request = std::to_string(wanted.batch);
  request->deadline = core::Instant(core::Duration(deadline));
  request->idempotent = wanted.repeatable;
  request->chain = wanted.chain;
  if (chance(options_.faults.app_puts_off)) put_off_.insert(wanted.batch);
  if (wanted.keyed) request->idempotency_key = "key " + std::to_string(wanted.batch);
  if (!host.alive()) return done(core::Answer::failed(core::Outcome::kNotDelivered, core::Reason::kPeerUnreachable));
  if (host.legacy) return host.legacy->apply(request, done);
  const core::CallId token(next_number_++);
  host.calls[token] = done;
  on_host(index, host.incarnation, [this, index, token, request](Host&) { deliver_to(index, token, request); });
}

// Of a run in which nothing stands in the way of a call, but that the app itself puts it off or that it would wait for
// itself.
void World::judge_strictly(std::uint64_t batch, core::ActorId id, const core::Answer& answer) {
  const bool loop = answer.outcome == core::Outcome::kInvalid && answer.reason == core::Reason::kCallLoop;
  const bool nobody = answer.reason == core::Reason::kNoOwner && !anybody_serves();
  if (answer.outcome == core::Outcome::kApplied || loop || nobody || put_off_.contains(batch)) return;
  oracle_.fail("batch " + std::to_string(batch) + " ends as " + std::string(core::to_string(answer.outcome)) +
                   " although nothing stood in its way: " + std::string(core::to_string(answer.reason)) + ", " +
                   answer.detail,
               now_, id);
}

// Only ids of ranges that change hands may wait.
void World::deliver_to(std::size_t index, core::CallId token, const core::CallPtr& call) {
  Host& host = hosts_[index];
  const std::size_t before = only_moves_ ? host.node->status().held : 0;
  host.node->apply(time_of(host), token, call);
  if (!only_moves_ || host.node->status().held <= before || may_wait(index, call->id)) return;
  oracle_.fail("a call of actor " + to_string(call->id) + " waits at " + host.name + ", although no change concerns it",
               now_, call->id);
}

// An id is concerned by a host that comes or goes if the ring gives it to that host when only those that stay are
// beside it, or if that host holds it.
bool World::may_wait(std::size_t index, core::ActorId id) const {
  const auto changing = [this](const Host& host) {
    return !host.alive() || host.leaving || now_ - host.changed_at < kChangeLasts;
  };
  if (changing(hosts_[index])) return true;
  auto ring = core::Ring::make({}, kPointsPerHost);
  for (const Host& host : hosts_) {
    if (!changing(host)) ring = ring->with(host.name, points_of(host.weight));
  }
  // Before or after the change it may have another weight: what it has with the greatest one it has with each of them,
  // or more.
  const std::uint32_t most =
      options_.weights ? points_of(*std::max_element(std::begin(kWeights), std::end(kWeights))) : kPointsPerHost;
  for (const Host& host : hosts_) {
    if (!changing(host) || now_ - host.changed_at > 2 * kChangeLasts) continue;
    if (host.app.active.contains(id) || *ring->with(host.name, most)->owner(id) == host.name) return true;
  }
  return false;
}

}  // namespace ringside::sim
