// Bounds on how much is held at once, by one connection and by all together.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>

namespace ringside::net {

// A bound on how much is held (bytes, connections), shared by all that hold the same budget. Loop thread only.
class Budget {
 public:
  explicit Budget(std::size_t limit) : limit_(limit) {}
  bool take(std::size_t bytes) {
    if (bytes > limit_ - std::min(limit_, used_)) return false;
    used_ += bytes;
    return true;
  }
  // What is held already, and only held elsewhere from now on: it may go beyond the limit.
  void take_anyway(std::size_t bytes) { used_ += bytes; }
  void give_back(std::size_t bytes) { used_ -= std::min(bytes, used_); }
  bool exceeded() const { return used_ > limit_; }
  std::size_t used() const { return used_; }
  std::size_t limit() const { return limit_; }

 private:
  std::size_t limit_;
  std::size_t used_ = 0;
};

// One connection's share: bounded by itself and by the total; gives everything back at its end.
class BudgetAccount {
 public:
  BudgetAccount(std::size_t limit, std::shared_ptr<Budget> total) : own_(limit), total_(std::move(total)) {}
  BudgetAccount(const BudgetAccount&) = delete;
  BudgetAccount& operator=(const BudgetAccount&) = delete;
  ~BudgetAccount() {
    if (total_) total_->give_back(own_.used());
  }
  bool take(std::size_t bytes) {
    if (!own_.take(bytes)) return false;
    if (!total_ || total_->take(bytes)) return true;
    own_.give_back(bytes);
    return false;
  }
  void take_anyway(std::size_t bytes) {
    own_.take_anyway(bytes);
    if (total_) total_->take_anyway(bytes);
  }
  bool exceeded() const { return own_.exceeded() || (total_ && total_->exceeded()); }
  void give_back(std::size_t bytes) {
    bytes = std::min(bytes, own_.used());
    own_.give_back(bytes);
    if (total_) total_->give_back(bytes);
  }
  std::size_t used() const { return own_.used(); }
  // What it holds counts in another total from now on; it may be more than that has left.
  void move_to(std::shared_ptr<Budget> total) {
    if (total_) total_->give_back(own_.used());
    total_ = std::move(total);
    if (total_) total_->take_anyway(own_.used());
  }

 private:
  Budget own_;
  std::shared_ptr<Budget> total_;
};

}  // namespace ringside::net
