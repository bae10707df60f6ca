// "X was last answered by Z": a bounded cache that saves a hop. Never consulted where this host is the ring owner.
#pragma once

#include <string>
#include <vector>

#include "sidecar/core/hash.h"

namespace ringside::core {

class Hints {
 public:
  explicit Hints(std::size_t slots = 8192) : slots_(slots) {}

  // nullptr: nothing known.
  const std::string* find(ActorId id) const {
    const Slot& slot = at(id);
    return slot.id == id ? &slot.host : nullptr;
  }
  void put(ActorId id, const std::string& host) { at(id) = {id, host}; }
  void drop(ActorId id) {
    if (at(id).id == id) at(id) = {};
  }

 private:
  struct Slot {
    ActorId id = 0;
    std::string host;
  };
  Slot& at(ActorId id) { return slots_[hash_id(id).value() % slots_.size()]; }
  const Slot& at(ActorId id) const { return slots_[hash_id(id).value() % slots_.size()]; }

  std::vector<Slot> slots_;
};

}  // namespace ringside::core
