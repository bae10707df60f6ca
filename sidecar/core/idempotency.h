// The answers that an activation remembers, so that a repeat with the same key is answered and not carried out again.
// Bounded by count and bytes: the oldest goes first. Loop thread only.
#pragma once

#include <deque>
#include <string_view>
#include <vector>

#include "sidecar/core/peer_messages.h"

namespace ringside::core {

class IdempotencyWindow {
 public:
  static constexpr std::size_t kMaxEntries = 64;
  static constexpr std::size_t kMaxBytes = 256 * 1024;

  const Remembered* find(std::string_view key) const;
  void remember(Remembered entry);
  std::vector<Remembered> all() const { return {entries_.begin(), entries_.end()}; }
  std::size_t bytes() const { return bytes_; }
  static std::size_t size_of(const Remembered& entry) { return entry.key.size() + entry.result.size(); }

 private:
  std::deque<Remembered> entries_;
  std::size_t bytes_ = 0;
};

}  // namespace ringside::core
