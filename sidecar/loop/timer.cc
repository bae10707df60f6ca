#include "sidecar/loop/timer.h"

namespace ringside::loop {

void Timer::after(Clock::duration time, Task task) {
  const Clock::time_point now = Clock::now();
  // As good as never where the clock ends before.
  at(time < Clock::time_point::max() - now ? now + time : Clock::time_point::max(), std::move(task));
}

}  // namespace ringside::loop
