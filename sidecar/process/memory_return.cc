#include "sidecar/process/memory_return.h"

#include <malloc.h>

namespace ringside::process {

namespace {

constexpr int kLarge = 256 << 10;
// By itself the allocator would trim its heap whenever a block of kLarge is free at its end.
constexpr int kKeptAtTheEnd = 8 << 20;

}  // namespace

void return_large_blocks_at_once() {
  ::mallopt(M_MMAP_THRESHOLD, kLarge);
  ::mallopt(M_TRIM_THRESHOLD, kKeptAtTheEnd);
}

}  // namespace ringside::process
