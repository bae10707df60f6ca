// Connections that wait for their clients, in the order in which they give way where all slots or all bytes are taken.
// One order is shared by all listeners that share slots or bytes. Loop thread only.
//
// A slot comes from the address that has most connections that wait: a flood from one address keeps out itself, and not
// a client from elsewhere that is about to speak. Of that address, silent connections go first, then idle ones, then
// those in the middle of a request; of each kind whoever has waited longest. Bytes come from whoever has kept them
// waiting for longest, of all.
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include <boost/intrusive/list.hpp>

#include "sidecar/net/transport.h"

namespace ringside::net {

class YieldOrder {
 public:
  // What a connection waits for.
  enum class Wait {
    kSilent,   // the first byte of its first request; over HTTP/2 its first request
    kIdle,     // the next request
    kPartial,  // the rest of a request, of which the beginning is held
    kUnread,   // that its answer is read, which is held until then
    kStreams,  // over HTTP/2: the rest of requests, or that answers are read, while it may work for others; no slot
  };

  // One connection's place, which it leaves at its end.
  class Place : public boost::intrusive::list_base_hook<> {
   public:
    // `address`: the client's. `give_slot` ends the connection, and its slot is free when it returns.
    Place(std::shared_ptr<YieldOrder> order, std::string address, std::function<void()> give_slot)
        : order_(std::move(order)), address_(std::move(address)), give_slot_(std::move(give_slot)) {}
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { stop(); }

    // From now on. Where it waits for that already, it keeps its place.
    void wait(Wait wait) {
      if (!is_linked() || wait_ != wait) this->wait(wait, Clock::now());
    }
    // For so long already.
    void wait(Wait wait, Clock::time_point since) {
      stop();
      wait_ = wait;
      since_ = since;
      order_->add(*this);
    }
    // It works for its client now, and gives nothing away.
    void stop() {
      if (is_linked()) order_->remove(*this);
    }

    YieldOrder& order() { return *order_; }
    // What gives back bytes that it holds, while it waits in kPartial, kUnread or kStreams.
    void set_give_bytes(std::function<void()> give_bytes) { give_bytes_ = std::move(give_bytes); }

   private:
    friend class YieldOrder;

    std::shared_ptr<YieldOrder> order_;
    std::string address_;
    std::function<void()> give_slot_;
    std::function<void()> give_bytes_;
    Wait wait_ = Wait::kSilent;
    Clock::time_point since_{};
  };

  // Makes one connection end; false: all of them work for their clients. An answer that is under way is not cut off for
  // a new connection.
  bool free_slot() {
    const auto most = std::max_element(addresses_.begin(), addresses_.end(), [](const auto& one, const auto& other) {
      return one.second.slots() < other.second.slots();
    });
    return most != addresses_.end() && free_slot_among(most->second);
  }
  bool free_slot_of(const std::string& address) {  // likewise, one of that address
    const auto found = addresses_.find(address);
    return found != addresses_.end() && free_slot_among(found->second);
  }

  // Makes one connection give back the bytes that it holds; false: nobody who waits holds any.
  bool free_bytes() {
    Place* longest = nullptr;
    for (auto& [address, waiting] : addresses_) {
      for (const Wait wait : {Wait::kPartial, Wait::kUnread, Wait::kStreams}) {
        Place* const first = waiting.first(wait);
        if (first != nullptr && (longest == nullptr || first->since_ < longest->since_)) longest = first;
      }
    }
    if (longest == nullptr) return false;
    give(*longest, &Place::give_bytes_);
    return true;
  }

 private:
  using Places = boost::intrusive::list<Place>;

  // Those of one address, the longest first.
  struct Waiting {
    std::array<Places, 5> by_what;

    Places& of(Wait wait) { return by_what[static_cast<std::size_t>(wait)]; }
    const Places& of(Wait wait) const { return by_what[static_cast<std::size_t>(wait)]; }
    Place* first(Wait wait) { return of(wait).empty() ? nullptr : &of(wait).front(); }
    std::size_t slots() const { return of(Wait::kSilent).size() + of(Wait::kIdle).size() + of(Wait::kPartial).size(); }
    bool empty() const { return slots() + of(Wait::kUnread).size() + of(Wait::kStreams).size() == 0; }
  };

  static bool free_slot_among(Waiting& waiting) {
    for (const Wait wait : {Wait::kSilent, Wait::kIdle, Wait::kPartial}) {
      if (Place* const first = waiting.first(wait)) {
        give(*first, &Place::give_slot_);
        return true;
      }
    }
    return false;
  }

  void add(Place& place) {
    Places& places = addresses_[place.address_].of(place.wait_);
    auto behind = places.end();
    while (behind != places.begin() && std::prev(behind)->since_ > place.since_) --behind;
    places.insert(behind, place);
  }
  void remove(Place& place) {
    const auto found = addresses_.find(place.address_);
    Places& from = found->second.of(place.wait_);
    from.erase(from.iterator_to(place));
    if (found->second.empty()) addresses_.erase(found);
  }

  static void give(Place& place, std::function<void()> Place::*what) {
    const auto kept = place.*what;  // the place may end with what it gives
    place.stop();
    kept();
  }

  std::map<std::string, Waiting> addresses_;
};

}  // namespace ringside::net
