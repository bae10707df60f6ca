#include "sidecar/core/directory/displaced_activations.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "sidecar/base/check.h"

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

DisplacedActivations::Slot* DisplacedActivations::Segment::locate(ActorId id, Hash hash) {
  if (slots.empty()) return nullptr;
  for (std::size_t at = home(hash);; at = at + 1 == slots.size() ? 0 : at + 1) {
    if (slots[at].id == id || slots[at].id == 0) return &slots[at];
  }
}

DisplacedActivations::Slot* DisplacedActivations::Segment::find(ActorId id, Hash hash) {
  Slot* slot = locate(id, hash);
  return slot == nullptr || slot->id == 0 ? nullptr : slot;
}

const DisplacedActivations::Slot* DisplacedActivations::Segment::find(ActorId id, Hash hash) const {
  return const_cast<Segment*>(this)->find(id, hash);
}

void DisplacedActivations::Segment::insert(const Slot& slot, Slot* free) {
  if ((used + 1) * 100 > slots.size() * kMostUsedPercent) {
    resize(roomy(used + 1));
    free = nullptr;
  }
  *(free != nullptr ? free : locate(slot.id, hash_id(slot.id))) = slot;
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
  const auto is_it = [&](const Holder& one) { return !one.over && one.run == holder; };
  if (last_holder_ < holders_.size() && is_it(holders_[last_holder_])) return last_holder_;
  std::size_t free = holders_.size();
  for (std::size_t i = 0; i < holders_.size(); ++i) {
    if (is_it(holders_[i])) return last_holder_ = static_cast<std::uint32_t>(i);
    if (holders_[i].displaced == 0 && !holders_[i].over) free = i;
  }
  if (free == kMaxHolders) return std::nullopt;
  if (free == holders_.size()) holders_.emplace_back();
  holders_[free].run = holder;
  return last_holder_ = static_cast<std::uint32_t>(free);
}

bool DisplacedActivations::is_dropped(const Slot& slot, Hash hash) const {
  return unswept_ != 0 && (holders_[slot.holder].over || lost_.contains(hash));
}

DisplacedActivations::Slot* DisplacedActivations::find_slot(ActorId id, Hash hash) {
  Slot* slot = segment_of(hash).find(id, hash);
  return slot == nullptr || is_dropped(*slot, hash) ? nullptr : slot;
}

const DisplacedActivations::Slot* DisplacedActivations::find_slot(ActorId id, Hash hash) const {
  return const_cast<DisplacedActivations*>(this)->find_slot(id, hash);
}

void DisplacedActivations::clear_slot(Segment& segment, Slot& slot) {
  if (!holders_[slot.holder].over) {
    --holders_[slot.holder].displaced;
    --size_;
  }
  segment.erase(&slot);
}

bool DisplacedActivations::put(ActorId id, const HostRun& holder, Epoch epoch) {
  const Hash hash = hash_id(id);
  Slot* place = segment_of(hash).locate(id, hash);
  Slot* known = place != nullptr && place->id == id ? place : nullptr;
  if (known != nullptr && is_dropped(*known, hash)) {
    clear_slot(segment_of(hash), *known);
    place = known = nullptr;
  }
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
  segment_of(hash).insert(slot, place);
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
  const Slot* slot = find_slot(id, hash);
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
  Slot* slot = find_slot(id, hash);
  if (slot == nullptr || !is_it({holders_[slot->holder].run, slot->epoch()})) return false;
  clear_slot(segment_of(hash), *slot);
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

// A table of few entries is not worth the pauses.
void DisplacedActivations::sweep_soon(std::size_t entries) {
  unswept_ = kSegments;
  const bool at_once = entries <= most_at_once_;
  while (at_once && unswept_ != 0) sweep();
}

void DisplacedActivations::sweep() {
  if (unswept_ == 0) return;
  Segment& segment = segments_[kSegments - unswept_];
  std::vector<Slot> kept;
  for (const Slot& slot : segment.slots) {
    if (slot.id == 0) continue;
    if (!is_dropped(slot, hash_id(slot.id))) {
      kept.push_back(slot);
    } else if (!holders_[slot.holder].over) {
      --holders_[slot.holder].displaced;
      --size_;
    }
  }
  if (kept.size() != segment.used) {
    segment.slots.assign(roomy(kept.size()), Slot{});
    segment.slots.shrink_to_fit();
    segment.used = 0;
    for (const Slot& slot : kept) segment.insert(slot);
  }
  if (--unswept_ != 0) return;
  for (Holder& holder : holders_) holder.over = false;
  lost_ = {};
}

void DisplacedActivations::drop_run(const HostRun& holder) {
  std::erase_if(duplicates_, [&](const auto& duplicate) { return duplicate.second.holder == holder; });
  const auto found =
      std::find_if(holders_.begin(), holders_.end(), [&](const Holder& one) { return !one.over && one.run == holder; });
  if (found == holders_.end() || found->displaced == 0) return;
  const std::size_t before = size_;
  size_ -= std::exchange(found->displaced, 0);
  found->over = true;
  unswept_ = kSegments;
  std::vector<ActorId> contested;
  for (const auto& [id, duplicate] : duplicates_) contested.push_back(id);
  for (const ActorId id : contested) {
    if (!find(id)) promote_duplicates(id);
  }
  sweep_soon(before);
}

void DisplacedActivations::lose(const HashRanges& ranges) {
  std::erase_if(duplicates_, [&](const auto& duplicate) { return ranges.contains(hash_id(duplicate.first)); });
  if (size_ == 0) return;
  lost_.add(ranges);
  sweep_soon(size_);
}

// What is left of an earlier time must not come back. That a range is lost and gained within a moment is rare, and its
// price is a pause.
void DisplacedActivations::gain(const HashRanges& ranges) {
  HashRanges others = lost_;
  others.remove(ranges);
  while (others != lost_ && unswept_ != 0) sweep();
}

void DisplacedActivations::clear() {
  for (Segment& segment : segments_) segment = Segment{};
  holders_.clear();
  duplicates_.clear();
  size_ = 0;
  unswept_ = 0;
  lost_ = {};
}

std::size_t DisplacedActivations::held_by(const std::string& host) const {
  std::size_t sum = 0;
  for (const Holder& holder : holders_) {
    if (holder.run.host == host) sum += holder.displaced;
  }
  for (const auto& [id, duplicate] : duplicates_) sum += duplicate.holder.host == host ? 1 : 0;
  return sum;
}

void DisplacedActivations::check(const std::function<bool(ActorId)>& is_mine) const {
  constexpr std::size_t kEnough = 1024;  // entries: a table may have millions
  std::size_t seen = 0;
  for (const Segment& segment : segments_) {
    if (segment.used == 0 || seen >= kEnough) continue;
    for (const Slot& slot : segment.slots) {
      if (slot.id == 0 || is_dropped(slot, hash_id(slot.id))) continue;
      RINGSIDE_CHECK(is_mine(slot.id));
      ++seen;
    }
  }
  for (const auto& [id, duplicate] : duplicates_) {
    const std::optional<DisplacedActivation> greatest = find(id);
    RINGSIDE_CHECK(greatest && greatest->epoch >= duplicate.epoch);
  }
}

std::size_t DisplacedActivations::bytes() const {
  std::size_t sum = sizeof *this;
  for (const Segment& segment : segments_) sum += segment.slots.capacity() * sizeof(Slot);
  return sum;
}

}  // namespace ringside::core
