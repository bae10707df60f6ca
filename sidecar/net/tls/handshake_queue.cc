#include "sidecar/net/tls/handshake_queue.h"

#include <utility>

namespace ringside::net {

struct HandshakeQueue::Entry : std::enable_shared_from_this<Entry> {
  Entry(std::weak_ptr<HandshakeQueue> owner, Class& its_class, std::string from, std::function<void()> then)
      : queue(std::move(owner)), of(its_class), address(std::move(from)), begin(std::move(then)) {}
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;
  ~Entry() {
    if (const auto alive = queue.lock()) alive->leave(*this);
  }

  std::weak_ptr<HandshakeQueue> queue;
  Class& of;
  std::string address;
  std::function<void()> begin;
  bool under_way = false;
  std::list<Entry*>::iterator place;  // while it waits
};

HandshakeQueue::Ticket HandshakeQueue::enter(const std::string& address, bool known, std::function<void()> begin) {
  Class& of = known ? known_ : strangers_;
  const auto entry = std::make_shared<Entry>(weak_from_this(), of, address, std::move(begin));
  auto& waiting = of.addresses[address].waiting;
  entry->place = waiting.insert(waiting.end(), entry.get());
  look_again(of, address);
  admit_waiting(of);
  return entry;
}

void HandshakeQueue::leave(Entry& entry) {
  Class& of = entry.of;
  Address& from = of.addresses[entry.address];
  if (entry.under_way) {
    --from.under_way;
    --of.under_way;
  } else {
    from.waiting.erase(entry.place);
  }
  look_again(of, entry.address);
  admit_waiting(of);
}

// Whether somebody there could begin, and whether anything is to be kept of that address.
void HandshakeQueue::look_again(Class& of, const std::string& address) {
  const auto found = of.addresses.find(address);
  Address& at = found->second;
  const bool could = !at.waiting.empty() && at.under_way < kAtOnceOfAnAddress;
  if (could && !at.listed) at.listed = of.next.insert(of.next.end(), address);
  if (!could && at.listed) of.next.erase(*std::exchange(at.listed, std::nullopt));
  if (at.waiting.empty() && at.under_way == 0) of.addresses.erase(found);
}

// One of each address in turn.
void HandshakeQueue::admit_waiting(Class& of) {
  while (of.under_way < kAtOnce && !of.next.empty()) {
    const std::string address = std::move(of.next.front());
    of.next.pop_front();
    Address& from = of.addresses[address];
    from.listed.reset();
    Entry& entry = *from.waiting.front();
    from.waiting.pop_front();
    entry.under_way = true;
    ++from.under_way;
    ++of.under_way;
    look_again(of, address);
    loop_.post([weak = entry.weak_from_this()] {
      if (const auto still = weak.lock()) still->begin();
    });
  }
}

void HandshakeQueue::step(std::weak_ptr<void> alive, bool known, std::function<void()> run) {
  (known ? known_steps_ : stranger_steps_).push_back({std::move(alive), std::move(run)});
  if (std::exchange(pumping_, true)) return;
  loop_.post([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->pump();
  });
}

void HandshakeQueue::pump() {
  for (std::size_t done = 0; done < kStepsPerIteration;) {
    auto& queue = known_steps_.empty() ? stranger_steps_ : known_steps_;
    if (queue.empty()) break;
    const Step next = std::move(queue.front());
    queue.pop_front();
    const auto alive = next.alive.lock();
    if (!alive) continue;
    next.run();
    ++done;
  }
  pumping_ = !known_steps_.empty() || !stranger_steps_.empty();
  if (!pumping_) return;
  loop_.post([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->pump();
  });
}

}  // namespace ringside::net
