// What activations that ended elsewhere had answered under idempotency keys, for the activation that follows here.
// Bounded by count and bytes: the oldest are forgotten first. Loop thread only.
#pragma once

#include <cstddef>
#include <deque>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sidecar/core/activations/idempotency.h"
#include "sidecar/core/peer_messages.h"

namespace ringside::core {

class Inherited {
 public:
  static constexpr std::size_t kMost = 10'000;  // actors
  static constexpr std::size_t kMostBytes = 16 << 20;

  explicit Inherited(std::size_t most_bytes = kMostBytes) : most_bytes_(most_bytes) {}

  // A later activation knew all that an earlier one did: the answers of the greatest epoch are kept.
  void put(Ended ended) {
    const auto [entry, fresh] = answers_.try_emplace(ended.id);
    if (fresh) order_.push_back(ended.id);
    if (fresh || entry->second.epoch < ended.epoch) {
      if (!fresh) bytes_ -= size_of(entry->second);
      bytes_ += size_of(ended);
      entry->second = std::move(ended);
    }
    while (answers_.size() > kMost || bytes_ > most_bytes_ || order_.size() > 2 * kMost) {
      take(order_.front());  // if it has not been taken before
      order_.pop_front();
    }
  }

  // Empty: nothing is known. They are the activation's from now on.
  std::vector<Remembered> take(ActorId id) {
    const auto found = answers_.find(id);
    if (found == answers_.end()) return {};
    bytes_ -= size_of(found->second);
    std::vector<Remembered> all = std::move(found->second.remembered);
    answers_.erase(found);
    return all;
  }

  template <typename Visit>
  void each(Visit&& visit) const {
    for (const auto& [id, ended] : answers_) visit(ended);
  }

 private:
  static std::size_t size_of(const Ended& ended) {
    constexpr std::size_t kInTheTable = 128;  // its node, its bucket, its place in the order
    std::size_t bytes = kInTheTable;
    for (const Remembered& one : ended.remembered) bytes += held_by(one);
    return bytes;
  }

  const std::size_t most_bytes_;
  std::size_t bytes_ = 0;
  std::unordered_map<ActorId, Ended> answers_;
  std::deque<ActorId> order_;  // as they came; some have been taken since
};

}  // namespace ringside::core
