// How much may be under way on this host at once, by weight (--queue-bytes), and how much of it for one actor.
//
// One actor's calls never take all that there is: at most as much as they leave to the others (dynamic thresholds:
// Choudhury and Hahne, 1998). With 64 MiB in all, of which calls of 40 MiB are under way, the calls of one actor may
// take 24 MiB of them. Up to a quarter of the whole nobody is counted.
//
// Invariant: bytes() is the weight of the calls that were admitted (whatever came of it) and not released since.
// Loop thread only.
#pragma once

#include <cstddef>
#include <optional>
#include <unordered_map>

#include "sidecar/base/result.h"
#include "sidecar/core/call.h"

namespace ringside::core {

class Admission {
 public:
  explicit Admission(std::size_t queue_bytes) : queue_bytes_(queue_bytes) {}

  struct Entry {
    base::Result<void, Answer> may_go_on;
    bool counted = false;  // in its actor's share
  };
  // Released once, whether it is refused or not.
  Entry admit(const Call& call);
  void release(const Call& call, bool counted);

  std::size_t bytes() const { return bytes_; }

 private:
  const std::size_t queue_bytes_;
  std::size_t bytes_ = 0;
  std::unordered_map<ActorId, std::size_t> shares_;
};

}  // namespace ringside::core
