#include "sidecar/log/log.h"

#include <cstdint>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ringside::log {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

// A log whose clock and lines are the test's.
struct Written {
  std::chrono::system_clock::time_point now{1'700'000'000'123ms};
  std::vector<std::string> lines;
  Log log;

  explicit Written(LogOptions options = {})
      : log(
            options, [this] { return now; }, [this](std::string_view line) { lines.emplace_back(line); }) {}
};

LogOptions json() { return {.format = Format::kJson}; }

TEST(Log, Logfmt) {
  Written w;
  w.log.info("member_dead",
             {{"host", "10.0.0.7"}, {"reason", "no answer"}, {"pings", 3}, {"after_ms", 2500ms}, {"seen", true}});
  EXPECT_THAT(w.lines, ElementsAre("ts=2023-11-14T22:13:20.123Z level=info event=member_dead host=10.0.0.7 "
                                   "reason=\"no answer\" pings=3 after_ms=2500.000 seen=true\n"));
}

TEST(Log, Json) {
  Written w(json());
  w.log.error("x", {{"text", "a\"b"},
                    {"small", -5},
                    {"ratio", 0.5},
                    {"off", false},
                    {"id", std::numeric_limits<std::uint64_t>::max()}});
  EXPECT_THAT(
      w.lines,
      ElementsAre("{\"ts\":\"2023-11-14T22:13:20.123Z\",\"level\":\"error\",\"event\":\"x\",\"text\":\"a\\\"b\","
                  "\"small\":-5,\"ratio\":0.500,\"off\":false,\"id\":\"18446744073709551615\"}\n"));
}

TEST(Log, NumbersThatJsonDoesNotHave) {
  Written w(json());
  w.log.info("x", {{"a", std::numeric_limits<double>::quiet_NaN()}, {"b", std::numeric_limits<double>::infinity()}});
  EXPECT_THAT(w.lines[0], HasSubstr("\"a\":\"nan\",\"b\":\"inf\""));
}

// Whatever a stranger sends, an event stays one line, and nothing in it reaches a terminal.
TEST(Log, StrangersTextStaysInItsValue) {
  for (const Format format : {Format::kLogfmt, Format::kJson}) {
    Written w({.format = format});
    w.log.info("x", {{"v", "a\nlevel=error event=forged \x1b[31m\x7f\xc2\x85\xe2\x80\xa8\xe2\x80\xae\xff\xc0\xafz"}});
    ASSERT_EQ(w.lines.size(), 1u);
    EXPECT_THAT(
        w.lines[0],
        HasSubstr("\"a\\nlevel=error event=forged \\u001b[31m\\u007f\\u0085\\u2028\\u202e\\ufffd\\ufffd\\ufffdz\""));
    EXPECT_EQ(w.lines[0].find('\n'), w.lines[0].size() - 1);
  }
}

TEST(Log, LogfmtQuotesWhatWouldBeMisread) {
  Written w;
  w.log.info("x", {{"a", ""}, {"b", "k=v"}, {"c", "back\\slash"}, {"d", "größe"}, {"e", "plain-1.2:3/[x]"}});
  EXPECT_THAT(w.lines[0], HasSubstr("a=\"\" b=\"k=v\" c=\"back\\\\slash\" d=\"größe\" e=plain-1.2:3/[x]\n"));
}

TEST(Log, LongValuesAreCut) {
  Written w;
  w.log.info("x", {{"v", std::string(100'000, 'y')}});
  EXPECT_LT(w.lines[0].size(), 3000u);
  EXPECT_THAT(w.lines[0], HasSubstr("yyy...\""));
}

TEST(Log, LevelsChangeAtRunTime) {
  Written w;
  w.log.debug("quiet");
  EXPECT_TRUE(w.lines.empty());
  w.log.set_level(Level::kDebug);
  w.log.debug("loud");
  EXPECT_EQ(w.lines.size(), 1u);
  w.log.set_level(Level::kError);
  w.log.warn("quiet");
  EXPECT_EQ(w.lines.size(), 1u);
  EXPECT_FALSE(w.log.enabled(Level::kWarn));
}

TEST(Log, LevelsByName) {
  for (const Level level : {Level::kDebug, Level::kInfo, Level::kWarn, Level::kError}) {
    EXPECT_EQ(parse_level(to_string(level)), level);
  }
  EXPECT_EQ(parse_level("INFO"), std::nullopt);
}

TEST(Log, AFloodOfOneKindIsCountedAndLeavesOthersAlone) {
  Written w({.lines_per_second = 2});
  for (int i = 0; i < 10; ++i) w.log.warn("bad_claim", {{"n", i}});
  w.log.warn("other");
  EXPECT_EQ(w.lines.size(), 3u);
  w.now += 1s;
  w.log.warn("bad_claim", {{"n", 10}});
  EXPECT_THAT(w.lines.back(), HasSubstr("event=bad_claim n=10 suppressed=8\n"));
  w.log.warn("bad_claim", {{"n", 11}});
  EXPECT_THAT(w.lines.back(), HasSubstr("n=11\n"));
}

TEST(Log, TheClockMayJumpBack) {
  Written w({.lines_per_second = 1});
  w.log.info("x");
  w.now -= 1h;
  w.log.info("x");
  EXPECT_EQ(w.lines.size(), 2u);
}

TEST(Log, AnyThread) {
  Written w({.lines_per_second = 0});
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&w] {
        for (int i = 0; i < 100; ++i) w.log.info("x", {{"i", i}});
      });
    }
  }
  EXPECT_EQ(w.lines.size(), 400u);
}

}  // namespace
}  // namespace ringside::log
