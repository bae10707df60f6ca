// Ids in ascending order, so that a listing goes on where its last page ended: about ten bytes for each id, and a page
// costs what it shows. A sorted list of sorted blocks (a B+ tree of two levels). Loop thread only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <vector>

#include "sidecar/core/types.h"

namespace ringside::core {

class IdIndex {
 public:
  static constexpr std::size_t kBlock = 512;

  void add(ActorId id) {
    auto block = block_of(id);
    if (block == blocks_.end()) block = blocks_.emplace(id, std::vector<ActorId>()).first;
    if (id < block->first) {
      auto node = blocks_.extract(block);
      node.key() = id;
      block = blocks_.insert(std::move(node)).position;
    }
    std::vector<ActorId>& ids = block->second;
    ids.insert(std::lower_bound(ids.begin(), ids.end(), id), id);
    if (ids.size() > kBlock) split(ids);
  }

  void remove(ActorId id) {
    const auto block = block_of(id);
    std::vector<ActorId>& ids = block->second;
    ids.erase(std::lower_bound(ids.begin(), ids.end(), id));
    if (ids.empty()) {
      blocks_.erase(block);
    } else if (ids.capacity() > 4 * ids.size()) {
      ids.shrink_to_fit();
    }
  }

  // Visits ids above `after` in ascending order, until `visit` returns false.
  template <typename Visit>
  void each_above(ActorId after, Visit&& visit) const {
    auto block = blocks_.upper_bound(after);
    if (block != blocks_.begin()) --block;
    for (; block != blocks_.end(); ++block) {
      const std::vector<ActorId>& ids = block->second;
      for (auto id = std::upper_bound(ids.begin(), ids.end(), after); id != ids.end(); ++id) {
        if (!visit(*id)) return;
      }
    }
  }

 private:
  using Blocks = std::map<ActorId, std::vector<ActorId>>;  // by an id that is not above any of the block

  Blocks::iterator block_of(ActorId id) {
    auto block = blocks_.upper_bound(id);
    if (block != blocks_.begin()) --block;
    return block;
  }

  void split(std::vector<ActorId>& ids) {
    const auto middle = ids.begin() + static_cast<std::ptrdiff_t>(ids.size() / 2);
    std::vector<ActorId> upper(middle, ids.end());
    ids.erase(middle, ids.end());
    const ActorId first = upper.front();
    blocks_.emplace(first, std::move(upper));
  }

  Blocks blocks_;
};

}  // namespace ringside::core
