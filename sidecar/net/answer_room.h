// Bytes of answers that are coming in, of all clients that share a room. Where there are no more, connections read no
// further until others have ended, and the server waits; the answer that began first goes on, so that one always ends,
// and small answers are never held up. Loop thread only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

#include <boost/intrusive/list.hpp>

namespace ringside::net {

class AnswerRoom {
 private:
  using Hook = boost::intrusive::list_base_hook<>;

 public:
  // Of each answer, so much is read in any case.
  static constexpr std::size_t kSmall = 16 * 1024;

  explicit AnswerRoom(std::size_t limit) : limit_(limit) {}

  // One connection's place, from the beginning of an answer to its end.
  class Place : public Hook {
   public:
    // Null: there is no limit. `resume`: reads on; runs when something has ended, from within.
    Place(std::shared_ptr<AnswerRoom> room, std::function<void()> resume)
        : room_(std::move(room)), resume_(std::move(resume)) {}
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { leave(); }

    // How much of `most` the connection may read now; 0: it hears when it may.
    std::size_t may_read(std::size_t most) {
      if (!room_) return most;
      if (!is_linked()) room_->places_.push_back(*this);
      const bool room = room_->used_ < room_->limit_ || &room_->places_.front() == this;
      paused_ = !room && read_ >= kSmall;
      return room ? most : std::min(most, kSmall - std::min(kSmall, read_));
    }
    // So much was read, and the answer takes so much memory now.
    void hold(std::size_t read, std::size_t bytes) {
      if (!room_) return;
      read_ += read;
      room_->used_ += bytes - held_;
      held_ = bytes;
    }
    void leave() {
      if (!is_linked()) return;
      const auto room = room_;
      room->places_.erase(room->places_.iterator_to(*this));
      room->used_ -= std::exchange(held_, 0);
      read_ = 0;
      paused_ = false;
      room->resume();
    }

   private:
    friend class AnswerRoom;

    std::shared_ptr<AnswerRoom> room_;
    std::function<void()> resume_;
    std::size_t held_ = 0;
    std::size_t read_ = 0;
    bool paused_ = false;
  };

  std::size_t used() const { return used_; }

 private:
  void resume() {
    bool first = true;
    for (Place& place : places_) {
      const bool may = std::exchange(first, false) || used_ < limit_;
      if (may && std::exchange(place.paused_, false)) place.resume_();
    }
  }

  std::size_t limit_;
  std::size_t used_ = 0;
  boost::intrusive::list<Place> places_;
};

}  // namespace ringside::net
