// What is to happen, by its time, and where times are equal in the order of its planning: the same plans make the same
// run. Times are simulated microseconds.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <queue>
#include <utility>

namespace ringside::sim {

class Agenda {
 public:
  void at(std::int64_t time, std::function<void()> what) { entries_.push({time, order_++, std::move(what)}); }
  // When the next entry is due; with none, never.
  std::int64_t next() const { return entries_.empty() ? std::numeric_limits<std::int64_t>::max() : entries_.top().at; }
  std::function<void()> take() {
    std::function<void()> what = entries_.top().what;
    entries_.pop();
    return what;
  }

 private:
  struct Entry {
    std::int64_t at;
    std::uint64_t order;
    std::function<void()> what;
    bool operator<(const Entry& other) const { return at != other.at ? at > other.at : order > other.order; }
  };
  std::priority_queue<Entry> entries_;
  std::uint64_t order_ = 0;
};

}  // namespace ringside::sim
