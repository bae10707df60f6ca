// Ids that another host holds although the ring names this one.
//
// Ten million of them are possible, so each takes one 16-byte slot of an open-addressing table, at most 24 bytes with
// the free slots between them (bench/displaced_activations.cc). The table is cut into segments that grow one at a time:
// there is never a second copy of the whole. Bounded; loop thread only.
//
// A run that is over, or ranges that become another's, may take millions of them along. They are dropped at once; the
// slots of a large table are cleared one segment after another (sweep).
//
// After a cut two hosts may hold the same id. The greater epoch is the one to route to; the others are kept beside it
// as its duplicates, until they have ended: the greater one may be the first to go.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sidecar/core/hash.h"
#include "sidecar/core/hash_ranges.h"
#include "sidecar/core/types.h"

namespace ringside::core {

struct DisplacedActivation {
  HostRun holder;
  Epoch epoch = 0;  // 0: a legacy host's
};

class DisplacedActivations {
 public:
  static constexpr std::size_t kMaxHolders = 2048;  // runs of hosts that hold any, at once

  // most_at_once: entries that may be cleared away without a pause; of a larger table one segment at a time.
  explicit DisplacedActivations(std::size_t limit, std::size_t most_at_once = 8192)
      : limit_(limit), most_at_once_(most_at_once) {}

  // False: the table is full. Of one holder the newer epoch replaces the older one.
  bool put(ActorId id, const HostRun& holder, Epoch epoch);
  std::optional<DisplacedActivation> find(ActorId id) const;   // the one with the greatest epoch
  std::vector<DisplacedActivation> holders(ActorId id) const;  // that one first, then its duplicates
  // Only that very activation: evidence about another one says nothing about this.
  bool drop(ActorId id, const std::string& host, Epoch epoch);
  void drop_run(const HostRun& holder);
  void lose(const HashRanges& ranges);
  void gain(const HashRanges& ranges);  // of what was lost of them nothing is known again
  void clear();
  bool is_sweep_due() const { return unswept_ != 0; }
  void sweep();  // one segment more

  // What lies in lost ranges counts until it is swept.
  std::size_t size() const { return size_ + duplicates_.size(); }
  bool has_duplicates(ActorId id) const { return duplicates_.contains(id); }
  std::size_t held_by(const std::string& host) const;
  std::size_t bytes() const;  // of the slots, used and free
  // Ends the process if an entry that counts is not of this host's ranges, or a duplicate is greater than it.
  void check(const std::function<bool(ActorId)>& is_mine) const;

 private:
  static constexpr int kEpochBits = 53;
  static constexpr std::size_t kSegments = 256;

  struct Slot {
    ActorId id = 0;  // 0: free
    std::uint64_t epoch_bits : kEpochBits = 0;
    std::uint64_t holder : 64 - kEpochBits = 0;  // into holders_

    Epoch epoch() const { return Epoch(epoch_bits); }
    void set_epoch(Epoch epoch);
  };
  static_assert(sizeof(Slot) == 16);
  // Linear probing from the slot that the hash names; no gap between that slot and the entry.
  struct Segment {
    std::vector<Slot> slots;
    std::size_t used = 0;

    std::size_t home(Hash hash) const;
    Slot* locate(ActorId id, Hash hash);  // where it is, or else would be; nullptr: there are no slots
    Slot* find(ActorId id, Hash hash);
    const Slot* find(ActorId id, Hash hash) const;
    void insert(const Slot& slot, Slot* free = nullptr);  // into that place, if it is known
    void erase(Slot* slot);
    void resize(std::size_t capacity);
  };
  struct Holder {
    HostRun run;
    std::size_t displaced = 0;
    bool over = false;  // none of its slots counts, and there may be some until all is swept
  };

  Segment& segment_of(Hash hash) { return segments_[hash.value() % kSegments]; }
  const Segment& segment_of(Hash hash) const { return segments_[hash.value() % kSegments]; }
  bool put_beside(ActorId id, Slot& slot, DisplacedActivation elsewhere);
  std::optional<std::uint32_t> index_of(const HostRun& holder);  // into holders_; nothing: there are too many
  bool is_dropped(const Slot& slot, Hash hash) const;
  Slot* find_slot(ActorId id, Hash hash);
  const Slot* find_slot(ActorId id, Hash hash) const;
  void clear_slot(Segment& segment, Slot& slot);
  void sweep_soon(std::size_t entries);
  void promote_duplicates(ActorId id);

  std::size_t limit_;
  std::size_t most_at_once_;
  std::size_t unswept_ = 0;  // segments at the end that may have slots of what has been dropped
  HashRanges lost_;          // since the last sweep ended
  std::size_t size_ = 0;
  std::array<Segment, kSegments> segments_;
  std::vector<Holder> holders_;  // an entry without displaced is used again
  std::uint32_t last_holder_ = 0;
  std::multimap<ActorId, DisplacedActivation> duplicates_;
};

}  // namespace ringside::core
