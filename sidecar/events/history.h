// The last things that happened to this host, numbered from 1 as long as the process lives.
//
// To keep one costs a few moves of strings: it is made into text when somebody asks. Loop thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <utility>

#include "sidecar/core/ports.h"

namespace ringside::events {

struct Recorded {
  std::uint64_t number = 0;
  std::int64_t wall_ms = 0;   // Unix time; of a burst (count > 1) that of the last of them
  std::int64_t first_ms = 0;  // of a burst that of the first of them
  core::HostEvent event;
};

class History final : public core::EventSink {
 public:
  static constexpr std::size_t kKept = 512;
  static constexpr std::size_t kLongestActor = 1024;  // in bytes; a longer one is cut, and readable
  using WallClock = std::function<std::int64_t()>;    // in milliseconds
  using Watcher = std::function<void(const Recorded& news)>;

  explicit History(WallClock wall) : wall_(std::move(wall)) {}
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  // core::EventSink: kept from now on; what it says is cut where nobody would read on.
  void happened(core::HostEvent event) override { happened(std::move(event), wall_(), wall_()); }
  // Of what has happened `event.count` times between these two.
  void happened(core::HostEvent event, std::int64_t first_ms, std::int64_t last_ms);
  std::int64_t wall_ms() const { return wall_(); }

  // The first that is kept of those with a greater number; nullptr: there is none.
  const Recorded* after(std::uint64_t number) const;
  std::uint64_t newest() const { return newest_; }  // 0: nothing has happened yet
  std::uint64_t oldest() const { return kept_.empty() ? 0 : kept_.front().number; }
  // The number before the first one that is at most so old.
  std::uint64_t before_last(std::int64_t milliseconds) const;

  // Called with each from now on, until it is forgotten; it may forget itself, and not record anything.
  std::uint64_t watch(Watcher watcher);
  void forget(std::uint64_t watch) { watchers_.erase(watch); }

 private:
  WallClock wall_;
  std::deque<Recorded> kept_;
  std::uint64_t newest_ = 0;
  std::map<std::uint64_t, Watcher> watchers_;
  std::uint64_t next_watch_ = 1;
};

}  // namespace ringside::events
