// The answers that an activation remembers, so that a repeat with the same key is answered and not carried out again.
// Bounded by count and bytes: the oldest goes first. Of an answer that is too large by itself only is kept that there
// was one (Outcome::kUnknown): a repeat cannot be answered with it, and is not carried out either. Loop thread only.
//
// A million actors may each hold one small answer: all entries of a window stand in one piece of memory.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/core/call.h"
#include "sidecar/core/peer_messages.h"

namespace ringside::core {

class IdempotencyWindow {
 public:
  static constexpr std::size_t kMaxEntries = 64;
  static constexpr std::size_t kMaxBytes = 256 * 1024;

  std::optional<Remembered> find(std::string_view key) const;
  // The key under which the answer to the call is kept: its own, or that of a step behind it where earlier answers
  // under this key were redirects that led to this call (a client follows with the same key).
  std::string key_of(const Call& call) const;
  void remember(const Remembered& entry);
  std::vector<Remembered> all() const;
  // The memory that it takes, itself and what the allocator adds included.
  std::size_t held() const;

 private:
  struct Head;
  std::optional<Head> head_of(std::string_view key) const;
  template <typename Visit>
  void each(Visit&& visit) const;

  std::string entries_;  // each a Head, its key and its result
  std::size_t count_ = 0;
};

// The same of answers that are kept one by one, each in a piece of memory of its own.
std::size_t held_by(const Remembered& entry);

}  // namespace ringside::core
