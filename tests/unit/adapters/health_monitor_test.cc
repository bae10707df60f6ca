#include "adapters/health_monitor.h"

#include "tests/unit/net/net_test_support.h"

namespace ringside::adapters {
namespace {

using namespace std::chrono_literals;

class Monitored : public net::testing::LoopTest {
 protected:
  void watch(std::chrono::milliseconds down_after) {
    monitor = std::make_unique<HealthMonitor>(
        loop, 5ms, down_after,
        HealthMonitor::Events{[this](HealthMonitor::Checked checked) {
                                ++checks;
                                if (answer_at_once) return checked(says);
                                asked = std::move(checked);
                              },
                              [this] { events += "up "; },
                              [this](const std::string& why) { events += "down:" + why + " "; },
                              [this] { events += "restarted "; }});
    monitor->start();
  }
  [[nodiscard]] bool happens(const std::string& wanted) {
    return run_until([&] { return events == wanted; });
  }
  [[nodiscard]] bool more_checks(int count) {
    return run_until([this, wanted = checks + count] { return checks >= wanted; });
  }

  std::unique_ptr<HealthMonitor> monitor;
  HealthResult says{true, false, "", ""};
  HealthMonitor::Checked asked;
  bool answer_at_once = true;
  std::string events;
  int checks = 0;
};

TEST_F(Monitored, UpWithTheFirstHealthyAnswerAndSaidOnce) {
  watch(10s);
  ASSERT_TRUE(happens("up "));
  ASSERT_TRUE(more_checks(3));
  EXPECT_EQ(events, "up ");
  EXPECT_TRUE(monitor->is_up());
}

TEST_F(Monitored, TheFirstUnhealthyAnswerIsDownAtOnce) {
  says = {false, false, "", "sick"};
  watch(10s);
  ASSERT_TRUE(happens("down:sick "));
  says = {true, false, "", ""};
  ASSERT_TRUE(happens("down:sick up "));
}

TEST_F(Monitored, UnhealthyForLongIsDown) {
  watch(30ms);
  ASSERT_TRUE(happens("up "));
  says = {false, false, "", "sick"};
  ASSERT_TRUE(happens("up down:sick "));
}

TEST_F(Monitored, OneBadAnswerIsNot) {
  watch(10s);
  ASSERT_TRUE(happens("up "));
  says = {false, false, "", "sick"};
  ASSERT_TRUE(more_checks(2));
  says = {true, false, "", ""};
  ASSERT_TRUE(more_checks(2));
  EXPECT_EQ(events, "up ");
}

TEST_F(Monitored, NobodyListeningIsDownLongBeforeDownAfter) {
  watch(10s);
  ASSERT_TRUE(happens("up "));
  says = {false, true, "", "refused"};
  ASSERT_TRUE(happens("up down:refused "));
  EXPECT_GE(checks, 3) << "one refusal is not enough";
}

TEST_F(Monitored, AnotherInstanceWhileUpIsARestart) {
  says.instance = "a";
  watch(10s);
  ASSERT_TRUE(happens("up "));
  says.instance = "";
  ASSERT_TRUE(more_checks(2));
  says.instance = "b";
  ASSERT_TRUE(happens("up restarted "));
  ASSERT_TRUE(more_checks(2));
  EXPECT_EQ(events, "up restarted ");
}

TEST_F(Monitored, AnotherInstanceAfterDownIsUpAlone) {
  says.instance = "a";
  watch(10s);
  ASSERT_TRUE(happens("up "));
  says = {false, true, "", "gone"};
  ASSERT_TRUE(happens("up down:gone "));
  says = {true, false, "b", ""};
  ASSERT_TRUE(happens("up down:gone up "));
}

TEST_F(Monitored, LookNowDuringACheckAsksOnceMoreAfterIt) {
  answer_at_once = false;
  watch(10s);
  ASSERT_EQ(checks, 1);
  monitor->look_now();
  monitor->look_now();
  EXPECT_EQ(checks, 1) << "one check at a time";
  answer_at_once = true;
  asked(says);
  ASSERT_TRUE(more_checks(1));
}

TEST_F(Monitored, AnAnswerAfterItsEndDoesNothing) {
  answer_at_once = false;
  watch(10s);
  monitor.reset();
  asked(says);
  settle();
  EXPECT_EQ(events, "");
}

}  // namespace
}  // namespace ringside::adapters
