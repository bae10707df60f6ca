#include "sidecar/core/directory/inventory.h"

#include "sidecar/base/check.h"

namespace ringside::core {

void Inventory::lose(const HashRanges& ranges) {
  pending_.remove(ranges);
  open_.remove(ranges);
}

void Inventory::clear() {
  pending_ = {};
  open_ = {};
  waiting_.clear();
  ended_.clear();
}

void Inventory::open_next(const std::map<std::string, Generation>& members) {
  RINGSIDE_CHECK(may_open_next());
  open_ = std::move(pending_);
  pending_ = {};
  waiting_ = members;
  ++number_;
  close_if_answered();
}

bool Inventory::awaits(const std::string& host, Generation generation, InventoryNumber number) const {
  const auto asked = waiting_.find(host);
  return number == number_ && asked != waiting_.end() && asked->second == generation;
}

bool Inventory::answered(const std::string& host, Generation generation, InventoryNumber number) {
  if (!awaits(host, generation, number)) return false;
  waiting_.erase(host);
  close_if_answered();
  return true;
}

void Inventory::ended(const std::string& host, const Claim& claim) {
  if (waiting_.contains(host) && ended_.size() < kMaxEnded) ended_.emplace(claim.id, claim.epoch, host);
}

bool Inventory::has_ended(const std::string& host, const Claim& claim) const {
  return !ended_.empty() && ended_.contains({claim.id, claim.epoch, host});
}

void Inventory::gone(const std::string& host) {
  if (waiting_.erase(host) != 0) close_if_answered();
}

void Inventory::check() const { RINGSIDE_CHECK(!waiting_.empty() || (open_.empty() && ended_.empty())); }

void Inventory::close_if_answered() {
  if (!waiting_.empty()) return;
  open_ = {};
  ended_.clear();
}

}  // namespace ringside::core
