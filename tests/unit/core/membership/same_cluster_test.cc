#include "sidecar/core/membership/same_cluster.h"

#include <gtest/gtest.h>

namespace ringside::core {
namespace {

MembershipConfig carts(bool accept_legacy = true) {
  MembershipConfig config;
  config.host = "a";
  config.cluster = "carts";
  config.points = 512;
  config.accept_legacy = accept_legacy;
  return config;
}

// "": nothing is wrong.
std::string why_not(const base::Result<void, std::string>& checked) { return checked ? "" : checked.error(); }

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
    EXPECT_EQ(why_not(is_of_cluster(carts(accept_legacy), says)), why);
  }
}

TEST(SameCluster, AJoinerNamesItsClusterAndItsPoints) {
  EXPECT_EQ(why_not(is_of_cluster(carts(), Sender{"b", 7, "carts", 0}, JoinRequest{512, false})), "");
  EXPECT_EQ(why_not(is_of_cluster(carts(), Sender{"b", 7, "users", 0}, JoinRequest{512, false})),
            "this is cluster carts");
  EXPECT_EQ(why_not(is_of_cluster(carts(), Sender{"b", 7, "carts", 0}, JoinRequest{64, false})),
            "a has --points 512, and b has --points 64: all hosts of a cluster need the same");
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
    const std::string why = why_not(is_of_cluster(carts(accept_legacy), NegotiateRequest{{}, cluster, points}));
    EXPECT_EQ(why, matches ? "" : "this is cluster carts with --points 512") << cluster << points;
  }
}

TEST(SameCluster, AnAddressMayLeadToAnybody) {
  using Kind = Answerer::Kind;
  struct Case {
    const char* address;
    const char* name;
    const char* cluster;
    bool is_clock_ahead;
    Kind kind;
  };
  MembershipConfig config = carts();
  config.host = "carts-0";
  for (const auto& [address, name, cluster, is_clock_ahead, kind] :
       {Case{"carts-1", "carts-1", "carts", false, Kind::kAsked},
        Case{"carts-1", "CARTS-1", "carts", false, Kind::kAsked},
        Case{"carts-1", "carts-1", "carts", true, Kind::kAhead},
        Case{"10.0.0.7", "carts-1", "carts", true, Kind::kAlias},
        Case{"10.0.0.7", "carts-0", "carts", false, Kind::kOwnName},
        Case{"carts-0", "carts-0", "carts", false, Kind::kOwnName},
        Case{"carts-0", "carts-1", "carts", false, Kind::kElsewhere},
        Case{"carts-1", "carts-1", "users", true, Kind::kStranger},
        Case{"carts-1", "no host name", "users", false, Kind::kNameless}}) {
    PingAnswer says;
    says.host = name;
    says.generation = 7;
    says.cluster = cluster;
    const Answerer who = who_answers(config, address, says, is_clock_ahead);
    EXPECT_EQ(who.kind, kind) << address << " answers as " << name;
    const bool tells_why = kind == Kind::kNameless || kind == Kind::kStranger || kind == Kind::kAhead;
    EXPECT_EQ(who.why.empty(), !tells_why) << who.why;
  }
}

}  // namespace
}  // namespace ringside::core
