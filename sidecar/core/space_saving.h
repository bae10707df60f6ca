// Which of very many ids have the greatest sums, in fixed memory: Space-Saving (Metwally, Agrawal, El Abbadi:
// "Efficient Computation of Frequent and Top-k Elements in Data Streams", 2005), here with weights.
//
// It keeps `counters` ids. One that is not among them takes the place of the one with the smallest sum, and that sum
// with it: so much too high its own may be (`error`), and never too low.
//
// Invariants
//  1. Of an id that is kept, sum - error <= what was really added <= sum.
//  2. Of one that is not kept, what was really added <= unlisted() <= total() / counters.
// Loop thread only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sidecar/core/types.h"

namespace ringside::core {

class SpaceSaving {
 public:
  struct Entry {
    ActorId id = 0;
    std::uint64_t sum = 0;
    std::uint64_t error = 0;
    // Since it has been kept:
    std::uint64_t times = 0;
    std::uint64_t largest = 0;
  };

  explicit SpaceSaving(std::size_t counters) : counters_(counters) {
    heap_.reserve(counters);
    places_.reserve(counters);
  }

  // `times`: how many things that stands for; `size`: of the largest of them.
  void add(ActorId id, std::uint64_t weight, std::uint64_t times, std::uint64_t size) {
    if (weight == 0 && times == 0) return;
    total_ += weight;
    const auto found = places_.find(id);
    std::size_t at = 0;
    if (found != places_.end()) {
      at = found->second;
    } else if (heap_.size() < counters_) {
      at = heap_.size();
      heap_.push_back({id});
      places_[id] = at;
      at = rise(at);
    } else {
      places_.erase(heap_[0].id);
      heap_[0] = {id, heap_[0].sum, heap_[0].sum};
      places_[id] = 0;
    }
    Entry& entry = heap_[at];
    entry.sum += weight;
    entry.times += times;
    entry.largest = std::max(entry.largest, size);
    sink(at);
  }

  // The greatest first.
  std::vector<Entry> top(std::size_t most) const {
    std::vector<Entry> all = heap_;
    const auto end = all.begin() + static_cast<std::ptrdiff_t>(std::min(most, all.size()));
    std::partial_sort(all.begin(), end, all.end(),
                      [](const Entry& a, const Entry& b) { return a.sum != b.sum ? a.sum > b.sum : a.id < b.id; });
    all.erase(end, all.end());
    return all;
  }
  std::uint64_t total() const { return total_; }
  std::uint64_t unlisted() const { return heap_.size() < counters_ ? 0 : heap_[0].sum; }

 private:
  void swap(std::size_t a, std::size_t b) {
    std::swap(heap_[a], heap_[b]);
    places_[heap_[a].id] = a;
    places_[heap_[b].id] = b;
  }
  std::size_t rise(std::size_t at) {
    for (; at > 0 && heap_[at].sum < heap_[(at - 1) / 2].sum; at = (at - 1) / 2) swap(at, (at - 1) / 2);
    return at;
  }
  void sink(std::size_t at) {
    while (true) {
      std::size_t least = at;
      for (const std::size_t child : {2 * at + 1, 2 * at + 2}) {
        if (child < heap_.size() && heap_[child].sum < heap_[least].sum) least = child;
      }
      if (least == at) return;
      swap(at, least);
      at = least;
    }
  }

  std::size_t counters_;
  std::uint64_t total_ = 0;
  std::vector<Entry> heap_;  // the smallest sum first
  std::unordered_map<ActorId, std::size_t> places_;
};

}  // namespace ringside::core
