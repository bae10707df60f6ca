// One host alone: what the core spends on a call whose actor is active here, and what an active actor weighs.
#include "sidecar/core/node.h"

#include <memory>

#include <benchmark/benchmark.h>
#include <malloc.h>

namespace {

namespace core = ringside::core;

double heap_bytes() {
  const struct mallinfo2 heap = mallinfo2();
  return static_cast<double>(heap.uordblks + heap.hblkhd);
}

// A ready host whose app answers each turn at once.
class Host {
 public:
  Host() {
    core::NodeConfig config;
    config.host = "10.0.0.1";
    node_ = std::make_unique<core::Node>(config, 1);
    node_->start(now_, true);
    while (node_->status().phase != core::Phase::kReady) {
      for (core::Effect& effect : node_->take_effects()) {
        if (const auto* request = std::get_if<core::DeactivateAll>(&effect)) {
          node_->deactivated(now_, request->token, {});
        } else if (std::holds_alternative<core::ReadDiscovery>(effect)) {
          node_->discovered(now_, {"10.0.0.1"}, true);
        }
      }
      now_.mono += core::Duration(50'000);
      node_->wake(now_);
    }
  }

  void call(core::ActorId id) {
    auto call = std::make_shared<core::Call>();
    call->id = id;
    call->request = "batch";
    call->deadline = now_.mono + core::Duration(1'000'000);
    now_.mono += core::Duration(1);
    node_->apply(now_, core::CallId(next_++), std::move(call));
    for (core::Effects effects = node_->take_effects(); !effects.empty(); effects = node_->take_effects()) {
      for (core::Effect& effect : effects) {
        const auto* turn = std::get_if<core::StartTurn>(&effect);
        if (turn == nullptr) continue;
        core::Answer answer;
        answer.outcome = core::Outcome::kApplied;
        node_->turn_ended(now_, turn->token, std::move(answer));
      }
    }
  }

 private:
  core::Now now_{core::Instant(core::Duration(3'600'000'000)), 1'790'000'000'000};
  std::unique_ptr<core::Node> node_;
  std::uint64_t next_ = 1'000'000;
};

void call_of_an_active_actor(benchmark::State& state) {
  const auto many = static_cast<std::uint64_t>(state.range(0));
  Host host;
  for (std::uint64_t id = 1; id <= many; ++id) host.call(core::ActorId(id));
  std::uint64_t n = 0;
  for (auto _ : state) host.call(core::ActorId(1 + n++ % many));
  state.SetItemsProcessed(state.iterations());
}

void activation(benchmark::State& state) {
  const auto many = static_cast<std::uint64_t>(state.range(0));
  for (auto _ : state) {
    Host host;
    const double before = heap_bytes();
    for (std::uint64_t id = 1; id <= many; ++id) host.call(core::ActorId(id));
    state.counters["bytes_each"] = (heap_bytes() - before) / static_cast<double>(many);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(many) * state.iterations());
}

BENCHMARK(call_of_an_active_actor)->Arg(1'000)->Arg(1'000'000);
BENCHMARK(activation)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

}  // namespace
