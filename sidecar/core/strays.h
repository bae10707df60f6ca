// Ids that another host holds although the ring names this one. Bounded; loop thread only.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "sidecar/core/types.h"

namespace ringside::core {

struct Stray {
  HostRun holder;
  Epoch epoch = 0;  // 0: a legacy host's
};

class Strays {
 public:
  explicit Strays(std::size_t limit) : limit_(limit) {}

  // False: the table is full. A newer epoch replaces an older one of the same id.
  bool put(ActorId id, const HostRun& holder, Epoch epoch);
  bool find(ActorId id, Stray& out) const;
  // Only that very activation: evidence about another one says nothing about this.
  bool drop(ActorId id, const std::string& host, Epoch epoch);
  void drop_run(const HostRun& holder);
  // Keeps only ids that `keep(id)` says.
  template <typename Keep>
  void keep_only(Keep&& keep) {
    std::erase_if(table_, [&](const auto& entry) {
      if (keep(entry.first)) return false;
      --holders_[entry.second.holder].strays;
      return true;
    });
  }
  void clear();
  std::size_t size() const { return table_.size(); }
  std::size_t held_by(const std::string& host) const;

 private:
  struct Entry {
    Epoch epoch;
    std::uint32_t holder;  // into holders_
  };

  std::uint32_t intern(const HostRun& holder);

  std::size_t limit_;
  std::unordered_map<ActorId, Entry> table_;
  struct Holder {
    HostRun run;
    std::size_t strays = 0;
  };
  std::vector<Holder> holders_;  // a slot without strays is used again
};

}  // namespace ringside::core
