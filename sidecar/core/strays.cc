#include "sidecar/core/strays.h"

namespace ringside::core {

std::uint32_t Strays::intern(const HostRun& holder) {
  std::size_t free = holders_.size();
  for (std::size_t i = 0; i < holders_.size(); ++i) {
    if (holders_[i].run == holder) return static_cast<std::uint32_t>(i);
    if (holders_[i].strays == 0) free = i;
  }
  if (free == holders_.size()) holders_.emplace_back();
  holders_[free].run = holder;
  return static_cast<std::uint32_t>(free);
}

bool Strays::put(ActorId id, const HostRun& holder, Epoch epoch) {
  const auto found = table_.find(id);
  if (found == table_.end()) {
    if (table_.size() >= limit_) return false;
    const std::uint32_t slot = intern(holder);
    table_.emplace(id, Entry{epoch, slot});
    ++holders_[slot].strays;
    return true;
  }
  if (found->second.epoch > epoch) return true;
  const std::uint32_t slot = intern(holder);
  --holders_[found->second.holder].strays;
  ++holders_[slot].strays;
  found->second = {epoch, slot};
  return true;
}

bool Strays::find(ActorId id, Stray& out) const {
  const auto found = table_.find(id);
  if (found == table_.end()) return false;
  out.holder = holders_[found->second.holder].run;
  out.epoch = found->second.epoch;
  return true;
}

bool Strays::drop(ActorId id, const std::string& host, Epoch epoch) {
  const auto found = table_.find(id);
  if (found == table_.end() || found->second.epoch != epoch) return false;
  if (holders_[found->second.holder].run.host != host) return false;
  --holders_[found->second.holder].strays;
  table_.erase(found);
  return true;
}

void Strays::drop_run(const HostRun& holder) {
  for (std::size_t slot = 0; slot < holders_.size(); ++slot) {
    if (holders_[slot].run != holder || holders_[slot].strays == 0) continue;
    std::erase_if(table_, [slot](const auto& entry) { return entry.second.holder == slot; });
    holders_[slot].strays = 0;
  }
}

void Strays::clear() {
  table_.clear();
  holders_.clear();
}

std::size_t Strays::held_by(const std::string& host) const {
  std::size_t sum = 0;
  for (const Holder& holder : holders_) {
    if (holder.run.host == host) sum += holder.strays;
  }
  return sum;
}

}  // namespace ringside::core
