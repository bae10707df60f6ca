#include "sidecar/core/life/life_cycle.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "sidecar/base/overloaded.h"

namespace ringside::core {
namespace {

constexpr Duration kSecond{1'000'000};

std::string words_of(const LifeSteps& steps) {
  std::string words;
  for (const LifeStep& step : steps) {
    if (!words.empty()) words += ", ";
    words += std::visit(
        base::Overloaded{
            [](const life_step::BeginRun& run) { return std::string("begin ") + to_string(run.phase); },
            [](const life_step::SetPhase& set) { return std::string("be ") + to_string(set.phase); },
            [](const life_step::EndAll& end) { return "end all: " + std::string(to_string(end.why)); },
            [](const life_step::LoseAll&) { return std::string("lose all"); },
            [](const life_step::SayGoodbye&) { return std::string("say goodbye"); },
            [](const life_step::TickSoon&) { return std::string("tick"); },
            [](const life_step::Reroute&) { return std::string("reroute"); },
            [](const life_step::Emit& emit) {
              const auto* line = std::get_if<LogLine>(&emit.effect);
              if (line != nullptr) return "log " + line->event;
              return std::string(std::holds_alternative<DrainDone>(emit.effect) ? "drain done" : "view changed");
            },
        },
        step);
  }
  return words;
}

// One host's life cycle, with what it reads and writes.
struct Host {
  NodeConfig config;
  Context context{1};
  Timers timers;
  LifeCycle life{config, context, timers};

  Host() { context.now.mono = Instant(Duration{3'600'000'000}); }

  // Under which token its app has been asked to forget everything; none: it has not.
  DeactivationId asked() {
    DeactivationId token;
    for (const Effect& effect : std::exchange(context.effects, {})) {
      if (const auto* reset = std::get_if<DeactivateAll>(&effect)) token = reset->token;
    }
    return token;
  }
  // As soon as its app has forgotten everything.
  std::optional<Phase> next_run() {
    EXPECT_FALSE(life.next_run());
    EXPECT_EQ(words_of(life.deactivated(asked(), {}).value()), "");
    return life.next_run();
  }
  LifeCycle& on_ring() {
    life.start(true, "");
    EXPECT_EQ(next_run(), Phase::kJoining);
    context.effects.clear();
    return life;
  }
  bool is_due_after(Duration time) {
    context.now.mono += time;
    return timers.pop_due(context.now.mono).has_value();
  }
};

TEST(LifeCycle, WhatFollowsFromEachEventOnTheRing) {
  struct Row {
    const char* event;
    LifeSteps (*happens)(LifeCycle&);
    const char* steps;
  };
  const Row rows[] = {
      {"drain", [](LifeCycle& life) { return life.drain(3); }, "be draining, end all: drain, tick"},
      {"app unhealthy", [](LifeCycle& life) { return life.app_down("503", true); },
       "tick, be draining, end all: app-lost, reroute"},
      {"app gone", [](LifeCycle& life) { return life.app_down("refused", false); },
       "tick, be app-down, say goodbye, reroute, lose all, reroute"},
      {"app restarted", [](LifeCycle& life) { return life.app_restarted(3); }, "lose all"},
      {"uncordon", [](LifeCycle& life) { return life.uncordon(); }, ""},
      {"app up", [](LifeCycle& life) { return life.app_up(); }, ""},
      {"rejoin, ready", [](LifeCycle& life) { return life.must_rejoin("buried", Phase::kReady); },
       "be joining, end all: fenced"},
      {"rejoin, joining", [](LifeCycle& life) { return life.must_rejoin("buried", Phase::kJoining); },
       "end all: fenced"},
      {"quorum seen", [](LifeCycle& life) { return life.see_quorum(true, Phase::kReady, 3); }, ""},
      {"quorum lost", [](LifeCycle& life) { return life.see_quorum(false, Phase::kReady, 1); },
       "reroute, end all: fenced, view changed"},
      {"quorum not there yet", [](LifeCycle& life) { return life.see_quorum(false, Phase::kJoining, 1); }, ""},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.event);
    Host host;
    EXPECT_EQ(words_of(row.happens(host.on_ring())), row.steps);
    host.life.check();
  }
}

TEST(LifeCycle, WhatFollowsOffTheRing) {
  Host host;
  LifeCycle& life = host.on_ring();
  life.drain(0);
  EXPECT_EQ(words_of(life.all_left()), "be drained, reroute, log drained, say goodbye, drain done");
  EXPECT_EQ(words_of(life.uncordon()), "end all: fenced");
  EXPECT_EQ(host.next_run(), Phase::kJoining) << "the app has to forget everything once more";
  life.app_down("503", true);
  EXPECT_EQ(words_of(life.all_left()), "be app-down, say goodbye, reroute");
  EXPECT_EQ(words_of(life.app_up()), "end all: fenced");
  EXPECT_EQ(host.next_run(), Phase::kJoining);
  life.check();
}

TEST(LifeCycle, EachWordOfOneHostThatThisOneIsBuriedCostsALongerRest) {
  Host host;
  LifeCycle& life = host.on_ring();
  const auto buried = [&](const std::string& by) {
    EXPECT_NE(words_of(life.must_rejoin("buried by " + by, Phase::kJoining, by)), "") << "it serves no more, at once";
    host.context.effects.clear();
    Duration rest{0};
    while (!host.life.next_run() && rest < 4 * host.config.dead_after) {
      EXPECT_NE(life.not_ready_because(Phase::kJoining).find(by + " has said"), std::string::npos);
      host.context.now.mono += Duration(100'000);
      rest += Duration(100'000);
    }
    host.context.now.mono += Duration(1'000'000);
    return rest;
  };
  const Duration dead_after = host.config.dead_after;
  EXPECT_EQ(buried("b"), Duration(0));
  EXPECT_EQ(buried("c"), Duration(0)) << "another host's word is another matter";
  EXPECT_EQ(buried("b"), dead_after);
  EXPECT_EQ(buried("b"), 2 * dead_after);
  EXPECT_EQ(buried("b"), 4 * dead_after);
  EXPECT_EQ(buried("b"), 4 * dead_after) << "and no longer";
  EXPECT_EQ(host.context.counters.burials, 6U);
  host.context.now.mono += Burials::kRemembered;
  EXPECT_EQ(buried("b"), Duration(0)) << "it is long ago";
}

TEST(LifeCycle, AHostDrainedBeforeItsStartBeginsDraining) {
  Host host;
  host.life.drain(0);
  host.life.all_left();
  EXPECT_EQ(words_of(host.life.start(false, "refused")), "be draining, log app_down");
  EXPECT_EQ(words_of(host.life.uncordon()), "be joining, end all: fenced");
}

TEST(LifeCycle, AnAppThatTakesLongToForgetIsNotWaitedFor) {
  Host host;
  host.life.start(true, "");
  EXPECT_FALSE(host.life.next_run());
  const DeactivationId question = host.asked();
  ASSERT_TRUE(question);
  EXPECT_FALSE(host.life.next_run());
  EXPECT_FALSE(host.asked()) << "one question at a time";
  ASSERT_TRUE(host.is_due_after(kSecond));
  EXPECT_EQ(words_of(host.life.initial_reset_due()), "begin app-down");
  EXPECT_FALSE(host.life.next_run());
  EXPECT_EQ(words_of(host.life.deactivated(question, {Deactivated::Kind::kFailed, Duration(0), "busy"}).value()), "");
  EXPECT_EQ(host.life.not_ready_because(Phase::kAppDown),
            "the application is still forgetting what it held before: busy");
  EXPECT_FALSE(host.life.next_run());
  EXPECT_FALSE(host.asked()) << "after a pause";
  ASSERT_TRUE(host.is_due_after(kSecond));
  EXPECT_EQ(words_of(host.life.initial_reset_due()), "");
  EXPECT_FALSE(host.life.next_run());
  const DeactivationId again = host.asked();
  ASSERT_TRUE(again);
  EXPECT_FALSE(host.life.deactivated(question, {})) << "that one has been answered";
  EXPECT_TRUE(host.life.deactivated(again, {}));
  EXPECT_EQ(host.life.next_run(), Phase::kJoining);
  host.life.check();
}

TEST(LifeCycle, ADrainMayTakeSoLong) {
  Host host;
  LifeCycle& life = host.on_ring();
  life.drain(1);
  ASSERT_TRUE(host.is_due_after(host.config.drain_timeout));
  host.context.effects.clear();
  life.drain_due(1, "7");
  EXPECT_EQ(host.context.effects.size(), 3U) << "a line of the log, its event, and DrainDone";
  EXPECT_TRUE(life.life().is_drain_overdue());
  life.check();
  life.all_left();

  Host other;
  other.on_ring().drain(1);
  other.life.uncordon();
  EXPECT_FALSE(other.is_due_after(other.config.drain_timeout)) << "whoever takes the drain back takes its time back";
}

TEST(LifeCycle, AQuorumThatIsBackLeadsToANewRun) {
  Host host;
  LifeCycle& life = host.on_ring();
  life.see_quorum(false, Phase::kReady, 1);
  EXPECT_EQ(life.not_ready_because(Phase::kReady), "fewer members than --quorum");
  EXPECT_EQ(words_of(life.see_quorum(true, Phase::kReady, 3)), "be joining, end all: fenced");
  EXPECT_EQ(life.next_run(), Phase::kJoining);
}

}  // namespace
}  // namespace ringside::core
