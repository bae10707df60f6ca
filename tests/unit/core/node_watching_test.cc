// A cluster that is too large for everybody to watch everybody (membership/watch_circle.h).
#include "sidecar/core/membership/watch_circle.h"
#include "tests/unit/core/node_fixture.h"

namespace ringside::core {
namespace {

struct LargeCluster : testing::Test {
  static constexpr int kHosts = 40;

  LargeCluster() {
    WatchCircle circle(name(0));
    for (int n = 0; n < kHosts; ++n) {
      cluster.start(name(n));
      circle.add(name(n));
    }
    cluster.converge();
    cluster.pass(6'000'000);  // everybody has been pinged by everybody since
    for (int n = 1; n < kHosts; ++n) {
      if (!circle.watches(name(n))) distant = name(n);
    }
  }
  static std::string name(int n) { return "host-" + std::to_string(100 + n); }
  Generation generation_of(int n) { return cluster.node(name(n)).self().generation; }
  Duration silence_of_the_distant() {
    for (const MemberStatus& member : cluster.node(name(0)).members(cluster.now().mono)) {
      if (member.host == distant) return member.silent_for;
    }
    ADD_FAILURE() << distant << " is not a member";
    return Duration(0);
  }
  // That host asks host 0 about the distant one, from which host 0 is cut off just then, and which it has not asked for
  // a while. Whether host 0 suspects it soon.
  bool suspects_it_when_asked_by(const Sender& sender) {
    for (int steps = 0; steps < 1000 && silence_of_the_distant() < Duration(1'300'000); ++steps) cluster.pass(50'000);
    cluster.passes = [this](const std::string& from, const std::string& to, const PeerRequest&) {
      return from != name(0) || to != distant;
    };
    cluster.node(name(0)).peer_asked(cluster.now(), ReplyId(7), sender, "", ProbeRequest{distant});
    cluster.pass(400'000);
    return !cluster.node(name(0)).fate_of(distant).empty();
  }

  Cluster cluster;
  std::string distant;  // a host that host 0 does not watch
};

TEST_F(LargeCluster, OneThatFallsSilentIsTakenForDeadByAllInTime) {
  const std::string silent = name(7);
  std::vector<Generation> before;
  for (int n = 0; n < kHosts; ++n) before.push_back(generation_of(n));
  cluster.stop(silent);
  cluster.pass(3'500'000);
  for (int n = 0; n < kHosts; ++n) {
    if (name(n) == silent) continue;
    EXPECT_FALSE(cluster.node(name(n)).ring().contains(silent)) << name(n);
    EXPECT_EQ(cluster.node(name(n)).ring().hosts().size(), static_cast<std::size_t>(kHosts - 1)) << name(n);
    EXPECT_EQ(generation_of(n), before[static_cast<std::size_t>(n)]) << name(n);
  }
}

// It is asked every one to two seconds here: its own silence alone would be noticed later.
TEST_F(LargeCluster, AMembersQuestionHasASilentHostSuspectedAtOnce) {
  ASSERT_FALSE(distant.empty());
  EXPECT_TRUE(suspects_it_when_asked_by(cluster.node(name(1)).self()));
}

TEST_F(LargeCluster, AStrangersQuestionOnlyMakesItLook) {
  ASSERT_FALSE(distant.empty());
  EXPECT_FALSE(suspects_it_when_asked_by({"stranger", 1, "default", 0}));
}

// ---- zones ----------------------------------------------------------------------------------------------------------

struct ClusterInZones : testing::Test {
  static constexpr int kHosts = 24;

  ClusterInZones() {
    for (int n = 0; n < kHosts; ++n) start(n, std::string(1, static_cast<char>('a' + n % 3)));
    cluster.converge();
  }
  static std::string name(int n) { return "host-" + std::to_string(100 + n); }
  void start(int n, const std::string& zone) {
    cluster.start(name(n), [&](NodeConfig& config) { config.zone = zone; });
    zones[name(n)] = zone;
  }
  std::map<std::string, MemberStatus> seen_by(int n) {
    std::map<std::string, MemberStatus> members;
    for (MemberStatus& member : cluster.node(name(n)).members(cluster.now().mono)) members[member.host] = member;
    return members;
  }
  void expect_watchers_in_several_zones() {
    for (int n = 0; n < kHosts; ++n) {
      std::map<std::string, std::size_t> watchers;
      std::size_t all = 0;
      for (const auto& [host, member] : seen_by(n)) {
        EXPECT_EQ(member.zone, zones[host]) << host;
        if (!member.watched) continue;
        ++watchers[zones[host]];
        ++all;
      }
      EXPECT_GE(all, WatchCircle::kWatched);
      for (const auto& [zone, count] : watchers) {
        if (zone == zones[name(n)]) continue;
        EXPECT_GE(all - count, WatchCircle::kWatched - WatchCircle::kMostInZone) << name(n) << " without " << zone;
      }
      for (int other = 0; other < kHosts; ++other) {
        EXPECT_EQ(seen_by(n)[name(other)].watched, seen_by(other)[name(n)].watched) << n << " and " << other;
      }
    }
  }

  Cluster cluster;
  std::map<std::string, std::string> zones;
};

TEST_F(ClusterInZones, HostsTellTheirsAndWatchOneAnotherAcrossThem) { expect_watchers_in_several_zones(); }

TEST_F(ClusterInZones, AHostThatComesBackInAnotherZoneIsWatchedFromThere) {
  for (const int n : {0, 3, 6}) {
    cluster.crash(name(n));
    start(n, "b");
  }
  cluster.converge();
  expect_watchers_in_several_zones();
}

TEST_F(ClusterInZones, AHostThatTellsNoneIsInNone) {
  cluster.crash(name(5));
  start(5, "");
  cluster.converge();
  EXPECT_EQ(seen_by(0)[name(5)].zone, "");
  expect_watchers_in_several_zones();
}

}  // namespace
}  // namespace ringside::core
