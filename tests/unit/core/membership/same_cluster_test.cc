#include "sidecar/core/membership/same_cluster.h"

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

MembershipConfig carts(bool accept_legacy = true) {
  MembershipConfig config;
  config.cluster = "carts";
  config.points = 512;
  config.accept_legacy = accept_legacy;
  return config;
}

TEST(SameCluster, APingTellsTheCluster) {
  struct Case {
    const char* cluster;
    Generation generation;
    bool accept_legacy;
    const char* why;
  };
  for (const auto& [cluster, generation, accept_legacy, why] :
       {Case{"carts", 7, true, ""}, Case{"carts", 7, false, ""}, Case{"users", 7, true, "it is of cluster users"},
        Case{"", 0, true, ""}, Case{"", 0, false, "it does not name its cluster (--legacy-peers refuse)"},
        Case{"", 7, true, "it is of cluster "}}) {
    PingAnswer says;
    says.cluster = cluster;
    says.generation = generation;
    EXPECT_EQ(why_stranger(carts(accept_legacy), says), why);
  }
}

TEST(SameCluster, AJoinerNamesItsClusterAndItsPoints) {
  EXPECT_EQ(why_mismatched(carts(), Sender{"b", 7, "carts", 0}, JoinRequest{512, false}), "");
  EXPECT_EQ(why_mismatched(carts(), Sender{"b", 7, "users", 0}, JoinRequest{512, false}), "this is cluster carts");
  EXPECT_EQ(why_mismatched(carts(), Sender{"b", 7, "carts", 0}, JoinRequest{64, false}),
            "this ring has 512 points for each host");
}

TEST(SameCluster, NamesAreExchangedWithOnesOwnAndWithLegacyHosts) {
  struct Case {
    const char* cluster;
    std::uint32_t points;
    bool accept_legacy, matches;
  };
  for (const auto& [cluster, points, accept_legacy, matches] :
       {Case{"carts", 512, true, true}, Case{"carts", 0, true, true}, Case{"carts", 64, true, false},
        Case{"users", 512, true, false}, Case{"", 0, true, true}, Case{"", 512, true, true}, Case{"", 64, true, false},
        Case{"", 0, false, false}}) {
    const std::string why = why_mismatched(carts(accept_legacy), NegotiateRequest{{}, cluster, points});
    EXPECT_EQ(why, matches ? "" : "this is cluster carts with 512 points for each host") << cluster << points;
  }
}

}  // namespace
}  // namespace ringside::core
