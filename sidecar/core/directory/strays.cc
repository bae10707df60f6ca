#include "sidecar/core/directory/strays.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace ringside::core {
namespace {

// Full between 74 and 85 %: 19 to 22 bytes for each stray, and short probes.
constexpr std::size_t kMostUsedPercent = 85;
constexpr std::size_t kLeastUsedPercent = 40;
constexpr std::size_t kGrowthPercent = 115;

std::size_t roomy(std::size_t used) { return used == 0 ? 0 : used * kGrowthPercent / kMostUsedPercent + 2; }

}  // namespace

// ---- one segment ----------------------------------------------------------------------------------------------------

// The upper bits spread over the slots (Lemire 2019); the lower ones have chosen the segment.
std::size_t Strays::Segment::home(Hash hash) const {
  return static_cast<std::size_t>(((hash >> 32) * slots.size()) >> 32);
}

Strays::Slot* Strays::Segment::find(ActorId id, Hash hash) {
  if (slots.empty()) return nullptr;
  for (std::size_t at = home(hash);; at = at + 1 == slots.size() ? 0 : at + 1) {
    if (slots[at].id == id) return &slots[at];
    if (slots[at].id == 0) return nullptr;
  }
}

const Strays::Slot* Strays::Segment::find(ActorId id, Hash hash) const {
  return const_cast<Segment*>(this)->find(id, hash);
}

void Strays::Segment::insert(const Slot& slot) {
  if ((used + 1) * 100 > slots.size() * kMostUsedPercent) resize(roomy(used + 1));
  std::size_t at = home(hash_id(slot.id));
  while (slots[at].id != 0) at = at + 1 == slots.size() ? 0 : at + 1;
  slots[at] = slot;
  ++used;
}

// Closes the gap: whoever stands behind it and may stand in it moves up (Knuth, vol. 3, algorithm 6.4R).
void Strays::Segment::erase(Slot* slot) {
  const std::size_t size = slots.size();
  auto gap = static_cast<std::size_t>(slot - slots.data());
  for (std::size_t at = (gap + 1) % size; slots[at].id != 0; at = (at + 1) % size) {
    const std::size_t wanted = home(hash_id(slots[at].id));
    if ((at + size - wanted) % size < (at + size - gap) % size) continue;
    slots[gap] = slots[at];
    gap = at;
  }
  slots[gap] = Slot{};
  --used;
  if (used * 100 < slots.size() * kLeastUsedPercent) resize(roomy(used));
}

void Strays::Segment::resize(std::size_t capacity) {
  const std::vector<Slot> before = std::exchange(slots, std::vector<Slot>(capacity));
  used = 0;
  for (const Slot& slot : before) {
    if (slot.id != 0) insert(slot);
  }
}

// ---- the table ------------------------------------------------------------------------------------------------------

bool Strays::intern(const HostRun& holder, std::uint32_t& slot) {
  if (last_holder_ < holders_.size() && holders_[last_holder_].run == holder) {
    slot = last_holder_;
    return true;
  }
  std::size_t free = holders_.size();
  for (std::size_t i = 0; i < holders_.size(); ++i) {
    if (holders_[i].run == holder) {
      slot = last_holder_ = static_cast<std::uint32_t>(i);
      return true;
    }
    if (holders_[i].strays == 0) free = i;
  }
  if (free == kMaxHolders) return false;
  if (free == holders_.size()) holders_.emplace_back();
  holders_[free].run = holder;
  slot = last_holder_ = static_cast<std::uint32_t>(free);
  return true;
}

bool Strays::put(ActorId id, const HostRun& holder, Epoch epoch) {
  const Hash hash = hash_id(id);
  Slot* known = segment_of(hash).find(id, hash);
  if (known != nullptr && holders_[known->holder].run != holder) return put_beside(id, *known, {holder, epoch});
  if (known != nullptr) {
    known->epoch = std::max<Epoch>(known->epoch, epoch) & kEpochMask;
    return true;
  }
  std::uint32_t index = 0;
  if (size() >= limit_ || !intern(holder, index)) return false;
  Slot slot;
  slot.id = id;
  slot.epoch = epoch & kEpochMask;
  slot.holder = index & (kMaxHolders - 1);
  segment_of(hash).insert(slot);
  ++size_;
  ++holders_[index].strays;
  return true;
}

// Another run holds the same id: the greater epoch takes the slot.
bool Strays::put_beside(ActorId id, Slot& slot, Stray stray) {
  const auto [first, last] = rivals_.equal_range(id);
  auto entry = std::find_if(first, last, [&](const auto& rival) { return rival.second.holder == stray.holder; });
  if (entry == last) {
    if (size() >= limit_) return false;
    entry = rivals_.emplace(id, stray);
  }
  entry->second.epoch = std::max(entry->second.epoch, stray.epoch);
  if (entry->second.epoch <= slot.epoch) return true;
  std::uint32_t index = 0;
  if (!intern(stray.holder, index)) return true;  // still known, if not in its place
  const Stray before{holders_[slot.holder].run, slot.epoch};
  --holders_[slot.holder].strays;
  ++holders_[index].strays;
  slot.epoch = entry->second.epoch & kEpochMask;
  slot.holder = index & (kMaxHolders - 1);
  entry->second = before;
  return true;
}

std::optional<Stray> Strays::find(ActorId id) const {
  if (size_ == 0) return std::nullopt;
  const Hash hash = hash_id(id);
  const Slot* slot = segment_of(hash).find(id, hash);
  if (slot == nullptr) return std::nullopt;
  return Stray{holders_[slot->holder].run, slot->epoch};
}

std::vector<Stray> Strays::holders(ActorId id) const {
  std::optional<Stray> greatest = find(id);
  if (!greatest) return {};
  std::vector<Stray> all{std::move(*greatest)};
  const auto [first, last] = rivals_.equal_range(id);
  std::transform(first, last, std::back_inserter(all), [](const auto& rival) { return rival.second; });
  return all;
}

bool Strays::drop(ActorId id, const std::string& host, Epoch epoch) {
  const auto is_it = [&](const Stray& stray) { return stray.holder.host == host && stray.epoch == epoch; };
  const auto [first, last] = rivals_.equal_range(id);
  if (const auto rival = std::find_if(first, last, [&](const auto& entry) { return is_it(entry.second); });
      rival != last) {
    rivals_.erase(rival);
    return true;
  }
  const Hash hash = hash_id(id);
  Segment& segment = segment_of(hash);
  Slot* slot = segment.find(id, hash);
  if (slot == nullptr || !is_it({holders_[slot->holder].run, slot->epoch})) return false;
  --holders_[slot->holder].strays;
  --size_;
  segment.erase(slot);
  promote_rivals(id);
  return true;
}

// The greatest is gone: the next takes its slot.
void Strays::promote_rivals(ActorId id) {
  const auto [first, last] = rivals_.equal_range(id);
  const std::vector<std::pair<ActorId, Stray>> orphans(first, last);
  rivals_.erase(first, last);
  for (const auto& [orphan, stray] : orphans) put(orphan, stray.holder, stray.epoch);
}

void Strays::keep_slots(const std::function<bool(const Slot&)>& keep) {
  for (Segment& segment : segments_) {
    std::vector<Slot> kept;
    for (const Slot& slot : segment.slots) {
      if (slot.id == 0) continue;
      if (keep(slot)) {
        kept.push_back(slot);
      } else {
        --holders_[slot.holder].strays;
      }
    }
    if (kept.size() == segment.used) continue;
    size_ -= segment.used - kept.size();
    segment.slots.assign(roomy(kept.size()), Slot{});
    segment.slots.shrink_to_fit();
    segment.used = 0;
    for (const Slot& slot : kept) segment.insert(slot);
  }
}

void Strays::drop_run(const HostRun& holder) {
  std::erase_if(rivals_, [&](const auto& rival) { return rival.second.holder == holder; });
  const auto found =
      std::find_if(holders_.begin(), holders_.end(), [&](const Holder& one) { return one.run == holder; });
  if (found == holders_.end() || found->strays == 0) return;
  const auto index = static_cast<std::uint64_t>(found - holders_.begin());
  keep_slots([index](const Slot& slot) { return slot.holder != index; });
  std::vector<ActorId> contested;
  for (const auto& [id, rival] : rivals_) contested.push_back(id);
  for (const ActorId id : contested) {
    if (!find(id)) promote_rivals(id);
  }
}

void Strays::keep_only(const std::function<bool(ActorId)>& keep) {
  std::erase_if(rivals_, [&](const auto& rival) { return !keep(rival.first); });
  keep_slots([&keep](const Slot& slot) { return keep(slot.id); });
}

void Strays::clear() {
  for (Segment& segment : segments_) segment = Segment{};
  holders_.clear();
  rivals_.clear();
  size_ = 0;
}

std::size_t Strays::held_by(const std::string& host) const {
  std::size_t sum = 0;
  for (const Holder& holder : holders_) {
    if (holder.run.host == host) sum += holder.strays;
  }
  for (const auto& [id, rival] : rivals_) sum += rival.holder.host == host ? 1 : 0;
  return sum;
}

std::size_t Strays::bytes() const {
  std::size_t sum = sizeof *this;
  for (const Segment& segment : segments_) sum += segment.slots.capacity() * sizeof(Slot);
  return sum;
}

}  // namespace ringside::core
