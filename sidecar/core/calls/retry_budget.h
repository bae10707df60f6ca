// Repeats must not feed an overload (Google SRE book, "Handling Overload"): each call earns a little, and a repeat
// after "overloaded" costs as much as five calls earn.
#pragma once

#include <algorithm>

namespace ringside::core {

class RetryBudget {
 public:
  void earn() { left_ = std::min(left_ + 1, kMost); }
  bool spend() {  // false: there is not enough left
    if (left_ < kCost) return false;
    left_ -= kCost;
    return true;
  }

 private:
  static constexpr int kCost = 5;
  static constexpr int kMost = 500;

  int left_ = 0;
};

}  // namespace ringside::core
