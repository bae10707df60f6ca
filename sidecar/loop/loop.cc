#include "sidecar/loop/loop.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "sidecar/base/check.h"

namespace ringside::loop {
namespace {

constexpr int kEventsAtOnce = 256;

timespec to_timespec(Clock::time_point time) {
  const auto nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
  return {nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000};
}

int to_milliseconds(Clock::duration time) {
  if (time == Clock::duration::max()) return -1;
  const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(time);
  return static_cast<int>(std::clamp<std::chrono::milliseconds::rep>(rounded.count(), 0, 1 << 30));
}

}  // namespace

Loop::Loop()
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
  RINGSIDE_CHECK(epoll_ && wake_ && timer_);
  for (base::Descriptor* const own : {&wake_, &timer_}) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    event.data.ptr = own;
    RINGSIDE_CHECK(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, own->get(), &event) == 0);
  }
}

Loop::~Loop() {
  drop_all();
  parts_.clear();
  drop_all();
}

// What is dropped may drop more, and close descriptors.
void Loop::drop_all() {
  for (Deadline& deadline : deadlines_) buried_.push_back(std::move(deadline.task));
  for (Registered& registered : registered_) {
    buried_.push_back(std::move(registered.on_readable));
    buried_.push_back(std::move(registered.on_writable));
  }
  while (has_tasks() || !buried_.empty()) {
    const auto posted = std::exchange(posted_, {});
    const auto at_end = std::exchange(at_end_, {});
    const auto buried = std::exchange(buried_, {});
  }
  closed_.clear();
}

void Loop::post_from_thread(Task task) {
  {
    const std::lock_guard lock(mutex_);
    from_threads_.push_back(std::move(task));
  }
  ::eventfd_write(wake_.get(), 1);
}

void Loop::stop() {
  stopped_ = true;
  ::eventfd_write(wake_.get(), 1);
}

void Loop::take_from_threads() {
  eventfd_t ignored = 0;
  ::eventfd_read(wake_.get(), &ignored);
  const std::lock_guard lock(mutex_);
  for (Task& task : from_threads_) posted_.push_back(std::move(task));
  from_threads_.clear();
}

void Loop::run() {
  while (!stopped_ && !has_nothing_to_wait_for()) run_once();
  stopped_ = false;
}

bool Loop::has_nothing_to_wait_for() const { return !has_tasks() && deadlines_.empty() && waits_ == 0; }

std::size_t Loop::poll() {
  std::size_t all = 0;
  while (const std::size_t ran = run_once(Clock::duration::zero())) all += ran;
  return all;
}

std::size_t Loop::run_once(Clock::duration at_most) {
  std::size_t ran = wait(has_tasks() ? Clock::duration::zero() : at_most);
  ran += run_tasks(posted_);
  ran += run_tasks(at_end_);
  while (!buried_.empty()) const auto gone = std::exchange(buried_, {});
  closed_.clear();
  return ran;
}

// Waits, and runs what the wait was for.
std::size_t Loop::wait(Clock::duration at_most) {
  if (at_most > Clock::duration::zero()) arm();
  std::array<epoll_event, kEventsAtOnce> events;
  const int ready = ::epoll_wait(epoll_.get(), events.data(), kEventsAtOnce, to_milliseconds(at_most));
  RINGSIDE_CHECK(ready >= 0 || errno == EINTR);
  std::size_t ran = run_timers();
  for (int i = 0; i < ready; ++i) ran += run_ready(events[static_cast<std::size_t>(i)]);
  return ran;
}

// A timer that was cancelled stays armed: one look in vain is cheaper than to set it for each.
void Loop::arm() {
  if (deadlines_.empty() || deadlines_.begin()->at >= armed_) return;
  armed_ = deadlines_.begin()->at;
  itimerspec until{};
  // Zero would disarm it.
  until.it_value = to_timespec(std::max(armed_, Clock::time_point(std::chrono::nanoseconds(1))));
  RINGSIDE_CHECK(::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &until, nullptr) == 0);
}

// Those that are set meanwhile are for the next iteration, however soon they are due.
std::size_t Loop::run_timers() {
  const Clock::time_point now = Clock::now();
  const std::uint64_t first_of_next = next_deadline_;
  std::size_t ran = 0;
  for (auto next = deadlines_.begin(); next != deadlines_.end() && next->at <= now;) {
    if (next->number >= first_of_next) {
      ++next;
      continue;
    }
    Deadline& due = *next;
    deadlines_.erase(next);
    Task task = std::exchange(due.task, nullptr);
    task();
    ++ran;
    next = deadlines_.begin();
  }
  return ran;
}

std::size_t Loop::run_ready(const epoll_event& event) {
  if (event.data.ptr == &wake_) {
    take_from_threads();
    return 0;
  }
  if (event.data.ptr == &timer_) {
    armed_ = Clock::time_point::max();
    return 0;
  }
  const auto registered = static_cast<Registered*>(event.data.ptr)->shared_from_this();
  std::size_t ran = 0;
  // An error is told once, by the read that finds it; an end again and again.
  const bool broken = (event.events & (EPOLLHUP | EPOLLERR)) != 0;
  registered->ended = registered->ended || (event.events & (EPOLLHUP | EPOLLRDHUP)) != 0;
  registered->readable = registered->readable || broken || registered->ended || (event.events & EPOLLIN) != 0;
  if (registered->open && registered->readable && registered->on_readable) {
    --waits_;
    std::exchange(registered->on_readable, nullptr)();
    ++ran;
  }
  if (registered->open && (broken || (event.events & EPOLLOUT) != 0) && registered->on_writable) {
    --waits_;
    // A Unix socket would tell of each message that its reader takes.
    register_for(EPOLL_CTL_MOD, *registered, EPOLLIN);
    std::exchange(registered->on_writable, nullptr)();
    ++ran;
  }
  return ran;
}

std::size_t Loop::run_tasks(std::vector<Task>& tasks) {
  if (tasks.empty()) return 0;
  running_.swap(tasks);  // both keep their room
  const std::size_t ran = running_.size();
  for (Task& task : running_) task();
  running_.clear();
  return ran;
}

// ---- descriptors ----------------------------------------------------------------------------------------------------

std::shared_ptr<Loop::Registered> Loop::add(int descriptor) {
  auto registered = std::make_shared<Registered>();
  registered->descriptor = descriptor;
  if (!register_for(EPOLL_CTL_ADD, *registered, EPOLLIN)) return nullptr;
  registered_.push_back(*registered);
  return registered;
}

bool Loop::register_for(int operation, Registered& registered, std::uint32_t events) {
  epoll_event event{};
  event.events = events | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &registered;
  return ::epoll_ctl(epoll_.get(), operation, registered.descriptor, &event) == 0;
}

void Loop::wait_readable(Registered& registered, Task task) {
  RINGSIDE_CHECK(registered.open && !registered.on_readable);
  registered.on_readable = std::move(task);
  ++waits_;
  if (!registered.readable || std::exchange(registered.posted, true)) return;
  post([this, kept = registered.shared_from_this()] {
    kept->posted = false;
    if (!kept->open || !kept->on_readable) return;
    --waits_;
    std::exchange(kept->on_readable, nullptr)();
  });
}

void Loop::wait_writable(Registered& registered, Task task) {
  RINGSIDE_CHECK(registered.open && !registered.on_writable);
  registered.on_writable = std::move(task);
  ++waits_;
  register_for(EPOLL_CTL_MOD, registered, EPOLLIN | EPOLLOUT);
}

// The kernel forgets a descriptor when it is closed.
void Loop::forget(Registered& registered) {
  registered.open = false;
  for (Task* const task : {&registered.on_readable, &registered.on_writable}) {
    if (!*task) continue;
    --waits_;
    bury(std::exchange(*task, nullptr));
  }
  registered_.erase(registered_.iterator_to(registered));
  closed_.push_back(registered.shared_from_this());
}

void Loop::bury(Task task) { buried_.push_back(std::move(task)); }

// ---- timers ---------------------------------------------------------------------------------------------------------

void Loop::set(Deadline& deadline, Clock::time_point at, Task task) {
  cancel(deadline);
  deadline.at = at;
  deadline.number = next_deadline_++;
  deadline.task = std::move(task);
  deadlines_.insert(deadline);
}

void Loop::cancel(Deadline& deadline) {
  if (!deadline.is_linked()) return;
  deadlines_.erase(deadlines_.iterator_to(deadline));
  bury(std::exchange(deadline.task, nullptr));
}

}  // namespace ringside::loop
