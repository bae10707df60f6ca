// Bounds on how much is held at once, by one connection and by all together.
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
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
  // What is held in this one is held in `whole` as well, where there is one.
  explicit Budget(std::size_t limit, std::shared_ptr<Budget> whole = nullptr)
      : limit_(limit), whole_(std::move(whole)) {}
  bool take(std::size_t bytes) {
    if (bytes > limit_ - std::min(limit_, used_) || (whole_ && !whole_->take(bytes))) return false;
    used_ += bytes;
    return true;
  }
  // What is held already, and only held elsewhere from now on: it may go beyond the limit.
  void take_anyway(std::size_t bytes) {
    used_ += bytes;
    if (whole_) whole_->take_anyway(bytes);
  }
  void give_back(std::size_t bytes) {
    bytes = std::min(bytes, used_);
    used_ -= bytes;
    if (whole_) whole_->give_back(bytes);
  }
  bool exceeded() const { return used_ > limit_ || (whole_ && whole_->exceeded()); }
  std::size_t used() const { return used_; }
  std::size_t limit() const { return limit_; }

 private:
  std::size_t limit_;
  std::size_t used_ = 0;
  std::shared_ptr<Budget> whole_;
};

// Parts of one budget for each address, so that none takes all of it. Loop thread only.
class AddressBudgets {
 public:
  AddressBudgets(std::size_t of_all, std::size_t of_address)
      : all_(std::make_shared<Budget>(of_all)), of_address_(of_address) {}
  std::shared_ptr<Budget> of(const std::string& address) {
    const auto found = parts_.find(address);
    if (auto part = found == parts_.end() ? nullptr : found->second.lock()) return part;
    // Those that nobody holds any more are forgotten from time to time.
    if (parts_.size() >= forget_at_) {
      std::erase_if(parts_, [](const auto& entry) { return entry.second.expired(); });
      forget_at_ = kForgetAt + 2 * parts_.size();
    }
    auto part = std::make_shared<Budget>(of_address_, all_);
    parts_[address] = part;
    return part;
  }
  const Budget& all() const { return *all_; }

 private:
  static constexpr std::size_t kForgetAt = 64;
  std::shared_ptr<Budget> all_;
  std::size_t of_address_;
  std::map<std::string, std::weak_ptr<Budget>> parts_;
  std::size_t forget_at_ = kForgetAt;
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
  // Whether its own bound allows so much more; whether the total does, take() says.
  bool has_own_room(std::size_t bytes) const { return bytes <= own_.limit() - std::min(own_.limit(), own_.used()); }
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
