#include "sidecar/core/activations/turns.h"

#include <algorithm>
#include <utility>

#include "sidecar/core/check.h"

namespace ringside::core {
namespace {

constexpr Duration kStuckAfter{300'000};

}  // namespace

void Turns::begin(Token token, Turn turn) {
  const bool fresh = turns_.emplace(token, std::move(turn)).second;
  RINGSIDE_CHECK(fresh);
}

std::optional<Turn> Turns::end(Token token, Instant now) {
  auto found = turns_.extract(token);
  if (found.empty()) return std::nullopt;
  last_end_ = now;
  return std::move(found.mapped());
}

Turn* Turns::find(Token token) {
  const auto found = turns_.find(token);
  return found == turns_.end() ? nullptr : &found->second;
}

const Turn& Turns::at(Token token) const {
  const auto found = turns_.find(token);
  RINGSIDE_CHECK(found != turns_.end());
  return found->second;
}

void Turns::forget_caller(Token token) {
  Turn* turn = find(token);
  RINGSIDE_CHECK(turn != nullptr);
  turn->call = 0;
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
