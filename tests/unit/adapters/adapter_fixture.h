// An adapter before an application of the test's own; what it reports is kept for the test to look at.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <google/protobuf/wrappers.pb.h>
#include <messages/control_plane.pb.h>

#include "adapters/app_adapter.h"
#include "tests/unit/net/net_test_support.h"

namespace ringside::adapters::testing {

class Reports final : public core::AppSink {
 public:
  void app_up() override { ++ups; }
  void app_unhealthy(const std::string& why) override {
    ++unhealthy;
    down_because = why;
  }
  void app_down(const std::string& why) override {
    ++downs;
    down_because = why;
    if (on_end) on_end();
  }
  void app_restarted() override {
    ++restarts;
    if (on_end) on_end();
  }
  void turn_ended(core::TurnId turn, core::Answer answer) override {
    EXPECT_TRUE(ended.emplace(turn.value(), std::move(answer)).second) << "turn " << turn.value() << " reported twice";
  }
  void deactivated(core::DeactivationId token, core::Deactivated said) override {
    done.push_back(token.value());
    forgotten[token.value()] = std::move(said);
  }

  std::function<void()> on_end;  // all activations have ended: what the core does in this very call
  int ups = 0;
  int unhealthy = 0;
  int downs = 0;
  int restarts = 0;
  std::string down_because;
  // By the numbers of turns, and of deactivations.
  std::map<std::uint64_t, core::Answer> ended;
  std::vector<std::uint64_t> done;
  std::map<std::uint64_t, core::Deactivated> forgotten;
};

inline core::StartTurn turn(std::uint64_t number, core::ActorId id = 42, const std::string& text = "hello",
                            std::chrono::milliseconds time = std::chrono::seconds(30)) {
  messages::ApplyRequest request;
  request.set_id(id.value());
  google::protobuf::StringValue value;
  value.set_value(text);
  request.add_messages()->PackFrom(value);
  auto call = std::make_shared<core::Call>();
  call->id = id;
  call->request = request.SerializeAsString();
  call->deadline =
      core::Instant(std::chrono::duration_cast<core::Duration>(net::Clock::now().time_since_epoch())) + time;
  return {core::TurnId(number), 7, std::move(call), {}};
}

inline core::DeactivateActor ending(std::uint64_t number, core::ActorId id) {
  return {core::DeactivationId(number), {id, 7}, {}, core::Deactivation::kIdle};
}

class AdapterTest : public net::testing::LoopTest {
 protected:
  AdapterTest()
      : log(
            {}, [] { return std::chrono::system_clock::now(); }, [](std::string_view) {}) {}

  template <typename Options>
  Options quick(const net::Endpoint& app) {
    Options options;
    options.app = app;
    options.random = [] { return 0.5; };
    options.max_message = 64 * 1024;
    options.health_interval = std::chrono::milliseconds(50);
    options.down_after = std::chrono::seconds(10);
    options.turn_timeout = turn_timeout;
    options.connections = connections;
    return options;
  }

  const core::Answer& answer_of(std::uint64_t turn) {
    EXPECT_TRUE(run_until([&] { return reports.ended.contains(turn); })) << "turn " << turn << " never ended";
    return reports.ended[turn];
  }

  std::chrono::milliseconds turn_timeout{60'000};
  std::size_t connections = 256;
  Reports reports;
  log::Log log;
};

}  // namespace ringside::adapters::testing
