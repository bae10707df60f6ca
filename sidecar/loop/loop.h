// The event loop of a process: one thread, on which everything runs that is not said to run elsewhere.
//
// One iteration waits until something can be done, and then does all of it, in this order: timers that are due, what
// waits for descriptors that have become ready, what was posted, and last what asked for the iteration's end. So a
// connection that has been given twenty answers in one iteration writes them at its end, in one system call.
//
// It makes few system calls. A descriptor is registered once, edge-triggered, and not again for each wait (epoll(7));
// what is posted costs none, and a timer only where it is the next that is due: the kernel's timer (timerfd_create(2))
// is set when it would come too late, and not for each wait. A request that is read and answered takes three:
// epoll_wait, recv, send. `docs/decisions/0033-a-loop-of-our-own.md` says what it replaces and why.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <absl/functional/any_invocable.h>
#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>

#include "sidecar/base/descriptor.h"

struct epoll_event;

namespace ringside::loop {

using Clock = std::chrono::steady_clock;
using Task = absl::AnyInvocable<void()>;

class Timer;
class Readiness;

class Loop {
 public:
  // Ends the process where the machine has no descriptor left for it.
  Loop();
  // What waits, or was posted, is dropped and never runs.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs in this iteration where that has not come to what was posted yet, else in the next.
  void post(Task task) { posted_.push_back(std::move(task)); }
  // The same from any thread.
  void post_from_thread(Task task);
  // Runs at the end of this iteration; of the next where it is given at an end.
  void at_end(Task task) { at_end_.push_back(std::move(task)); }

  // Until stop(), or until there is nothing left that it could wait for.
  void run();
  // One iteration, which waits for that long at most. How many handlers ran.
  std::size_t run_once(Clock::duration at_most = Clock::duration::max());
  // Iterations that do not wait, until one finds nothing to do. How many handlers ran.
  std::size_t poll();
  // Makes run() return after the iteration, also one that begins only now. Any thread.
  void stop();

  // The one object of its kind that all who use this loop share, made from the loop when it is first asked for.
  template <typename Part>
  Part& shared() {
    static const char kKind = 0;
    for (const auto& [kind, part] : parts_) {
      if (kind == &kKind) return *static_cast<Part*>(part.get());
    }
    auto made = std::make_shared<Part>(*this);
    Part& part = *made;
    parts_.emplace_back(&kKind, std::move(made));
    return part;
  }

 private:
  friend class Timer;
  friend class Readiness;

  // A timer that is set.
  struct Deadline : boost::intrusive::set_base_hook<> {
    Clock::time_point at;
    std::uint64_t number = 0;  // of two that are due at once, who was set first
    Task task;
    friend bool operator<(const Deadline& one, const Deadline& other) {
      return one.at != other.at ? one.at < other.at : one.number < other.number;
    }
  };
  // A descriptor that is registered. It stays until the end of the iteration in which it is closed, since events of it
  // may have been fetched already.
  struct Registered : boost::intrusive::list_base_hook<>, std::enable_shared_from_this<Registered> {
    int descriptor = -1;
    bool open = true;
    bool readable = false;  // since the last read that found nothing more
    bool ended = false;     // the other end has said its last: it stays readable
    bool posted = false;    // that a wait is over
    Task on_readable;
    Task on_writable;
  };

  // Readiness
  std::shared_ptr<Registered> add(int descriptor);
  void wait_readable(Registered& registered, Task task);
  void wait_writable(Registered& registered, Task task);
  void forget(Registered& registered);
  bool register_for(int operation, Registered& registered, std::uint32_t events);
  // Timer
  void set(Deadline& deadline, Clock::time_point at, Task task);
  void cancel(Deadline& deadline);

  // A handler that will not run. It ends with the iteration, since whoever drops it may be what it keeps alive.
  void bury(Task task);

  std::size_t wait(Clock::duration at_most);
  void arm();
  std::size_t run_timers();
  std::size_t run_ready(const epoll_event& event);
  std::size_t run_tasks(std::vector<Task>& tasks);
  bool has_tasks() const { return !posted_.empty() || !at_end_.empty(); }
  bool has_nothing_to_wait_for() const;
  void take_from_threads();
  void drop_all();

  base::Descriptor epoll_;
  base::Descriptor wake_;   // an eventfd, readable when other threads have something for this one
  base::Descriptor timer_;  // a timerfd, readable at armed_
  Clock::time_point armed_ = Clock::time_point::max();
  std::vector<Task> posted_, at_end_, running_;
  boost::intrusive::multiset<Deadline> deadlines_;
  std::uint64_t next_deadline_ = 0;
  boost::intrusive::list<Registered> registered_;
  std::size_t waits_ = 0;  // handlers that wait for a descriptor
  std::vector<Task> buried_;
  std::vector<std::shared_ptr<Registered>> closed_;
  std::vector<std::pair<const void*, std::shared_ptr<void>>> parts_;
  std::atomic<bool> stopped_ = false;
  std::mutex mutex_;  // guards what follows
  std::vector<Task> from_threads_;
};

}  // namespace ringside::loop
