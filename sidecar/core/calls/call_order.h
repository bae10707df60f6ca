// The order in which local calls are routed: those of one actor one after another, so that none overtakes an earlier
// one from the same host. Calls that turns make of the same actor have an order of their own, by their chain, since
// what stands in front of them may wait for them; so has an operator's wish to end an activation.
//
// Example: calls 1, 2 and 3 of actor 7 come while its owner is not known. Call 1 waits; 2 and 3 stand behind it. Once 1
// is on its way to the app, 2 is routed, and so on.
//
// Nobody behind a call is routed in the midst of what becomes of that call: whoever takes the first one away says so
// with look_at(), and the node looks at those orders when it is done with that (Node::advance_orders).
//
// Invariants
//  1. A call stands in one order at most, and there once.
//  2. An order that nobody stands in is not kept.
// Loop thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>

#include "sidecar/core/call.h"

namespace ringside::core {

using OrderId = base::Number<struct OrderTag>;

class CallOrder {
 public:
  static OrderId of(const Call& call);

  void add(OrderId order, CallId call);        // behind all others
  void add_first(OrderId order, CallId call);  // one that was on its way already comes back
  void add_first(OrderId order, const std::deque<CallId>& calls);
  void remove(OrderId order, CallId call);  // nothing happens where it does not stand in it

  // The first one may have moved on. Nothing happens where nobody stands in that order.
  void look_at(OrderId order);
  std::optional<OrderId> next_to_look_at();  // in the order in which that was said

  std::optional<CallId> first(OrderId order) const;
  std::size_t size(OrderId order) const;
  bool stands_behind_another(OrderId order, CallId call) const;

  std::size_t orders() const { return orders_.size(); }
  template <typename Visit>
  void each(const Visit& visit) const {  // call of each order, from its first on
    for (const auto& [order, calls] : orders_) {
      for (const CallId call : calls) visit(order, call);
    }
  }
  // Ends the process if a call stands in one order twice, or an order is empty. Whether each stands in its own order
  // the node knows (Node::check).
  void check() const;

 private:
  std::unordered_map<OrderId, std::deque<CallId>> orders_;
  std::deque<OrderId> to_look_at_;
};

}  // namespace ringside::core
