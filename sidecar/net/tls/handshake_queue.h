// Handshakes wait in a queue: each step costs some hundred microseconds of the loop, and a thousand hosts that meet at
// once would keep it from everything else for a second. A few steps run in one iteration of the loop, and a bounded
// number of handshakes that others began are under way at the same time, of one address fewer: the rest waits with
// nothing but its socket. Known addresses go first and have places of their own, so that strangers keep no member
// waiting. Loop thread only.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "sidecar/net/transport.h"

namespace ringside::net {

class HandshakeQueue : public std::enable_shared_from_this<HandshakeQueue> {
 public:
  static constexpr std::size_t kStepsPerIteration = 2;
  static constexpr std::size_t kAtOnce = 64;
  static constexpr std::size_t kAtOnceOfAnAddress = 16;

  explicit HandshakeQueue(Loop& loop) : loop_(loop) {}

  // A place among those that are under way, for as long as the ticket is held. `begin` runs when there is one, at once
  // or later, unless the ticket is dropped before.
  using Ticket = std::shared_ptr<void>;
  Ticket enter(const std::string& address, bool known, std::function<void()> begin);

  // Runs a step soon; not if `alive` is gone by then.
  void step(std::weak_ptr<void> alive, bool known, std::function<void()> run);

 private:
  struct Entry;
  struct Address {
    std::size_t under_way = 0;
    std::list<Entry*> waiting;                               // in the order in which they came
    std::optional<std::list<std::string>::iterator> listed;  // in Class::next
  };
  struct Class {  // of those who are known, or of those who are not
    std::map<std::string, Address> addresses;
    std::list<std::string> next;  // addresses at which somebody waits who could begin, were there a place
    std::size_t under_way = 0;
  };
  struct Step {
    std::weak_ptr<void> alive;
    std::function<void()> run;
  };

  void leave(Entry& entry);
  static void look_again(Class& of, const std::string& address);
  void admit_waiting(Class& of);
  void pump();

  Loop& loop_;
  Class known_;
  Class strangers_;
  std::deque<Step> known_steps_;
  std::deque<Step> stranger_steps_;
  bool pumping_ = false;
};

}  // namespace ringside::net
