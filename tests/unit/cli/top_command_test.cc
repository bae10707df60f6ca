#include "sidecar/cli/cli.h"
#include "tests/unit/cli/cli_fixture.h"

namespace ringside::cli::testing {
namespace {

core::HotActor hot(std::uint64_t id, std::uint64_t sum, std::uint64_t error) {
  core::HotActor actor;
  actor.now.id = core::ActorId(id);
  actor.sum = sum;
  actor.error = error;
  actor.times = 3;
  actor.largest = sum / 2;
  return actor;
}

TEST_F(CliTest, TopShowsThreeTables) {
  core::Top& top = gateway.top_list;
  top.recorded = std::chrono::seconds(5);
  top.stops_after = std::chrono::minutes(1);
  top.counters = 256;
  top.busiest = {{hot(42, 1204, 3), hot(7, 10, 0)}, 2000, 4};
  top.busiest.actors[0].now.name = "anna";
  top.busiest.actors[1].active = false;
  top.slowest = {{hot(8812, 41'000'000, 0)}, 50'000'000, 0};
  top.slowest.actors[0].now.busy = true;
  top.slowest.actors[0].now.turn_age = std::chrono::seconds(41);
  top.slowest.actors[0].now.waiting = 12;
  top.most_waited = {{hot(8812, 4'000'000, 1'000'000)}, 5'000'000, 0};
  EXPECT_EQ(run({"top"}).out,
            "BUSIEST                 CALLS      PER SECOND  WAITING  TURN\n"
            "42 (anna)               1204 (-3)  240.8       0        -\n"
            "7, not active any more  10         2.0         0        -\n"
            "\n"
            "SLOWEST  TIME   TURNS  LONGEST  WAITING  TURN\n"
            "8812     41.0s  3      20.5s    12       41.0s\n"
            "\n"
            "MOST WAITED FOR  TIME          CALLS  LONGEST  WAITING  TURN\n"
            "8812             4.0s (-1.0s)  3      2.0s     0        -\n"
            "\n"
            "2000 calls in 5.0s at 10.0.0.7; (-N): at most so much too high; actors that are not among the 256 kept "
            "have at most 4 calls; recorded from the first look on, until 1m after the last\n");
  EXPECT_EQ(gateway.looks, 1);
  EXPECT_EQ(run({"top", "-n", "1", "--json"}).json()["busiest"]["actors"].size(), 1U);
  for (const char* wrong : {"0", "101", "x"}) EXPECT_EQ(run({"top", "-n", wrong}).exit, kUsage) << wrong;
  EXPECT_EQ(run({"top", "--for", "soon"}).exit, kUsage);
}

TEST_F(CliTest, TopLooksAgainWhereTheRecordingHasJustBegun) {
  const Ran ran = run({"top", "--for", "1ms"});
  EXPECT_EQ(gateway.looks, 2);
  EXPECT_EQ(ran.out.rfind("no calls came to actors of this host meanwhile\n", 0), 0U) << ran.out;
}

TEST_F(CliTest, OnATerminalTopDrawsATable) {
  std::istringstream in;
  std::ostringstream out, err;
  const Terminal terminal{in, out, err, [this](const std::string&) { return address; }, true};
  EXPECT_EQ(cli::run({"top", "--count", "1"}, terminal), kApplied) << err.str();
  EXPECT_TRUE(out.str().starts_with("\x1b[2J\x1b[H")) << out.str();
  EXPECT_EQ(gateway.looks, 1);
}

}  // namespace
}  // namespace ringside::cli::testing
