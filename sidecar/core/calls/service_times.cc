#include "sidecar/core/calls/service_times.h"

namespace ringside::core {
namespace {

// Turns are reckoned as long as the fastest of late, and so a call is to have time for two of its own: behind three
// calls of 10 ms each it needs 50 ms.
constexpr std::size_t kTimesToSpare = 2;
constexpr int kBlock = 8;
constexpr int kEnough = 2;  // answers before anything is known
constexpr Duration kRemembered{10'000'000};
constexpr std::size_t kLeastSweep = 1024;

}  // namespace

void ServiceTimes::joined(ActorId id, Instant now) {
  actors_[id].used = now;
  if (actors_.size() >= sweep_at_) sweep(now);
}

void ServiceTimes::took(ActorId id, Duration time, Instant now) {
  const auto found = actors_.find(id);
  if (found == actors_.end()) return;
  Recent& recent = found->second;
  recent.used = now;
  recent.shortest = std::min(recent.shortest, std::max(time, Duration(1)));
  if (++recent.seen < kBlock) return;
  recent.before = recent.shortest;
  recent.shortest = Duration::max();
  recent.seen = 0;
}

base::Result<void, Answer> ServiceTimes::has_room(const Call& call, std::size_t ahead, std::size_t most,
                                                  Instant now) const {
  if (ahead >= most) return base::Error(Answer::failed(Outcome::kOverloaded, Reason::kActorQueueFull));
  // Behind a single turn it may still be lucky.
  if (ahead == 0 || of(call.id, ahead + kTimesToSpare) <= call.deadline - now) return {};
  return base::Error(Answer::failed(
      Outcome::kOverloaded, Reason::kActorQueueFull,
      "the deadline would pass before its turn: calls that wait for this actor already: " + std::to_string(ahead)));
}

base::Result<void, Answer> ServiceTimes::is_in_time(const Call& call, Instant now) const {
  const Duration left = call.deadline - now;
  if (of(call.id, kTimesToSpare) <= left || left <= Duration::zero()) return {};
  return base::Error(Answer::failed(Outcome::kOverloaded, Reason::kActorQueueFull,
                                    "waited behind others until the deadline would have passed during the turn"));
}

Duration ServiceTimes::of_one(ActorId id) const {
  const auto found = actors_.find(id);
  if (found == actors_.end()) return Duration::zero();
  const Recent& recent = found->second;
  const bool known = recent.before != Duration::max() || recent.seen >= kEnough;
  return known ? std::min(recent.before, recent.shortest) : Duration::zero();
}

void ServiceTimes::sweep(Instant now) {
  std::erase_if(actors_, [now](const auto& entry) { return now - entry.second.used > kRemembered; });
  sweep_at_ = std::max(kLeastSweep, 2 * actors_.size());
}

}  // namespace ringside::core
