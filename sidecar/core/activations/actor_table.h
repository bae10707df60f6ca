// The actors that are active here: claims, their turns and queues, in the order of their last use. Loop thread only.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "sidecar/core/activations/id_index.h"
#include "sidecar/core/activations/idempotency.h"
#include "sidecar/core/context.h"
#include "sidecar/core/local_claims.h"
#include "sidecar/core/tokens.h"
#include "sidecar/core/types.h"

namespace ringside::core {

// A call that waits for its turn.
struct QueuedCall {
  CallId token;
  CallPtr call;
  Instant since;
};

// A claim counts from before the activation until the app has confirmed the deactivation.
struct Actor {
  ActorId id = 0;
  Epoch epoch = 0;
  TurnId turn;  // under way, or none
  Instant last_used;
  bool deactivating = false;     // no turn begins any more
  bool broken = false;           // its last turn was broken off, and nobody knows what the app still does for it
  bool told = false;             // on the list of those that the app is asked to forget, or it has confirmed
  std::uint8_t unforgotten = 0;  // times in a row that the app failed to forget it while it was idle
  Deactivation why = Deactivation::kIdle;
  std::unique_ptr<std::deque<QueuedCall>> queue;  // calls behind the turn; null when empty
  std::unique_ptr<IdempotencyWindow> window;
  std::unique_ptr<std::string> name;  // where a caller named it by text
  Actor* older = nullptr;
  Actor* newer = nullptr;

  std::size_t queued() const { return queue ? queue->size() : 0; }
};

// As its callers call it: by its text, where they gave one.
inline std::string name_of(const Actor& actor) { return actor.name ? "name:" + *actor.name : to_string(actor.id); }

class ActorTable final : public LocalClaims {
 public:
  static constexpr std::size_t kMostRemembered = 32 << 20;

  // most_remembered: memory of the windows of all actors together.
  explicit ActorTable(std::size_t most_remembered = kMostRemembered) : most_remembered_(most_remembered) {}
  ActorTable(const ActorTable&) = delete;
  ActorTable& operator=(const ActorTable&) = delete;

  Actor* find(ActorId id);
  const Actor* find(ActorId id) const;
  Actor& at(ActorId id);  // one that is there
  const Actor& at(ActorId id) const;
  std::optional<Epoch> epoch_of(ActorId id) const override;
  void each_claim_above(ActorId after, const std::function<bool(const Claim&)>& visit) const override;
  Actor& create(ActorId id, Epoch epoch, Instant now);
  void erase(Actor& actor);
  void touch(Actor& actor, Instant now);  // makes it the most recently used
  // For repeats with the same key. Where all windows together grow too large, those of the longest idle are forgotten.
  void remember(Actor& actor, const Remembered& answer);
  Actor* oldest() const { return oldest_; }
  // One walk over all that are there, oldest first, in as many steps as one likes: whatever is added, removed or used
  // meanwhile, each of those that stay is met. nullptr: it is over.
  void begin_walk() { walk_ = oldest_; }
  Actor* next_in_walk() { return walk_ == nullptr ? nullptr : std::exchange(walk_, walk_->newer); }
  std::size_t size() const { return actors_.size(); }
  bool empty() const { return actors_.empty(); }

  // In the order of last use, oldest first; `visit` must not add or remove.
  template <typename Visit>
  void each(Visit&& visit) const {
    for (Actor* actor = oldest_; actor != nullptr; actor = actor->newer) visit(*actor);
  }

  // In the order of their ids, above `after`, until `visit` returns false; it must not add or remove.
  template <typename Visit>
  void each_above(ActorId after, Visit&& visit) const {
    ids_.each_above(after, [&](ActorId id) { return visit(at(id)); });
  }

 private:
  void link(Actor& actor);
  void unlink(Actor& actor);
  void forget_oldest();

  const std::size_t most_remembered_;
  std::size_t remembered_ = 0;
  std::unordered_map<ActorId, Actor> actors_;
  IdIndex ids_;
  Actor* oldest_ = nullptr;
  Actor* newest_ = nullptr;
  Actor* walk_ = nullptr;  // the next of the walk
};

}  // namespace ringside::core
