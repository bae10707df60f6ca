#include "sidecar/wire/peer_headers.h"

#include <gtest/gtest.h>

namespace ringside::wire {
namespace {

TEST(PeerHeaders, AClusterHasAName) {
  const std::string longest(253, 'x');
  ASSERT_TRUE(read_source("10.0.0.8;7;" + longest + ";9"));
  EXPECT_EQ(read_source("10.0.0.8;7;" + longest + ";9")->cluster, longest);
  EXPECT_FALSE(read_source("10.0.0.8;7;" + longest + "x;9"));
  ASSERT_TRUE(read_target(longest + ";10.0.0.8;7;9"));
  EXPECT_FALSE(read_target(longest + "x;10.0.0.8;7;9"));
}

}  // namespace
}  // namespace ringside::wire
