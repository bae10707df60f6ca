// The table of strays at the sizes that the design names, beside the standard hash map.
#include "sidecar/core/directory/strays.h"

#include <cstdint>
#include <unordered_map>

#include <benchmark/benchmark.h>
#include <malloc.h>

#include "sidecar/core/context.h"

namespace {

using ringside::core::ActorId;
using ringside::core::HostRun;
using ringside::core::Random;
using ringside::core::Strays;

const HostRun kHolder{"10.0.0.1", 7};

double heap_bytes() {
  const struct mallinfo2 heap = mallinfo2();
  return static_cast<double>(heap.uordblks + heap.hblkhd);
}

// What the heap grew by for each stray, whatever the table says of itself.
void strays_put(benchmark::State& state) {
  const auto many = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    const double before = heap_bytes();
    Strays strays(many);
    Random random(1);
    for (std::size_t i = 0; i < many; ++i) strays.put(random.next() | 1, kHolder, i);
    state.counters["bytes_each"] = (heap_bytes() - before) / static_cast<double>(strays.size());
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
    std::unordered_map<ActorId, Entry> strays;
    Random random(1);
    for (std::size_t i = 0; i < many; ++i) strays.emplace(random.next() | 1, Entry{i, 0});
    state.counters["bytes_each"] = (heap_bytes() - before) / static_cast<double>(strays.size());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(many) * state.iterations());
}

void strays_find(benchmark::State& state) {
  const auto many = static_cast<std::size_t>(state.range(0));
  Strays strays(many);
  for (ActorId id = 1; id <= many; ++id) strays.put(id, kHolder, id);
  Random random(1);
  for (auto _ : state) benchmark::DoNotOptimize(strays.find(1 + random.below(2 * many)));
}

BENCHMARK(unordered_map_put)->Arg(1'000'000)->Arg(10'000'000)->Unit(benchmark::kMillisecond);
BENCHMARK(strays_put)->Arg(1'000'000)->Arg(10'000'000)->Unit(benchmark::kMillisecond);
BENCHMARK(strays_find)->Arg(1'000'000)->Arg(10'000'000);

}  // namespace
