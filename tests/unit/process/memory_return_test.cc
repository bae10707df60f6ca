#include "sidecar/process/memory_return.h"

#include <array>
#include <memory>

#include <gtest/gtest.h>
#include <malloc.h>

namespace ringside::process {
namespace {

TEST(MemoryReturn, TrimsEachTimeThatHalfHaveGone) {
  int trimmed = 0;
  MemoryReturn memory([&] { ++trimmed; });
  for (std::size_t actors = 0; actors <= 1'000'000; actors += 1'000) memory.observe(actors);
  EXPECT_EQ(trimmed, 0);
  for (std::size_t actors = 1'000'000; actors > 0; actors -= 1'000) memory.observe(actors);
  EXPECT_EQ(trimmed, 7) << "at 500,000, 250,000 and so on, while it is worth it";
  memory.observe(0);
  EXPECT_EQ(trimmed, 7);
}

TEST(LargeBlocks, GoBackToTheSystemAtOnce) {
  if (mallinfo2().arena == 0) GTEST_SKIP() << "another allocator, as the sanitizers have";
  return_large_blocks_at_once();
  // By itself the allocator keeps the second one: the first one taught it so.
  for (int i = 0; i < 2; ++i) {
    const std::size_t before = mallinfo2().hblkhd;
    auto block = std::make_unique<std::array<char, 1 << 20>>();
    EXPECT_GE(mallinfo2().hblkhd, before + block->size());
    block.reset();
    EXPECT_EQ(mallinfo2().hblkhd, before);
  }
}

TEST(MemoryReturn, AFewAreNotWorthIt) {
  int trimmed = 0;
  MemoryReturn memory([&] { ++trimmed; });
  memory.observe(MemoryReturn::kWorthIt - 1);
  memory.observe(0);
  EXPECT_EQ(trimmed, 0);
}

}  // namespace
}  // namespace ringside::process
