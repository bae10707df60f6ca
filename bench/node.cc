// One host alone: what the core spends on a call whose actor is active here, what an active actor weighs, and how long
// the loop would stand still where very many of them are told of, or end.
#include "sidecar/core/node.h"

#include <algorithm>
#include <chrono>
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

  // All that happens until nothing is due at this moment; the app answers no deactivation. Seconds of the longest
  // event.
  template <typename Event>
  double longest(const Event& event) {
    double longest = 0;
    const auto timed = [&](const auto& one) {
      const auto begin = std::chrono::steady_clock::now();
      one();
      longest = std::max(longest, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    };
    timed([&] { event(*node_, now_); });
    while (node_->next_wakeup() <= now_.mono) timed([&] { node_->wake(now_); });
    node_->take_effects();
    return longest;
  }
  // Of telling all ids to somebody who asks.
  double longest_slice() {
    double longest_one = 0;
    for (core::IdsAnswer slice{{}, true}; slice.more;) {
      const core::IdsRequest request{slice.upto};
      longest_one = std::max(longest_one, longest([&](core::Node& node, core::Now now) {
                               node.peer_asked(now, core::ReplyId(next_++), {}, "10.0.0.9", request);
                               for (core::Effect& effect : node.take_effects()) {
                                 if (auto* answer = std::get_if<core::AnswerPeer>(&effect))
                                   slice = std::get<core::IdsAnswer>(answer->answer);
                               }
                             }));
    }
    return longest_one;
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

void longest_slice_of_all_ids(benchmark::State& state) {
  Host host;
  for (std::int64_t id = 1; id <= state.range(0); ++id) host.call(core::ActorId(static_cast<std::uint64_t>(id)));
  for (auto _ : state) state.SetIterationTime(host.longest_slice());
}

void longest_event_of_a_drain(benchmark::State& state) {
  for (auto _ : state) {
    Host host;
    for (std::int64_t id = 1; id <= state.range(0); ++id) host.call(core::ActorId(static_cast<std::uint64_t>(id)));
    state.SetIterationTime(host.longest([](core::Node& node, core::Now now) { node.drain(now); }));
  }
}

BENCHMARK(longest_slice_of_all_ids)->Arg(1'000'000)->UseManualTime()->Iterations(3)->Unit(benchmark::kMillisecond);
BENCHMARK(longest_event_of_a_drain)->Arg(1'000'000)->UseManualTime()->Iterations(1)->Unit(benchmark::kMillisecond);
BENCHMARK(call_of_an_active_actor)->Arg(1'000)->Arg(1'000'000);
BENCHMARK(activation)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

}  // namespace
