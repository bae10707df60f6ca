// Signals of this process as handlers on the loop.
#pragma once

#include <functional>
#include <initializer_list>

#include "sidecar/base/descriptor.h"
#include "sidecar/loop/readiness.h"

namespace ringside::loop {

// Made before the process has other threads: they inherit that these signals are held back, or one of them would be
// ended by the first.
class Signals {
 public:
  Signals(Loop& loop, std::initializer_list<int> which);
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // `arrived` hears of each, by its number (SIGTERM), also of one that has come already.
  void hear(std::function<void(int)> arrived);

 private:
  void await();

  base::Descriptor descriptor_;
  std::function<void(int)> arrived_;
  Readiness readiness_;
};

}  // namespace ringside::loop
