#include "sidecar/core/directory/displaced_activations.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace ringside::core {
namespace {

// Full between 74 and 85 %: 19 to 22 bytes each, and short probes.
constexpr std::size_t kMostUsedPercent = 85;
constexpr std::size_t kLeastUsedPercent = 40;
constexpr std::size_t kGrowthPercent = 115;

std::size_t roomy(std::size_t used) { return used == 0 ? 0 : used * kGrowthPercent / kMostUsedPercent + 2; }

}  // namespace

void DisplacedActivations::Slot::set_epoch(Epoch epoch) {
  epoch_bits = epoch.value() & ((std::uint64_t{1} << kEpochBits) - 1);
}

// ---- one segment ----------------------------------------------------------------------------------------------------

// The upper bits spread over the slots (Lemire 2019); the lower ones have chosen the segment.
std::size_t DisplacedActivations::Segment::home(Hash hash) const {
  return static_cast<std::size_t>(((hash.value() >> 32) * slots.size()) >> 32);
}

DisplacedActivations::Slot* DisplacedActivations::Segment::find(ActorId id, Hash hash) {
  if (slots.empty()) return nullptr;
  for (std::size_t at = home(hash);; at = at + 1 == slots.size() ? 0 : at + 1) {
    if (slots[at].id == id) return &slots[at];
    if (slots[at].id == 0) return nullptr;
  }
}

const DisplacedActivations::Slot* DisplacedActivations::Segment::find(ActorId id, Hash hash) const {
  return const_cast<Segment*>(this)->find(id, hash);
}

void DisplacedActivations::Segment::insert(const Slot& slot) {
  if ((used + 1) * 100 > slots.size() * kMostUsedPercent) resize(roomy(used + 1));
  std::size_t at = home(hash_id(slot.id));
  while (slots[at].id != 0) at = at + 1 == slots.size() ? 0 : at + 1;
  slots[at] = slot;
  ++used;
}

// Closes the gap: whoever stands behind it and may stand in it moves up (Knuth, vol. 3, algorithm 6.4R).
void DisplacedActivations::Segment::erase(Slot* slot) {
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

void DisplacedActivations::Segment::resize(std::size_t capacity) {
  const std::vector<Slot> before = std::exchange(slots, std::vector<Slot>(capacity));
  used = 0;
  for (const Slot& slot : before) {
    if (slot.id != 0) insert(slot);
  }
}

// ---- the table ------------------------------------------------------------------------------------------------------

std::optional<std::uint32_t> DisplacedActivations::index_of(const HostRun& holder) {
  if (last_holder_ < holders_.size() && holders_[last_holder_].run == holder) return last_holder_;
  std::size_t free = holders_.size();
  for (std::size_t i = 0; i < holders_.size(); ++i) {
    if (holders_[i].run == holder) return last_holder_ = static_cast<std::uint32_t>(i);
    if (holders_[i].displaced == 0) free = i;
  }
  if (free == kMaxHolders) return std::nullopt;
  if (free == holders_.size()) holders_.emplace_back();
  holders_[free].run = holder;
  return last_holder_ = static_cast<std::uint32_t>(free);
}

bool DisplacedActivations::put(ActorId id, const HostRun& holder, Epoch epoch) {
  const Hash hash = hash_id(id);
  Slot* known = segment_of(hash).find(id, hash);
  if (known != nullptr && holders_[known->holder].run != holder) return put_beside(id, *known, {holder, epoch});
  if (known != nullptr) {
    known->set_epoch(std::max(known->epoch(), epoch));
    return true;
  }
  if (size() >= limit_) return false;
  const std::optional<std::uint32_t> index = index_of(holder);
  if (!index) return false;
  Slot slot;
  slot.id = id;
  slot.set_epoch(epoch);
  slot.holder = *index & (kMaxHolders - 1);
  segment_of(hash).insert(slot);
  ++size_;
  ++holders_[*index].displaced;
  return true;
}

// Another run holds the same id: the greater epoch takes the slot.
bool DisplacedActivations::put_beside(ActorId id, Slot& slot, DisplacedActivation elsewhere) {
  const auto [first, last] = duplicates_.equal_range(id);
  auto entry =
      std::find_if(first, last, [&](const auto& duplicate) { return duplicate.second.holder == elsewhere.holder; });
  if (entry == last) {
    if (size() >= limit_) return false;
    entry = duplicates_.emplace(id, elsewhere);
  }
  entry->second.epoch = std::max(entry->second.epoch, elsewhere.epoch);
  if (entry->second.epoch <= slot.epoch()) return true;
  const std::optional<std::uint32_t> index = index_of(elsewhere.holder);
  if (!index) return true;  // still known, if not in its place
  const DisplacedActivation before{holders_[slot.holder].run, slot.epoch()};
  --holders_[slot.holder].displaced;
  ++holders_[*index].displaced;
  slot.set_epoch(entry->second.epoch);
  slot.holder = *index & (kMaxHolders - 1);
  entry->second = before;
  return true;
}

std::optional<DisplacedActivation> DisplacedActivations::find(ActorId id) const {
  if (size_ == 0) return std::nullopt;
  const Hash hash = hash_id(id);
  const Slot* slot = segment_of(hash).find(id, hash);
  if (slot == nullptr) return std::nullopt;
  return DisplacedActivation{holders_[slot->holder].run, slot->epoch()};
}

std::vector<DisplacedActivation> DisplacedActivations::holders(ActorId id) const {
  std::optional<DisplacedActivation> greatest = find(id);
  if (!greatest) return {};
  std::vector<DisplacedActivation> all{std::move(*greatest)};
  const auto [first, last] = duplicates_.equal_range(id);
  std::transform(first, last, std::back_inserter(all), [](const auto& duplicate) { return duplicate.second; });
  return all;
}

bool DisplacedActivations::drop(ActorId id, const std::string& host, Epoch epoch) {
  const auto is_it = [&](const DisplacedActivation& elsewhere) {
    return elsewhere.holder.host == host && elsewhere.epoch == epoch;
  };
  const auto [first, last] = duplicates_.equal_range(id);
  if (const auto duplicate = std::find_if(first, last, [&](const auto& entry) { return is_it(entry.second); });
      duplicate != last) {
    duplicates_.erase(duplicate);
    return true;
  }
  const Hash hash = hash_id(id);
  Segment& segment = segment_of(hash);
  Slot* slot = segment.find(id, hash);
  if (slot == nullptr || !is_it({holders_[slot->holder].run, slot->epoch()})) return false;
  --holders_[slot->holder].displaced;
  --size_;
  segment.erase(slot);
  promote_duplicates(id);
  return true;
}

// The greatest is gone: the next takes its slot.
void DisplacedActivations::promote_duplicates(ActorId id) {
  const auto [first, last] = duplicates_.equal_range(id);
  const std::vector<std::pair<ActorId, DisplacedActivation>> orphans(first, last);
  duplicates_.erase(first, last);
  for (const auto& [orphan, elsewhere] : orphans) put(orphan, elsewhere.holder, elsewhere.epoch);
}

void DisplacedActivations::keep_slots(const std::function<bool(const Slot&)>& keep) {
  for (Segment& segment : segments_) {
    std::vector<Slot> kept;
    for (const Slot& slot : segment.slots) {
      if (slot.id == 0) continue;
      if (keep(slot)) {
        kept.push_back(slot);
      } else {
        --holders_[slot.holder].displaced;
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

void DisplacedActivations::drop_run(const HostRun& holder) {
  std::erase_if(duplicates_, [&](const auto& duplicate) { return duplicate.second.holder == holder; });
  const auto found =
      std::find_if(holders_.begin(), holders_.end(), [&](const Holder& one) { return one.run == holder; });
  if (found == holders_.end() || found->displaced == 0) return;
  const auto index = static_cast<std::uint64_t>(found - holders_.begin());
  keep_slots([index](const Slot& slot) { return slot.holder != index; });
  std::vector<ActorId> contested;
  for (const auto& [id, duplicate] : duplicates_) contested.push_back(id);
  for (const ActorId id : contested) {
    if (!find(id)) promote_duplicates(id);
  }
}

void DisplacedActivations::keep_only(const std::function<bool(ActorId)>& keep) {
  std::erase_if(duplicates_, [&](const auto& duplicate) { return !keep(duplicate.first); });
  keep_slots([&keep](const Slot& slot) { return keep(slot.id); });
}

void DisplacedActivations::clear() {
  for (Segment& segment : segments_) segment = Segment{};
  holders_.clear();
  duplicates_.clear();
  size_ = 0;
}

std::size_t DisplacedActivations::held_by(const std::string& host) const {
  std::size_t sum = 0;
  for (const Holder& holder : holders_) {
    if (holder.run.host == host) sum += holder.displaced;
  }
  for (const auto& [id, duplicate] : duplicates_) sum += duplicate.holder.host == host ? 1 : 0;
  return sum;
}

std::size_t DisplacedActivations::bytes() const {
  std::size_t sum = sizeof *this;
  for (const Segment& segment : segments_) sum += segment.slots.capacity() * sizeof(Slot);
  return sum;
}

}  // namespace ringside::core
