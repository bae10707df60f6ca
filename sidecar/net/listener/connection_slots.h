// Who may have a slot of a listener: strangers have three quarters of them, and those of one address half of them, so
// that nobody takes what members need. Where there is none left, or an address has its part, a connection that waits
// for its client gives its slot up (net/yield_order.h). Loop thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <absl/container/flat_hash_map.h>

#include "sidecar/base/number.h"
#include "sidecar/net/budget.h"
#include "sidecar/net/yield_order.h"

namespace ringside::net {

class ConnectionSlots {
 public:
  using Id = base::Number<struct ConnectionTag>;  // grows from connection to connection

  enum class Client {
    kAny,  // of a listener that knows nobody
    kStranger,
    kKnown,
  };

  // Both may be shared with other listeners. What gives up its slot has given it back when that returns.
  ConnectionSlots(std::shared_ptr<Budget> slots, std::shared_ptr<YieldOrder> yields)
      : slots_(std::move(slots)), yields_(std::move(yields)) {}

  // False: there is none for it.
  bool take(Id id, Client client, const std::string& address);
  void give_back(Id id);  // of whoever has one
  std::size_t limit() const { return slots_->limit(); }

 private:
  struct Holder {
    Client client;
    std::string address;
  };

  std::shared_ptr<Budget> slots_;
  std::shared_ptr<YieldOrder> yields_;
  absl::flat_hash_map<Id, Holder> holders_;
  absl::flat_hash_map<std::string, std::size_t> strangers_at_;
  std::size_t strangers_ = 0;
};

}  // namespace ringside::net
