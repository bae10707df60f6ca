// Gives memory back to the system after many actors have gone: the allocator keeps what was freed between what is still
// in use, for the next time, and a host that once held a million actors would look as if it still did. Loop thread
// only.
#pragma once

#include <cstddef>
#include <functional>

namespace ringside::process {

// What is large (a body, an answer) is taken from the system by itself, and given back when it goes: in a heap, what
// was freed between what is still in use would stay. For the whole process, before its first large block.
void return_large_blocks_at_once();

class MemoryReturn {
 public:
  static constexpr std::size_t kWorthIt = 10'000;  // actors; below, it is not worth a look

  // `trim` is malloc_trim, or what a test counts instead.
  explicit MemoryReturn(std::function<void()> trim) : trim_(std::move(trim)) {}

  // How many actors there are now; called now and then. Trims when half of the most since the last time have gone.
  void observe(std::size_t actors) {
    if (actors >= most_) {
      most_ = actors;
    } else if (most_ >= kWorthIt && actors <= most_ / 2) {
      most_ = actors;
      trim_();
    }
  }

 private:
  std::function<void()> trim_;
  std::size_t most_ = 0;
};

}  // namespace ringside::process
