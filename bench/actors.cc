// What an active actor takes, without and with a remembered answer, by the heap's own word.
#include <limits>
#include <string>

#include <benchmark/benchmark.h>
#include <malloc.h>

#include "sidecar/core/activations/actor_table.h"

namespace {

using namespace ringside::core;

double heap_bytes() {
  const struct mallinfo2 heap = mallinfo2();
  return static_cast<double>(heap.uordblks + heap.hblkhd);
}

void fill(ActorTable& table, std::size_t many, bool keys) {
  for (std::uint64_t id = 1; id <= many; ++id) {
    Actor& actor = table.create(ActorId(id * 0x9e3779b97f4a7c15), Epoch(id), Instant());
    if (keys)
      table.remember(actor, {"6ba7b810-9dad-11d1-80b4-00c04fd430c8", Outcome::kApplied, "\x08\x01", Fingerprint(id)});
  }
}

void actors(benchmark::State& state) {
  const auto many = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    const double before = heap_bytes();
    ActorTable table(std::numeric_limits<std::size_t>::max());
    fill(table, many, false);
    state.counters["bytes_each"] = (heap_bytes() - before) / static_cast<double>(many);
  }
}

void actors_with_a_key(benchmark::State& state) {
  const auto many = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    const double before = heap_bytes();
    ActorTable table(std::numeric_limits<std::size_t>::max());
    fill(table, many, true);
    state.counters["bytes_each"] = (heap_bytes() - before) / static_cast<double>(many);
  }
}

// --queue-bytes 64MiB keeps half of that for answers. What the heap grows by for them must not be more.
void answers_within_their_bound(benchmark::State& state) {
  const auto many = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    ActorTable without(std::numeric_limits<std::size_t>::max());
    ActorTable with(ActorTable::kMostRemembered);
    const double before = heap_bytes();
    fill(without, many, false);
    const double between = heap_bytes();
    fill(with, many, true);
    state.counters["MiB"] = (heap_bytes() - between - (between - before)) / (1 << 20);
  }
}

BENCHMARK(actors)->Arg(400'000)->Unit(benchmark::kMillisecond);
BENCHMARK(actors_with_a_key)->Arg(400'000)->Unit(benchmark::kMillisecond);
BENCHMARK(answers_within_their_bound)->Arg(400'000)->Unit(benchmark::kMillisecond);

}  // namespace
