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

TEST(PeerHeaders, APhaseIsToldByItsName) {
  for (const core::Phase phase : {core::Phase::kJoining, core::Phase::kReady, core::Phase::kDraining,
                                  core::Phase::kDrained, core::Phase::kAppDown}) {
    EXPECT_EQ(read_phase(write_phase(phase)), phase) << write_phase(phase);
  }
  EXPECT_EQ(write_phase(core::Phase::kReady), "ready");
  for (const char* none : {"", "READY", "ready ", "2"}) EXPECT_EQ(read_phase(none), core::Phase::kUnspecified) << none;
}

}  // namespace
}  // namespace ringside::wire
