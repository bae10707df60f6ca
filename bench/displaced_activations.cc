// The table of displaced activations at the sizes that the design names, beside the standard hash map.
#include "sidecar/core/directory/displaced_activations.h"

#include <cstdint>
#include <unordered_map>

#include <benchmark/benchmark.h>
#include <malloc.h>

#include "sidecar/core/context.h"

namespace {

using ringside::core::ActorId;
using ringside::core::DisplacedActivations;
using ringside::core::Epoch;
using ringside::core::HostRun;
using ringside::core::Random;

const HostRun kHolder{"10.0.0.1", 7};

double heap_bytes() {
  const struct mallinfo2 heap = mallinfo2();
  return static_cast<double>(heap.uordblks + heap.hblkhd);
}

// What the heap grew by for each, whatever the table says of itself.
void displaced_put(benchmark::State& state) {
  const auto many = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    const double before = heap_bytes();
    DisplacedActivations displaced(many);
    Random random(1);
    for (std::size_t i = 0; i < many; ++i) displaced.put(ActorId(random.next() | 1), kHolder, Epoch(i));
    state.counters["bytes_each"] = (heap_bytes() - before) / static_cast<double>(displaced.size());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(many) * state.iterations());
}

void unordered_map_put(benchmark::State& state) {
  struct Entry {
    std::uint64_t epoch;
    std::uint32_t holder;
  };
  const auto many = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    const double before = heap_bytes();
    std::unordered_map<ActorId, Entry> displaced;
    Random random(1);
    for (std::size_t i = 0; i < many; ++i) displaced.emplace(random.next() | 1, Entry{i, 0});
    state.counters["bytes_each"] = (heap_bytes() - before) / static_cast<double>(displaced.size());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(many) * state.iterations());
}

void displaced_find(benchmark::State& state) {
  const auto many = static_cast<std::size_t>(state.range(0));
  DisplacedActivations displaced(many);
  for (std::uint64_t id = 1; id <= many; ++id) displaced.put(ActorId(id), kHolder, Epoch(id));
  Random random(1);
  for (auto _ : state) benchmark::DoNotOptimize(displaced.find(ActorId(1 + random.below(2 * many))));
}

BENCHMARK(unordered_map_put)->Arg(1'000'000)->Arg(10'000'000)->Unit(benchmark::kMillisecond);
BENCHMARK(displaced_put)->Arg(1'000'000)->Arg(10'000'000)->Unit(benchmark::kMillisecond);
BENCHMARK(displaced_find)->Arg(1'000'000)->Arg(10'000'000);

}  // namespace
