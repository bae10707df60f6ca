// One deadline on a loop. Loop thread only.
#pragma once

#include "sidecar/loop/loop.h"

namespace ringside::loop {

class Timer {
 public:
  explicit Timer(Loop& loop) : loop_(loop) {}
  ~Timer() { cancel(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Runs `task` once, at that time or soon after it. What was set before is cancelled.
  void at(Clock::time_point when, Task task) { loop_.set(deadline_, when, std::move(task)); }
  // Zero: in the next iteration.
  void after(Clock::duration time, Task task);
  // What was set never runs, also if it is due already.
  void cancel() { loop_.cancel(deadline_); }

 private:
  Loop& loop_;
  Loop::Deadline deadline_;
};

}  // namespace ringside::loop
