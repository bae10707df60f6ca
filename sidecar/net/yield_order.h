// Connections that wait for their clients, in the order in which they give way where all slots or all bytes are taken:
// within each kind of waiting, whoever has waited longest goes first. One order is shared by all listeners that share
// slots or bytes. Loop thread only.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <utility>

#include <boost/intrusive/list.hpp>

#include "sidecar/net/transport.h"

namespace ringside::net {

class YieldOrder {
 public:
  // What a connection waits for.
  enum class Wait {
    kSilent,   // the first byte of its first request
    kIdle,     // the next request
    kPartial,  // the rest of a request, of which the beginning is held
    kUnread,   // that its answer is read, which is held until then
  };

 private:
  using Hook = boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

 public:
  // One connection's place, which it leaves at its end.
  class Place : public Hook {
   public:
    // `give_slot` ends the connection, and its slot is free when it returns.
    Place(std::shared_ptr<YieldOrder> order, std::function<void()> give_slot)
        : order_(std::move(order)), give_slot_(std::move(give_slot)) {}

    // From now on. Where it waits for that already, it keeps its place.
    void wait(Wait wait) {
      if (is_linked() && wait_ == wait) return;
      stop();
      wait_ = wait;
      since_ = Clock::now();
      order_->waiting_[static_cast<std::size_t>(wait)].push_back(*this);
    }
    // It works for its client now, and gives nothing away.
    void stop() {
      if (is_linked()) unlink();
    }

    YieldOrder& order() { return *order_; }
    // What gives back the bytes that it holds, while it waits in kPartial or kUnread.
    void set_give_bytes(std::function<void()> give_bytes) { give_bytes_ = std::move(give_bytes); }

   private:
    friend class YieldOrder;

    std::shared_ptr<YieldOrder> order_;
    std::function<void()> give_slot_;
    std::function<void()> give_bytes_;
    Wait wait_ = Wait::kSilent;
    Clock::time_point since_{};
  };

  // Makes one connection end; false: all of them work for their clients. An answer that is under way is not cut off for
  // a new connection.
  bool free_slot() {
    for (const Wait wait : {Wait::kSilent, Wait::kIdle, Wait::kPartial}) {
      if (Place* const first = first_of(wait)) {
        give(*first, first->give_slot_);
        return true;
      }
    }
    return false;
  }

  // Makes one connection give back the bytes that it holds; false: nobody who waits holds any.
  bool free_bytes() {
    Place* const partial = first_of(Wait::kPartial);
    Place* const unread = first_of(Wait::kUnread);
    const bool older = unread != nullptr && (partial == nullptr || unread->since_ < partial->since_);
    Place* const first = older ? unread : partial;
    if (first == nullptr) return false;
    give(*first, first->give_bytes_);
    return true;
  }

 private:
  using Places = boost::intrusive::list<Place, boost::intrusive::constant_time_size<false>>;

  // By value: the place may end with what it gives.
  static void give(Place& place, std::function<void()> what) {
    place.stop();
    what();
  }

  Place* first_of(Wait wait) {
    Places& places = waiting_[static_cast<std::size_t>(wait)];
    return places.empty() ? nullptr : &places.front();
  }

  std::array<Places, 4> waiting_;
};

}  // namespace ringside::net
