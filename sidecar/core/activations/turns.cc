#include "sidecar/core/activations/turns.h"

#include <algorithm>

#include "sidecar/base/check.h"

namespace ringside::core {
namespace {

constexpr Duration kStuckAfter{300'000};

}  // namespace

Turn& Turns::begin(TurnId token, ActorId actor, CallId call, Instant now) {
  const auto [entry, fresh] = turns_.try_emplace(token);
  RINGSIDE_CHECK(fresh);
  Turn& turn = entry->second;
  turn.actor = actor;
  turn.call = call;
  turn.began = turn.told_until = now;
  return turn;
}

Turns::Ended Turns::end(TurnId token, Instant now) {
  Ended ended(turns_.extract(token));
  if (ended) last_end_ = now;
  return ended;
}

Turn* Turns::find(TurnId token) {
  const auto found = turns_.find(token);
  return found == turns_.end() ? nullptr : &found->second;
}

const Turn& Turns::at(TurnId token) const {
  const auto found = turns_.find(token);
  RINGSIDE_CHECK(found != turns_.end());
  return found->second;
}

void Turns::forget_caller(TurnId token) {
  Turn* turn = find(token);
  RINGSIDE_CHECK(turn != nullptr);
  turn->call = CallId();
}

bool Turns::has_room_for(const Call& call) const {
  return turns_.size() < (call.chain.empty() ? most_ + extra_ : most_of_all_);
}

bool Turns::make_room(Instant now) {
  if (turns_.size() < most_) extra_ = 0;
  if (waiting_.empty() || turns_.size() < most_ || now - last_end_ < kStuckAfter) return false;
  extra_ = std::min(most_of_all_ - std::min(most_of_all_, most_), std::max<std::size_t>(1, 2 * extra_));
  return true;
}

}  // namespace ringside::core
