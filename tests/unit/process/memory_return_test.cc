#include "sidecar/process/memory_return.h"

#include <gtest/gtest.h>

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

TEST(MemoryReturn, AFewAreNotWorthIt) {
  int trimmed = 0;
  MemoryReturn memory([&] { ++trimmed; });
  memory.observe(MemoryReturn::kWorthIt - 1);
  memory.observe(0);
  EXPECT_EQ(trimmed, 0);
}

}  // namespace
}  // namespace ringside::process
