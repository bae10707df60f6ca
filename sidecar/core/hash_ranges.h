// A set of key hashes, as sorted ranges that do not touch. Value type; sizes are thousands of ranges at the most.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "sidecar/core/hash.h"

namespace ringside::core {

class HashRanges {
 public:
  struct Range {
    Hash first, last;  // both inclusive, first <= last
    bool operator==(const Range&) const = default;
  };

  HashRanges() = default;
  // Any ranges: sorted and merged here; those with first > last are dropped.
  explicit HashRanges(std::vector<Range> ranges) : ranges_(std::move(ranges)) { normalize(); }
  static HashRanges everything() { return HashRanges({{0, kGreatestHash}}); }

  bool empty() const { return ranges_.empty(); }
  const std::vector<Range>& ranges() const { return ranges_; }

  bool contains(Hash key) const {
    auto after = std::upper_bound(ranges_.begin(), ranges_.end(), key,
                                  [](Hash k, const Range& range) { return k < range.first; });
    return after != ranges_.begin() && key <= std::prev(after)->last;
  }

  void add(const HashRanges& other) {
    ranges_.insert(ranges_.end(), other.ranges_.begin(), other.ranges_.end());
    normalize();
  }

  void remove(const HashRanges& other) {
    std::vector<Range> kept;
    auto cut = other.ranges_.begin();
    for (Range range : ranges_) {
      while (cut != other.ranges_.end() && cut->last < range.first) ++cut;
      bool gone = false;
      for (auto it = cut; it != other.ranges_.end() && it->first <= range.last; ++it) {
        if (it->first > range.first) kept.push_back({range.first, it->first.before()});
        if (it->last >= range.last) {
          gone = true;
          break;
        }
        range.first = it->last.next();
      }
      if (!gone) kept.push_back(range);
    }
    ranges_ = std::move(kept);
  }

  bool operator==(const HashRanges&) const = default;

 private:
  void normalize() {
    std::erase_if(ranges_, [](const Range& range) { return range.first > range.last; });
    std::sort(ranges_.begin(), ranges_.end(), [](const Range& a, const Range& b) { return a.first < b.first; });
    std::size_t out = 0;
    for (const Range& range : ranges_) {
      if (out > 0 && (ranges_[out - 1].last == kGreatestHash || range.first <= ranges_[out - 1].last.next())) {
        ranges_[out - 1].last = std::max(ranges_[out - 1].last, range.last);
      } else {
        ranges_[out++] = range;
      }
    }
    ranges_.resize(out);
  }

  std::vector<Range> ranges_;
};

}  // namespace ringside::core
