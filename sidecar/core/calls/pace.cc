#include "sidecar/core/calls/pace.h"

namespace ringside::core {
namespace {

constexpr std::size_t kTimesToSpare = 2;  // a call needs this much of the pace, which is that of the fastest
constexpr int kBlock = 8;
constexpr int kEnough = 2;  // answers before anything is known
constexpr Duration kRemembered{10'000'000};
constexpr std::size_t kLeastSweep = 1024;

}  // namespace

void Pace::joined(ActorId id, Instant now) {
  lines_[id].used = now;
  if (lines_.size() >= sweep_at_) sweep(now);
}

void Pace::took(ActorId id, Duration time, Instant now) {
  const auto found = lines_.find(id);
  if (found == lines_.end()) return;
  Line& line = found->second;
  line.used = now;
  line.shortest = std::min(line.shortest, std::max(time, Duration(1)));
  if (++line.seen < kBlock) return;
  line.before = line.shortest;
  line.shortest = Duration::max();
  line.seen = 0;
}

std::optional<Answer> Pace::no_room(const Call& call, std::size_t ahead, std::size_t most, Instant now) const {
  if (ahead >= most) return Answer::failed(Outcome::kOverloaded, Reason::kActorQueueFull);
  // Behind a single turn it may still be lucky.
  if (ahead == 0 || of(call.id, ahead + kTimesToSpare) <= call.deadline - now) return std::nullopt;
  return Answer::failed(
      Outcome::kOverloaded, Reason::kActorQueueFull,
      "the deadline would pass before its turn: calls that wait for this actor already: " + std::to_string(ahead));
}

std::optional<Answer> Pace::too_late(const Call& call, Instant now) const {
  const Duration left = call.deadline - now;
  if (of(call.id, kTimesToSpare) <= left || left <= Duration::zero()) return std::nullopt;
  return Answer::failed(Outcome::kOverloaded, Reason::kActorQueueFull,
                        "waited behind others until the deadline would have passed during the turn");
}

Duration Pace::of_one(ActorId id) const {
  const auto found = lines_.find(id);
  if (found == lines_.end()) return Duration::zero();
  const Line& line = found->second;
  const bool known = line.before != Duration::max() || line.seen >= kEnough;
  return known ? std::min(line.before, line.shortest) : Duration::zero();
}

void Pace::sweep(Instant now) {
  std::erase_if(lines_, [now](const auto& entry) { return now - entry.second.used > kRemembered; });
  sweep_at_ = std::max(kLeastSweep, 2 * lines_.size());
}

}  // namespace ringside::core
