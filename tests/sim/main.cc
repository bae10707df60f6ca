// The simulator as a program: many seeds, or one of them with its trace.
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>

#include "tests/sim/world.h"

namespace {

using ringside::sim::Options;
using ringside::sim::World;

constexpr std::size_t kTraceTail = 60;

int usage(const std::string& what) {
  std::cerr << what << "\nusage: sim [--first-seed N] [--seeds N] [--seed N] [--hosts N] [--seconds N] "
            << "[--faults none|network|churn|partitions|all] [--trace]\n";
  return 2;
}

// A failing seed: what broke, and the end of its trace.
void explain(Options options) {
  options.trace = true;
  World world(options);
  world.run();
  const auto& trace = world.trace();
  const std::size_t first = trace.size() > kTraceTail ? trace.size() - kTraceTail : 0;
  for (std::size_t i = first; i < trace.size(); ++i) std::cout << "  " << trace[i] << "\n";
  for (const std::string& broken : world.oracle().broken()) std::cout << "  BROKEN " << broken << "\n";
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  std::uint64_t first = 1, seeds = 1;
  std::string faults = "all";
  bool trace = false;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    if (flag == "--trace") {
      trace = true;
      continue;
    }
    if (i + 1 == argc) return usage(flag + " needs a value");
    const std::string value = argv[++i];
    const std::uint64_t number = std::strtoull(value.c_str(), nullptr, 10);
    if (flag == "--first-seed")
      first = number;
    else if (flag == "--seed")
      first = number, seeds = 1;
    else if (flag == "--seeds")
      seeds = number;
    else if (flag == "--hosts")
      options.hosts = static_cast<int>(number);
    else if (flag == "--seconds")
      options.run_us = static_cast<std::int64_t>(number) * 1'000'000;
    else if (flag == "--faults")
      faults = value;
    else
      return usage("unknown option " + flag);
  }
  if (options.hosts < 1 || seeds < 1) return usage("at least one host and one seed");
  options.faults = ringside::sim::faults_named(faults);
  const auto started = std::chrono::steady_clock::now();
  std::uint64_t failed = 0, exclusive = 0;
  std::size_t calls = 0, applied = 0;
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    options.seed = seed;
    options.trace = trace;
    World world(options);
    world.run();
    calls += world.oracle().calls();
    applied += world.oracle().applied();
    exclusive += world.oracle().exclusive() ? 1 : 0;
    if (trace) {
      for (const std::string& line : world.trace()) std::cout << line << "\n";
      std::cout << "trace " << std::hex << world.trace_hash() << std::dec << "\n";
    }
    if (world.oracle().ok()) continue;
    ++failed;
    std::cout << "seed " << seed << " (" << faults << ", " << options.hosts
              << " hosts): " << world.oracle().broken().front() << "\n";
    if (failed == 1 && !trace) explain(options);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  const double simulated = static_cast<double>(seeds) * static_cast<double>(options.run_us + options.calm_us) / 1e6;
  std::cout << seeds << " seeds, " << failed << " failed; " << exclusive << " without a false verdict; " << calls
            << " calls, " << applied << " applied; "
            << static_cast<std::uint64_t>(simulated * options.hosts / took.count()) << " host-seconds a second\n";
  return failed == 0 ? 0 : 1;
}
