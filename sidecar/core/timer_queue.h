// Deadlines in a binary heap that can be cancelled in O(log n): nothing that is over leaves anything behind.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "sidecar/core/types.h"

namespace ringside::core {

using TimerHandle = std::uint32_t;
inline constexpr TimerHandle kNoTimer = std::numeric_limits<TimerHandle>::max();

// T: what is due; small and copyable. Equal times come out in the order in which they were added.
template <typename T>
class TimerQueue {
 public:
  using Handle = TimerHandle;
  static constexpr Handle kNone = kNoTimer;

  Handle add(Instant at, T what) {
    Handle handle;
    if (free_.empty()) {
      handle = static_cast<Handle>(slots_.size());
      slots_.push_back(0);
    } else {
      handle = free_.back();
      free_.pop_back();
    }
    heap_.push_back({at, next_order_++, handle, what});
    slots_[handle] = heap_.size() - 1;
    rise(heap_.size() - 1);
    return handle;
  }

  // Sets the handle to kNone; one that is kNone already is left alone.
  void cancel(Handle& handle) {
    if (handle == kNone) return;
    remove(slots_[handle]);
    handle = kNone;
  }

  Instant next() const { return heap_.empty() ? kNever : heap_.front().at; }
  std::size_t size() const { return heap_.size(); }

  // Takes the first that is due; its handle is void from here on.
  std::optional<T> pop_due(Instant now) {
    if (heap_.empty() || heap_.front().at > now) return std::nullopt;
    T what = heap_.front().what;
    remove(0);
    return what;
  }

 private:
  struct Entry {
    Instant at;
    std::uint64_t order;
    Handle handle;
    T what;
    bool before(const Entry& other) const { return at != other.at ? at < other.at : order < other.order; }
  };

  void place(std::size_t index, const Entry& entry) {
    heap_[index] = entry;
    slots_[entry.handle] = index;
  }

  void rise(std::size_t index) {
    const Entry entry = heap_[index];
    while (index > 0 && entry.before(heap_[(index - 1) / 2])) {
      place(index, heap_[(index - 1) / 2]);
      index = (index - 1) / 2;
    }
    place(index, entry);
  }

  void sink(std::size_t index) {
    const Entry entry = heap_[index];
    while (true) {
      std::size_t child = 2 * index + 1;
      if (child >= heap_.size()) break;
      if (child + 1 < heap_.size() && heap_[child + 1].before(heap_[child])) ++child;
      if (!heap_[child].before(entry)) break;
      place(index, heap_[child]);
      index = child;
    }
    place(index, entry);
  }

  void remove(std::size_t index) {
    free_.push_back(heap_[index].handle);
    const Entry last = heap_.back();
    heap_.pop_back();
    if (index == heap_.size()) return;
    place(index, last);
    rise(index);
    sink(slots_[last.handle]);
  }

  std::vector<Entry> heap_;
  std::vector<std::size_t> slots_;  // handle -> index into heap_
  std::vector<Handle> free_;
  std::uint64_t next_order_ = 0;
};

}  // namespace ringside::core
