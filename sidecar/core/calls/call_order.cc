#include "sidecar/core/calls/call_order.h"

#include <algorithm>
#include <vector>

#include "sidecar/base/check.h"
#include "sidecar/core/hash.h"

namespace ringside::core {

OrderId CallOrder::of(const Call& call) {
  if (call.kind == Call::Kind::kDeactivate)
    return OrderId(~hash_id(call.id).value());  // what is in front may be what is to be ended
  if (call.chain.empty()) return OrderId(call.id.value());
  return OrderId(hash_id(call.id).value() ^ hash_bytes(call.chain).value());
}

void CallOrder::add(OrderId order, CallId call) { orders_[order].push_back(call); }

void CallOrder::add_first(OrderId order, CallId call) { orders_[order].push_front(call); }

void CallOrder::add_first(OrderId order, const std::deque<CallId>& calls) {
  if (calls.empty()) return;
  std::deque<CallId>& all = orders_[order];
  all.insert(all.begin(), calls.begin(), calls.end());
}

void CallOrder::remove(OrderId order, CallId call) {
  const auto found = orders_.find(order);
  if (found == orders_.end()) return;
  std::erase(found->second, call);
  if (found->second.empty()) orders_.erase(found);
}

void CallOrder::look_at(OrderId order) {
  if (!orders_.contains(order)) return;
  if (to_look_at_.empty() || to_look_at_.back() != order) to_look_at_.push_back(order);
}

std::optional<OrderId> CallOrder::next_to_look_at() {
  if (to_look_at_.empty()) return std::nullopt;
  const OrderId next = to_look_at_.front();
  to_look_at_.pop_front();
  return next;
}

std::optional<CallId> CallOrder::first(OrderId order) const {
  const auto found = orders_.find(order);
  return found == orders_.end() ? std::nullopt : std::optional(found->second.front());
}

std::size_t CallOrder::size(OrderId order) const {
  const auto found = orders_.find(order);
  return found == orders_.end() ? 0 : found->second.size();
}

bool CallOrder::stands_behind_another(OrderId order, CallId call) const {
  const auto found = orders_.find(order);
  if (found == orders_.end() || found->second.front() == call) return false;
  return std::find(found->second.begin(), found->second.end(), call) != found->second.end();
}

void CallOrder::check() const {
  for (const auto& [order, calls] : orders_) {
    RINGSIDE_CHECK(!calls.empty());
    if (calls.size() == 1) continue;
    std::vector<CallId> sorted(calls.begin(), calls.end());
    std::sort(sorted.begin(), sorted.end());
    RINGSIDE_CHECK(std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end());
  }
}

}  // namespace ringside::core
