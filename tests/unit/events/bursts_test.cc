#include "sidecar/events/bursts.h"

#include <vector>

#include "tests/unit/net/net_test_support.h"

namespace ringside::events {
namespace {

class BurstsTest : public net::testing::LoopTest {
 protected:
  void not_applied(const std::string& actor, const std::string& why = "overloaded: queue-full") {
    bursts.happened({.kind = core::EventKind::kCallsNotApplied, .actor = actor, .why = why});
  }
  std::vector<Recorded> recorded() const {
    std::vector<Recorded> all;
    for (const Recorded* one = history.after(0); one != nullptr; one = history.after(one->number)) all.push_back(*one);
    return all;
  }
  // Those of them that stand for several.
  std::vector<core::HostEvent> counted() const {
    std::vector<core::HostEvent> all;
    for (const Recorded& one : recorded()) {
      if (one.event.count > 1) all.push_back(one.event);
    }
    return all;
  }
  std::int64_t wall_ms = 1'790'000'000'000;
  History history{[this] { return wall_ms; }};
  Bursts bursts{loop, history, {.quiet = std::chrono::milliseconds(20), .longest = std::chrono::milliseconds(10'000)}};
};

TEST_F(BurstsTest, WhatComesAloneIsRecordedAtOnce) {
  bursts.happened({.kind = core::EventKind::kAppDown, .why = "refused"});
  bursts.happened({.kind = core::EventKind::kAppDown, .why = "refused"});
  ASSERT_EQ(recorded().size(), 2U);
  EXPECT_EQ(recorded()[0].event.count, 1U);
}

TEST_F(BurstsTest, TheFirstIsRecordedAtOnceAndTheOthersAreCounted) {
  for (int i = 0; i < 1204; ++i) not_applied("42");
  not_applied("42", "expired: deadline-in-queue");
  ASSERT_EQ(recorded().size(), 2U) << "the first of each, while they go on";
  EXPECT_EQ(recorded()[0].event.count, 1U);
  EXPECT_FALSE(recorded()[0].event.lasted);
  EXPECT_EQ(recorded()[1].event.why, "expired: deadline-in-queue");
  ASSERT_TRUE(run_until([this] { return recorded().size() == 3; }));
  EXPECT_EQ(recorded()[2].event.count, 1203U);
  EXPECT_EQ(recorded()[2].event.actor, "42");
  EXPECT_TRUE(recorded()[2].event.lasted);
}

TEST_F(BurstsTest, WhatIsRecordedLaterHasTheTimesAtWhichItHappened) {
  const std::int64_t began = wall_ms;
  not_applied("42");
  wall_ms += 300;
  not_applied("42");
  wall_ms += 500;
  not_applied("42");
  wall_ms += 9'000;
  bursts.happened({.kind = core::EventKind::kLogLevel, .why = "another one"});
  bursts.end_all();
  const auto all = recorded();
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].wall_ms, began);
  EXPECT_EQ(all[1].event.kind, core::EventKind::kLogLevel);
  EXPECT_EQ(all[2].event.count, 2U);
  EXPECT_EQ(all[2].first_ms, began + 300);
  EXPECT_EQ(all[2].wall_ms, began + 800);
  EXPECT_EQ(all[2].event.lasted, std::chrono::milliseconds(500));
}

TEST_F(BurstsTest, OneMoreIsAnEventOfItsOwn) {
  not_applied("42");
  not_applied("43");
  bursts.end_all();
  ASSERT_EQ(recorded().size(), 2U);
  EXPECT_EQ(recorded()[1].event.count, 1U);
  EXPECT_EQ(recorded()[1].event.actor, "43");
  EXPECT_FALSE(recorded()[1].event.lasted);
}

TEST_F(BurstsTest, OfSeveralActorsItNamesNone) {
  for (const char* actor : {"41", "42", "43"}) not_applied(actor);
  bursts.end_all();
  ASSERT_EQ(counted().size(), 1U);
  EXPECT_EQ(counted()[0].actor, "");
  EXPECT_EQ(counted()[0].count, 2U);
}

TEST_F(BurstsTest, OneThatGoesOnIsRecordedAgainAndAgain) {
  Bursts restless(loop, history, {.quiet = std::chrono::milliseconds(20), .longest = std::chrono::milliseconds(0)});
  std::uint64_t all = 0;
  ASSERT_TRUE(run_until([&] {
    restless.happened({.kind = core::EventKind::kTurnTimeout, .actor = "42"});
    ++all;
    return recorded().size() == 4;
  }));
  restless.end_all();
  std::uint64_t told = 0;
  for (const Recorded& one : recorded()) told += one.event.count;
  EXPECT_EQ(told, all);
}

TEST_F(BurstsTest, ThoseThatAreToldApartAreBounded) {
  for (int i = 0; i < 1000; ++i) not_applied("42", "reason " + std::to_string(i));
  bursts.end_all();
  ASSERT_EQ(recorded().size(), Bursts::kOpen + 2) << "the first of each, the first of the others, and their count";
  const core::HostEvent others = recorded().back().event;
  EXPECT_EQ(others.count, 1000U - Bursts::kOpen - 1);
  EXPECT_EQ(others.why, "for several reasons, of which the first is: reason 65");
}

TEST_F(BurstsTest, StrangersFromManyAddressesAreOneBurst) {
  for (int i = 0; i < 100; ++i) {
    bursts.happened({.kind = core::EventKind::kTlsHandshakeFailed, .host = "10.0.9." + std::to_string(i), .why = "no"});
  }
  bursts.end_all();
  ASSERT_EQ(recorded().size(), 2U);
  EXPECT_EQ(recorded()[1].event.count, 99U);
  EXPECT_EQ(recorded()[1].event.host, "");
}

}  // namespace
}  // namespace ringside::events
