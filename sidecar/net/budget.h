// Bounds on how much is held at once, by one connection and by all together.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

namespace ringside::net {

// Bytes that a text has taken for itself; a short one stands within its object.
inline std::size_t held_by(const std::string& text) {
  return text.capacity() == std::string().capacity() ? 0 : text.capacity();
}

// A bound on how much is held (bytes, connections), shared by all that hold the same budget. Loop thread only.
class Budget {
 public:
  explicit Budget(std::size_t limit) : limit_(limit) {}
  bool take(std::size_t bytes) {
    if (bytes > limit_ - std::min(limit_, used_)) return false;
    used_ += bytes;
    return true;
  }
  void give_back(std::size_t bytes) { used_ -= std::min(bytes, used_); }
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
  void give_back(std::size_t bytes) {
    bytes = std::min(bytes, own_.used());
    own_.give_back(bytes);
    if (total_) total_->give_back(bytes);
  }
  std::size_t used() const { return own_.used(); }

 private:
  Budget own_;
  std::shared_ptr<Budget> total_;
};

}  // namespace ringside::net
