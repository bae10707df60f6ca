#include "sidecar/net/tls/handshake_turns.h"

#include <utility>

#include <boost/asio/post.hpp>

namespace ringside::net {

struct HandshakeTurns::Entry {
  std::weak_ptr<HandshakeTurns> turns;
  Class& of;
  std::string address;
  std::function<void()> begin;
  bool under_way = false;

  ~Entry() {
    if (const auto alive = turns.lock()) alive->leave(*this);
  }
};

HandshakeTurns::Ticket HandshakeTurns::enter(const std::string& address, bool known, std::function<void()> begin) {
  Class& of = known ? known_ : strangers_;
  const auto entry = std::shared_ptr<Entry>(new Entry{weak_from_this(), of, address, std::move(begin)});
  if (admit(*entry)) {
    boost::asio::post(loop_, [weak = std::weak_ptr<Entry>(entry)] {
      if (const auto still = weak.lock()) still->begin();
    });
  } else {
    of.waiting.push_back(entry);
  }
  return entry;
}

bool HandshakeTurns::admit(Entry& entry) {
  std::size_t& here = entry.of.under_way[entry.address];
  if (entry.of.total >= kAtOnce || here >= kAtOnceOfAnAddress) {
    if (here == 0) entry.of.under_way.erase(entry.address);
    return false;
  }
  ++here;
  ++entry.of.total;
  entry.under_way = true;
  return true;
}

void HandshakeTurns::leave(Entry& entry) {
  if (!entry.under_way) return;
  --entry.of.total;
  const auto found = entry.of.under_way.find(entry.address);
  if (--found->second == 0) entry.of.under_way.erase(found);
  admit_waiting(entry.of);
}

// Whoever waits longest, of those whose address has a place left.
void HandshakeTurns::admit_waiting(Class& of) {
  for (std::size_t left = of.waiting.size(); left > 0 && of.total < kAtOnce; --left) {
    const auto entry = of.waiting.front().lock();
    of.waiting.pop_front();
    if (!entry) continue;
    if (!admit(*entry)) {
      of.waiting.push_back(entry);
      continue;
    }
    boost::asio::post(loop_, [weak = std::weak_ptr<Entry>(entry)] {
      if (const auto still = weak.lock()) still->begin();
    });
  }
}

void HandshakeTurns::step(std::weak_ptr<void> alive, bool known, std::function<void()> run) {
  (known ? known_steps_ : stranger_steps_).push_back({std::move(alive), std::move(run)});
  if (std::exchange(pumping_, true)) return;
  boost::asio::post(loop_, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->pump();
  });
}

void HandshakeTurns::pump() {
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
  boost::asio::post(loop_, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->pump();
  });
}

}  // namespace ringside::net
