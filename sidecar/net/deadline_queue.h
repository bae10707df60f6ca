// Many deadlines, one timer; `Id` is what names whatever is due. Loop thread only.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include <boost/asio/steady_timer.hpp>

#include "sidecar/net/transport.h"

namespace ringside::net {

template <typename Id>
class DeadlineQueue {
 public:
  // `expired` runs for each id whose time has come; it may add and remove.
  DeadlineQueue(Loop& loop, std::function<void(Id)> expired)
      : timer_(loop), state_(std::make_shared<State>(State{{}, std::move(expired)})) {}

  void add(Clock::time_point when, Id id) {
    state_->entries.emplace(when, id);
    arm();
  }
  void remove(Clock::time_point when, Id id) { state_->entries.erase({when, id}); }
  void clear() {
    state_->entries.clear();
    timer_.cancel();
    armed_.reset();
  }

 private:
  struct State {
    std::set<std::pair<Clock::time_point, Id>> entries;
    std::function<void(Id)> expired;
  };

  // Left armed for a time that was removed: one idle expiry is cheaper than re-arming for each call.
  void arm() {
    if (state_->entries.empty()) return;
    const Clock::time_point first = state_->entries.begin()->first;
    if (armed_ && *armed_ <= first) return;
    armed_ = first;
    timer_.expires_at(first);
    timer_.async_wait([this, weak = std::weak_ptr<State>(state_)](error_code ec) {
      const auto state = weak.lock();
      if (ec || !state) return;
      const Clock::time_point now = Clock::now();
      while (!state->entries.empty() && state->entries.begin()->first <= now) {
        const Id id = state->entries.begin()->second;
        state->entries.erase(state->entries.begin());
        state->expired(id);
      }
      if (weak.use_count() < 2) return;  // destroyed by what expired
      armed_.reset();
      arm();
    });
  }

  boost::asio::steady_timer timer_;
  std::shared_ptr<State> state_;
  std::optional<Clock::time_point> armed_;
};

}  // namespace ringside::net
