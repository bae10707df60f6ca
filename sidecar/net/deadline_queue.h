// Many deadlines, one timer; `Id` is what names whatever is due. Loop thread only.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <utility>

#include "sidecar/net/transport.h"

namespace ringside::net {

template <typename Id>
class DeadlineQueue {
 public:
  // `expired` runs for each id whose time has come; it may add and remove, and destroy this queue.
  DeadlineQueue(Loop& loop, std::function<void(Id)> expired) : timer_(loop), expired_(std::move(expired)) {}

  void add(Clock::time_point when, Id id) {
    entries_.emplace(when, id);
    arm();
  }
  void remove(Clock::time_point when, Id id) { entries_.erase({when, id}); }
  void clear() {
    entries_.clear();
    timer_.cancel();
    armed_.reset();
  }

 private:
  // Left armed for a time that was removed: one idle expiry is cheaper than re-arming for each call.
  void arm() {
    if (entries_.empty()) return;
    const Clock::time_point first = entries_.begin()->first;
    if (armed_ && *armed_ <= first) return;
    armed_ = first;
    timer_.at(first, [this] { expire_first(); });
  }

  // One at a time, as the last thing that is done here: whoever hears of it may destroy this queue.
  void expire_first() {
    armed_.reset();
    std::optional<Id> due;
    if (!entries_.empty() && entries_.begin()->first <= Clock::now()) {
      due = entries_.begin()->second;
      entries_.erase(entries_.begin());
    }
    arm();
    const auto expired = expired_;
    if (due) expired(*due);
  }

  Timer timer_;
  std::function<void(Id)> expired_;
  std::set<std::pair<Clock::time_point, Id>> entries_;
  std::optional<Clock::time_point> armed_;
};

}  // namespace ringside::net
