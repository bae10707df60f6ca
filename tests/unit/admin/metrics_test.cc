#include "sidecar/admin/metrics.h"

#include <regex>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "tests/unit/local/fake_gateway.h"

namespace ringside::admin {
namespace {

using namespace std::chrono_literals;

class Scraped : public ::testing::Test {
 protected:
  Scraped() : metrics(gateway, "1.2.3") { metrics.show(use); }
  bool has(const std::string& line) { return ("\n" + metrics.scrape()).find("\n" + line + "\n") != std::string::npos; }

  local::testing::FakeGateway gateway;
  Metrics metrics;
  std::shared_ptr<ListenerUse> use =
      std::make_shared<ListenerUse>(ListenerUse{"admin", std::make_shared<net::Budget>(7), 0});
};

TEST_F(Scraped, EveryMetricOfTheContractIsThere) {
  const std::string text = metrics.scrape();
  for (const char* name : {"ringside_apply_duration_seconds",
                           "ringside_turn_duration_seconds",
                           "ringside_turns_waiting",
                           "ringside_refusals_total",
                           "ringside_actors",
                           "ringside_strays",
                           "ringside_members",
                           "ringside_forwards_total",
                           "ringside_peer_rtt_seconds",
                           "ringside_ring_changes_total",
                           "ringside_ring_settled",
                           "ringside_activations_total",
                           "ringside_deactivations_total",
                           "ringside_announcements_total",
                           "ringside_app_up",
                           "ringside_app_requests_total",
                           "ringside_loop_lag_seconds",
                           "ringside_build_info",
                           "process_resident_memory_bytes",
                           "process_cpu_seconds_total",
                           "process_open_fds"}) {
    EXPECT_NE(text.find("# TYPE " + std::string(name) + " "), std::string::npos) << name;
    EXPECT_NE(text.find("# HELP " + std::string(name) + " "), std::string::npos) << name;
  }
}

TEST_F(Scraped, EveryLineIsWellFormedAndEveryNameFollowsPrometheusRules) {
  const std::regex sample(R"re([a-z_]+(\{[a-z]+="[^"\\]*"(,[a-z]+="[^"\\]*")*\})? (-?[0-9.e+-]+|\+Inf|NaN))re");
  const std::regex declared(R"re(# TYPE ([a-z_]+) (counter|gauge|histogram))re");
  std::istringstream lines(metrics.scrape());
  std::set<std::string> seen;
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (line.starts_with("# HELP ")) continue;
    if (!line.starts_with("#")) {
      EXPECT_TRUE(std::regex_match(line, sample)) << line;
      EXPECT_EQ(line.find("host="), std::string::npos) << "no label that grows";
      continue;
    }
    ASSERT_TRUE(std::regex_match(line, match, declared)) << line;
    EXPECT_TRUE(seen.insert(match[1]).second) << match[1] << " declared twice";
    EXPECT_EQ(match[1].str().ends_with("_total"), match[2] == "counter") << line;
  }
}

TEST_F(Scraped, CountsWhatItIsTold) {
  metrics.call_ended(core::Origin::kLocal, core::Outcome::kApplied, 2ms);
  metrics.call_ended(core::Origin::kPeer, core::Outcome::kUnknown, 2ms);
  metrics.turn_ended(core::Outcome::kRefused, 1ms);
  metrics.peer_answered(1ms);
  metrics.loop_lag(-1ms);
  EXPECT_TRUE(has(R"(ringside_apply_duration_seconds_count{origin="local",outcome="applied"} 1)"));
  EXPECT_TRUE(has(R"(ringside_apply_duration_seconds_count{origin="peer",outcome="unknown"} 1)"));
  EXPECT_TRUE(has(R"(ringside_app_requests_total{outcome="refused"} 1)"));
  EXPECT_TRUE(has("ringside_turn_duration_seconds_count 1"));
  EXPECT_TRUE(has("ringside_peer_rtt_seconds_count 1"));
  EXPECT_TRUE(has("ringside_loop_lag_seconds_sum 0"));
}

TEST_F(Scraped, ShowsTheStateOfThisMoment) {
  gateway.state.actors = 12;
  gateway.state.app_up = true;
  gateway.counted.forwards = 3;
  gateway.counted.refusals[static_cast<std::size_t>(core::Reason::kHopLimit)] = 4;
  gateway.counted.announcements[1][0] = 5;
  core::MemberStatus member;
  member.phase = core::Phase::kReady;
  gateway.member_list = {member, member};
  metrics.refused_at_listener(core::Reason::kHopLimit);
  EXPECT_TRUE(has("ringside_actors 12"));
  EXPECT_TRUE(has("ringside_app_up 1"));
  EXPECT_TRUE(has("ringside_forwards_total 3"));
  EXPECT_TRUE(has(R"(ringside_refusals_total{reason="hop-limit"} 5)"));
  EXPECT_TRUE(has(R"(ringside_announcements_total{direction="received",accepted="false"} 5)"));
  EXPECT_TRUE(has(R"(ringside_members{phase="ready"} 2)"));
  EXPECT_TRUE(has(R"(ringside_members{phase="draining"} 0)"));
  EXPECT_TRUE(has(R"(ringside_build_info{version="1.2.3"} 1)"));
}

}  // namespace
}  // namespace ringside::admin
