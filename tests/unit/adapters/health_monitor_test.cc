#include "adapters/health_monitor.h"

#include "tests/unit/net/net_test_support.h"

namespace ringside::adapters {
namespace {

using namespace std::chrono_literals;

const HealthResult kWell{true, false, false, "", ""};
const HealthResult kUnhealthy{false, false, false, "", "sick"};
const HealthResult kRefused{false, true, false, "", "refused"};
const HealthResult kSilent{false, false, true, "", "silent"};

class Monitored : public net::testing::LoopTest {
 protected:
  void watch(std::chrono::milliseconds down_after) {
    monitor = std::make_unique<HealthMonitor>(
        loop, HealthTimes{5ms, down_after, turn_timeout},
        HealthMonitor::Events{[this](net::Clock::time_point deadline, HealthMonitor::Checked checked) {
                                ++checks;
                                time_given = deadline - net::Clock::now();
                                if (answer_at_once) return checked(says);
                                asked = std::move(checked);
                              },
                              [this] { ++hangs; }, [this] { return working; }, [this] { events += "up "; },
                              [this](const std::string& why) { events += "unhealthy:" + why + " "; },
                              [this](const std::string& why) { events += "gone:" + why + " "; },
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
  std::chrono::milliseconds turn_timeout{1h};
  HealthResult says = kWell;
  HealthMonitor::Checked asked;
  bool answer_at_once = true;
  std::string events;
  net::Clock::duration time_given{};
  bool working = false;
  int checks = 0;
  int hangs = 0;
};

TEST_F(Monitored, UpWithTheFirstHealthyAnswerAndSaidOnce) {
  watch(10s);
  ASSERT_TRUE(happens("up "));
  ASSERT_TRUE(more_checks(3));
  EXPECT_EQ(events, "up ");
  EXPECT_TRUE(monitor->is_up());
}

TEST_F(Monitored, TheFirstUnhealthyAnswerIsDownAtOnce) {
  says = kUnhealthy;
  watch(10s);
  ASSERT_TRUE(happens("unhealthy:sick "));
  says = kWell;
  ASSERT_TRUE(happens("unhealthy:sick up "));
}

TEST_F(Monitored, UnhealthyForLongIsDown) {
  watch(30ms);
  ASSERT_TRUE(happens("up "));
  says = kUnhealthy;
  ASSERT_TRUE(happens("up unhealthy:sick "));
}

TEST_F(Monitored, OneBadAnswerIsNot) {
  watch(10s);
  ASSERT_TRUE(happens("up "));
  says = kUnhealthy;
  ASSERT_TRUE(more_checks(2));
  says = kWell;
  ASSERT_TRUE(more_checks(2));
  EXPECT_EQ(events, "up ");
}

TEST_F(Monitored, NobodyListeningIsDownLongBeforeDownAfter) {
  watch(10s);
  ASSERT_TRUE(happens("up "));
  says = kRefused;
  ASSERT_TRUE(happens("up gone:refused "));
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
  says = kRefused;
  ASSERT_TRUE(happens("up gone:refused "));
  says = {true, false, false, "b", ""};
  ASSERT_TRUE(happens("up gone:refused up "));
}

TEST_F(Monitored, ARefusalBetweenTwoHealthyAnswersIsARestart) {
  watch(10s);
  ASSERT_TRUE(happens("up "));
  says = kRefused;
  ASSERT_TRUE(more_checks(1));
  says = kWell;
  ASSERT_TRUE(happens("up restarted "));
  // One that only a turn has seen is one too.
  monitor->no_listener();
  ASSERT_TRUE(happens("up restarted restarted "));
  ASSERT_TRUE(more_checks(2));
  EXPECT_EQ(events, "up restarted restarted ");
}

TEST_F(Monitored, WhoeverStillAnswersTurnsIsNotGone) {
  watch(10s);
  ASSERT_TRUE(happens("up "));
  working = true;
  says = kRefused;
  ASSERT_TRUE(happens("up unhealthy:refused "));
  ASSERT_TRUE(more_checks(2));
  working = false;
  ASSERT_TRUE(happens("up unhealthy:refused gone:refused "));
  says = kWell;
  ASSERT_TRUE(happens("up unhealthy:refused gone:refused up "));
}

TEST_F(Monitored, AnotherOneAfterAnUnhealthyOneMeansThatThatOneIsGone) {
  watch(30ms);
  ASSERT_TRUE(happens("up "));
  says = kUnhealthy;
  ASSERT_TRUE(happens("up unhealthy:sick "));
  says = kRefused;
  ASSERT_TRUE(more_checks(1));
  says = kWell;
  ASSERT_TRUE(happens("up unhealthy:sick gone:another instance answers up "));
}

TEST_F(Monitored, SilenceIsNotUnhealthyWhileTurnsAreUnderWay) {
  watch(30ms);
  ASSERT_TRUE(happens("up "));
  says = kSilent;
  working = true;
  const auto began = net::Clock::now();
  ASSERT_TRUE(run_until([&] { return net::Clock::now() - began > 100ms; }));
  EXPECT_EQ(events, "up ");
  working = false;
  ASSERT_TRUE(happens("up unhealthy:silent "));
}

TEST_F(Monitored, SilenceIsNotExcusedLongerThanATurnMayTake) {
  turn_timeout = 60ms;
  watch(30ms);
  ASSERT_TRUE(happens("up "));
  says = kSilent;
  working = true;
  ASSERT_TRUE(happens("up unhealthy:silent "));
}

TEST_F(Monitored, AnAnswerToATurnDuringASilentCheckIsASignOfLife) {
  watch(5ms);
  ASSERT_TRUE(happens("up "));
  answer_at_once = false;
  ASSERT_TRUE(more_checks(1));
  const auto began = net::Clock::now();
  ASSERT_TRUE(run_until([&] { return net::Clock::now() - began > 20ms; }));
  monitor->answered();
  asked(kSilent);
  EXPECT_EQ(events, "up ");
}

TEST_F(Monitored, ACheckMayTakeAsLongAsTheAppMayBeDown) {
  answer_at_once = false;
  watch(10s);
  EXPECT_GT(time_given, 9s);
  ASSERT_TRUE(run_until([this] { return hangs == 1; }));
  asked(kWell);
  EXPECT_EQ(events, "up ");
  watch(30ms);
  EXPECT_GT(time_given, 900ms) << "but never less than a second";
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

TEST_F(Monitored, AnotherListenerIsARestartAtOnceAndOnlyOnce) {
  says.instance = "a";
  watch(10s);
  ASSERT_TRUE(happens("up "));
  answer_at_once = false;
  ASSERT_TRUE(more_checks(1));
  monitor->no_listener();
  monitor->replaced();
  EXPECT_EQ(events, "up restarted ");
  answer_at_once = true;
  asked(says);  // the earlier one's last word
  says.instance = "b";
  ASSERT_TRUE(more_checks(3));
  EXPECT_EQ(events, "up restarted ") << "the refusal and the other instance were the same restart";
}

TEST_F(Monitored, AnotherListenerInPlaceOfAnUnhealthyOneMeansThatThatOneIsGone) {
  watch(30ms);
  ASSERT_TRUE(happens("up "));
  says = kUnhealthy;
  ASSERT_TRUE(happens("up unhealthy:sick "));
  says = kWell;
  monitor->replaced();
  ASSERT_TRUE(happens("up unhealthy:sick gone:another process listens there up "));
}

TEST_F(Monitored, WhyItIsUnhealthyIsToldAnewWhereThatChanges) {
  watch(30ms);
  ASSERT_TRUE(happens("up "));
  says = kUnhealthy;
  ASSERT_TRUE(happens("up unhealthy:sick "));
  says.why = "it answers 503";
  ASSERT_TRUE(happens("up unhealthy:sick unhealthy:it answers 503 "));
  ASSERT_TRUE(more_checks(2));
  EXPECT_EQ(events, "up unhealthy:sick unhealthy:it answers 503 ") << "and not again and again";
}

// A backlog that was full for a moment, say.
TEST_F(Monitored, ARefusalByAListenerThatStaysIsNoRestart) {
  watch(10s);
  ASSERT_TRUE(happens("up "));
  says.same_listener = true;
  monitor->no_listener();
  ASSERT_TRUE(more_checks(2));
  EXPECT_EQ(events, "up ");
}

TEST_F(Monitored, InstancesThatComeBackAreSeveralProcesses) {
  says.instance = "a";
  watch(10s);
  ASSERT_TRUE(happens("up "));
  says.instance = "b";
  ASSERT_TRUE(happens("up restarted "));
  says.instance = "a";
  ASSERT_TRUE(run_until([this] { return events.find("unhealthy") != std::string::npos; }));
  EXPECT_NE(events.find("several processes answer there, and the contract says that an app is one process"),
            std::string::npos);
  const std::string before = events;
  for (int i = 0; i < 20; ++i) {
    says.instance = i % 2 == 0 ? "a" : "b";
    ASSERT_TRUE(more_checks(1));
  }
  EXPECT_EQ(events, before) << "its activations end once, not at every check";
  ASSERT_TRUE(run_until([&] { return events == before + "up "; })) << "one alone, for a while";
}

TEST_F(Monitored, AnInstanceThatIsNewAtEachCheckLikewise) {
  says.instance = "0";
  watch(10s);
  ASSERT_TRUE(happens("up "));
  for (int i = 1; i < 20; ++i) {
    says.instance = std::to_string(i);
    ASSERT_TRUE(more_checks(1));
  }
  EXPECT_TRUE(
      events.starts_with("up restarted restarted restarted restarted unhealthy:its ringside-app-instance changes"))
      << events;
}

// Whether its listener tells of it as well or not.
TEST_F(Monitored, OneThatIsReplacedAgainAndAgainIsOneProcess) {
  for (const bool is_told : {false, true}) {
    events.clear();
    says.instance = "0";
    watch(10s);
    ASSERT_TRUE(happens("up "));
    std::string expected = "up ";
    for (int i = 1; i < 10; ++i) {
      says.instance = std::to_string(i);
      if (is_told) monitor->replaced();
      ASSERT_TRUE(more_checks(3));
      EXPECT_EQ(events, expected += "restarted ");
    }
  }
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
