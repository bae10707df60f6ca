#include "sidecar/events/bursts.h"

#include <vector>

#include "tests/unit/net/net_test_support.h"

namespace ringside::events {
namespace {

struct Recorder final : core::EventSink {
  void happened(core::HostEvent event) override { events.push_back(std::move(event)); }
  std::vector<core::HostEvent> events;
};

class BurstsTest : public net::testing::LoopTest {
 protected:
  void not_applied(const std::string& actor, const std::string& why = "overloaded: queue-full") {
    bursts.happened({.kind = core::EventKind::kCallsNotApplied, .actor = actor, .why = why});
  }
  Recorder recorder;
  Bursts bursts{loop, recorder, {.quiet = std::chrono::milliseconds(20), .longest = std::chrono::milliseconds(10'000)}};
};

TEST_F(BurstsTest, WhatComesAloneIsRecordedAtOnce) {
  bursts.happened({.kind = core::EventKind::kAppDown, .why = "refused"});
  bursts.happened({.kind = core::EventKind::kAppDown, .why = "refused"});
  ASSERT_EQ(recorder.events.size(), 2U);
  EXPECT_EQ(recorder.events[0].count, 1U);
}

TEST_F(BurstsTest, ABurstIsOneEventWithACount) {
  for (int i = 0; i < 1204; ++i) not_applied("42");
  not_applied("42", "expired: deadline-in-queue");
  EXPECT_TRUE(recorder.events.empty()) << "it is not over";
  ASSERT_TRUE(run_until([this] { return recorder.events.size() == 2; }));
  EXPECT_EQ(recorder.events[0].count, 1U);
  EXPECT_FALSE(recorder.events[0].lasted);
  EXPECT_EQ(recorder.events[1].count, 1204U);
  EXPECT_EQ(recorder.events[1].actor, "42");
  EXPECT_TRUE(recorder.events[1].lasted);
}

TEST_F(BurstsTest, OfSeveralActorsItNamesNone) {
  not_applied("42");
  not_applied("43");
  bursts.end_all();
  ASSERT_EQ(recorder.events.size(), 1U);
  EXPECT_EQ(recorder.events[0].actor, "");
  EXPECT_EQ(recorder.events[0].count, 2U);
}

TEST_F(BurstsTest, OneThatGoesOnIsRecordedAgainAndAgain) {
  Bursts restless(loop, recorder, {.quiet = std::chrono::milliseconds(10), .longest = std::chrono::milliseconds(0)});
  restless.happened({.kind = core::EventKind::kTurnTimeout, .actor = "42"});
  ASSERT_TRUE(run_until([this] { return recorder.events.size() == 1; }));
  restless.happened({.kind = core::EventKind::kTurnTimeout, .actor = "42"});
  ASSERT_TRUE(run_until([this] { return recorder.events.size() == 2; }));
}

TEST_F(BurstsTest, ThoseThatAreToldApartAreBounded) {
  for (int i = 0; i < 1000; ++i) not_applied("42", "reason " + std::to_string(i));
  bursts.end_all();
  ASSERT_EQ(recorder.events.size(), Bursts::kOpen + 1);
  std::uint64_t all = 0;
  for (const core::HostEvent& event : recorder.events) all += event.count;
  EXPECT_EQ(all, 1000U);
}

TEST_F(BurstsTest, StrangersFromManyAddressesAreOneBurst) {
  for (int i = 0; i < 100; ++i) {
    bursts.happened({.kind = core::EventKind::kTlsHandshakeFailed, .host = "10.0.9." + std::to_string(i), .why = "no"});
  }
  bursts.end_all();
  ASSERT_EQ(recorder.events.size(), 1U);
  EXPECT_EQ(recorder.events[0].count, 100U);
  EXPECT_EQ(recorder.events[0].host, "");
}

}  // namespace
}  // namespace ringside::events
