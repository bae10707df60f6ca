#include "sidecar/core/activations/actor_table.h"

#include "sidecar/base/check.h"

namespace ringside::core {
namespace {

constexpr std::size_t kMostBuckets = 16;  // for each actor; the table does not shrink by itself
constexpr std::size_t kFew = 1024;

}  // namespace

Actor* ActorTable::find(ActorId id) {
  const auto found = actors_.find(id);
  return found == actors_.end() ? nullptr : &found->second;
}

const Actor* ActorTable::find(ActorId id) const {
  const auto found = actors_.find(id);
  return found == actors_.end() ? nullptr : &found->second;
}

Actor& ActorTable::at(ActorId id) {
  Actor* actor = find(id);
  RINGSIDE_CHECK(actor != nullptr);
  return *actor;
}

const Actor& ActorTable::at(ActorId id) const {
  const Actor* actor = find(id);
  RINGSIDE_CHECK(actor != nullptr);
  return *actor;
}

std::optional<Epoch> ActorTable::epoch_of(ActorId id) const {
  const Actor* actor = find(id);
  return actor == nullptr ? std::nullopt : std::optional(actor->epoch);
}

void ActorTable::each_claim_above(ActorId after, const std::function<bool(const Claim&)>& visit) const {
  each_above(after, [&visit](const Actor& actor) { return visit({actor.id, actor.epoch}); });
}

Actor& ActorTable::create(ActorId id, Epoch epoch, Instant now) {
  Actor& actor = actors_[id];
  actor.id = id;
  actor.epoch = epoch;
  actor.last_used = now;
  link(actor);
  ids_.add(id);
  return actor;
}

void ActorTable::erase(Actor& actor) {
  if (actor.window) remembered_ -= actor.window->held();
  unlink(actor);
  ids_.remove(actor.id);
  actors_.erase(actor.id);
  if (actors_.bucket_count() > kMostBuckets * (actors_.size() + kFew)) actors_.rehash(2 * actors_.size());
}

void ActorTable::touch(Actor& actor, Instant now) {
  actor.last_used = now;
  if (newest_ == &actor) return;
  unlink(actor);
  link(actor);
}

void ActorTable::remember(Actor& actor, const Remembered& answer) {
  if (actor.window) {
    remembered_ -= actor.window->held();
  } else {
    actor.window = std::make_unique<IdempotencyWindow>();
  }
  actor.window->remember(answer);
  remembered_ += actor.window->held();
  if (remembered_ > most_remembered_) forget_oldest();
}

// Somewhat below the bound, so that the next answer does not look through all actors again. What is being handed over
// stays: its successors are promised all of it.
void ActorTable::forget_oldest() {
  const std::size_t enough = most_remembered_ - most_remembered_ / 8;
  for (Actor* actor = oldest_; actor != nullptr && remembered_ > enough; actor = actor->newer) {
    if (!actor->window || actor->deactivating) continue;
    remembered_ -= actor->window->held();
    actor->window.reset();
  }
}

void ActorTable::link(Actor& actor) {
  actor.older = newest_;
  actor.newer = nullptr;
  (newest_ != nullptr ? newest_->newer : oldest_) = &actor;
  newest_ = &actor;
}

void ActorTable::unlink(Actor& actor) {
  if (walk_ == &actor) walk_ = actor.newer;
  (actor.older != nullptr ? actor.older->newer : oldest_) = actor.newer;
  (actor.newer != nullptr ? actor.newer->older : newest_) = actor.older;
}

}  // namespace ringside::core
