// Who has the slots of a listener, and who gives one up where there are none left: a connection that has asked nothing
// for a second, the oldest first. Strangers have three quarters of the slots, and those of one address half of them, so
// that nobody takes what members need. Loop thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include <absl/container/flat_hash_map.h>

#include "sidecar/net/budget.h"
#include "sidecar/net/transport.h"

namespace ringside::net {

class ConnectionSlots {
 public:
  using Id = std::uint64_t;  // grows from connection to connection

  enum class Client {
    kAny,  // of a listener that knows nobody
    kStranger,
    kKnown,  // never gives its slot up
  };

  // `slots` may be shared with other listeners. `drop` ends a connection, whose slot is then given back.
  ConnectionSlots(std::shared_ptr<Budget> slots, std::function<void(Id)> drop);

  // False: there is none for it.
  bool take(Id id, Client client, const std::string& address, Clock::time_point now);
  void has_asked(Id id);
  // Of whoever has one.
  void give_back(Id id);

 private:
  struct Holder {
    Client client;
    std::string address;
    Clock::time_point since;
  };
  struct Address {
    std::size_t connections = 0;
    std::set<Id> silent;
  };

  bool drop_oldest(const std::set<Id>& silent, Clock::time_point now);

  std::shared_ptr<Budget> slots_;
  std::function<void(Id)> drop_;
  absl::flat_hash_map<Id, Holder> holders_;
  std::set<Id> silent_;
  absl::flat_hash_map<std::string, Address> strangers_at_;
  std::size_t strangers_ = 0;
};

}  // namespace ringside::net
