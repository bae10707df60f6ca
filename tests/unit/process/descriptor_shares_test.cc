#include "sidecar/process/descriptor_shares.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace ringside::process {
namespace {

TEST(DescriptorShares, EverySharesSumIsWithinTheLimit) {
  for (const std::size_t limit : {150U, 256U, 1024U, 4096U, 65536U, 1048576U}) {
    const DescriptorShares shares = share_descriptors(limit, 20);
    const std::size_t sum = shares.admin + shares.peer + shares.local + shares.app +
                            std::min<std::size_t>(shares.app / 2 + 1, 256);  // those to other hosts
    EXPECT_LE(sum + 20, limit) << limit;
    EXPECT_GE(shares.local, shares.peer / 2) << limit;
  }
  EXPECT_EQ(share_descriptors(1048576, 20).local, 10'000U);
  // However little there is, nobody is left without.
  const DescriptorShares least = share_descriptors(10, 20);
  for (const std::size_t share : {least.admin, least.peer, least.local, least.app}) EXPECT_GE(share, 2U);
}

}  // namespace
}  // namespace ringside::process
