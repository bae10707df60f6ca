// The simulator as a program: many seeds, or one of them with its trace.
#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <iostream>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "tests/sim/checksums.h"
#include "tests/sim/planted.h"
#include "tests/sim/world.h"

namespace {

using ringside::sim::Options;
using ringside::sim::World;

constexpr std::size_t kTraceTail = 80;
constexpr std::uint64_t kMostHosts = 1000;

struct Command {
  Options options;
  std::string faults = "all";
  std::uint64_t first = 1;
  std::uint64_t seeds = 1;
  std::chrono::seconds fresh{0};  // instead of a number of seeds: for so long, from one that depends on the time of day
  unsigned jobs = std::max(1U, std::thread::hardware_concurrency());
  std::optional<std::int64_t> run_us;  // with faults; nothing: as those faults have it
  bool trace = false;
  bool must_fail = false;  // a planted fault is to be found
  std::string checksums;   // of the traces: a file to compare them with; empty: none is wanted
  bool rewrite = false;    // and to write them to
};

struct Totals {
  std::uint64_t seeds = 0, failed = 0, exclusive = 0;
  std::size_t calls = 0, applied = 0;
  std::uint64_t first_failed = 0;
  ringside::sim::Checksums checksums;
  ringside::sim::Costs costs;
};

int usage(const std::string& what) {
  std::cerr << what
            << "\nusage: ringside_sim [--first-seed N] [--seeds N] [--seed N] [--hosts N] [--seconds N] [--jobs N]"
            << " [--fresh SECONDS] [--trace] [--planted NAME] [--faults NAME] [--checksums FILE [--rewrite]]\nfaults:";
  for (const std::string& name : ringside::sim::fault_names()) std::cerr << " " << name;
  std::cerr << "\n";
  return 2;
}

Options options_of(const Command& command, std::uint64_t seed) {
  Options options = command.options;
  options.seed = seed;
  options.trace = command.trace;
  options.checksum = !command.checksums.empty();
  ringside::sim::apply_faults(command.faults, options);
  if (command.run_us) options.run_us = *command.run_us;
  return options;
}

// Whole words only: actor 4 is not actor 42.
bool mentions(const std::string& line, const std::string& word) {
  for (std::size_t at = line.find(word); at != std::string::npos; at = line.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    if (end == line.size() || line[end] == ' ' || line[end] == ',') return true;
  }
  return false;
}

// A failing seed: what broke, and of its trace up to there what a person needs, which is what befell the hosts and
// what was done for the actor in question.
void explain(const Command& command, std::uint64_t seed) {
  Options options = options_of(command, seed);
  options.trace = true;
  World world(options);
  world.run();
  const ringside::core::ActorId id = world.oracle().about();
  const std::string actor = to_string(id);
  std::vector<std::string> lines;
  for (const std::string& line : world.trace()) {
    const bool of_calls = line.find(" call ") != std::string::npos || line.find(" answer ") != std::string::npos ||
                          line.find(" turn ") != std::string::npos;
    const bool of_this = mentions(line, "for " + actor) || mentions(line, "of " + actor);
    if (!of_calls || (id != 0 && of_this)) lines.push_back(line);
  }
  for (std::size_t i = lines.size() - std::min(lines.size(), kTraceTail); i < lines.size(); ++i) {
    std::cout << "  " << lines[i] << "\n";
  }
  for (const std::string& broken : world.oracle().broken()) std::cout << "  BROKEN " << broken << "\n";
  std::cout << "  again: ringside_sim --seed " << seed << " --hosts " << options.hosts << " --seconds "
            << options.run_us / 1'000'000 << " --faults " << command.faults << " --trace\n";
}

Totals run_all(const Command& command) {
  Totals totals;
  std::mutex mutex;
  std::atomic<std::uint64_t> next{command.first};
  std::atomic<bool> enough{false};
  const auto until = std::chrono::steady_clock::now() + command.fresh;
  const auto more = [&](std::uint64_t seed) {
    if (command.fresh.count() != 0) return std::chrono::steady_clock::now() < until;
    return seed < command.first + command.seeds;
  };
  const auto work = [&] {
    for (std::uint64_t seed = next++; more(seed) && !enough; seed = next++) {
      World world(options_of(command, seed));
      world.run();
      const std::lock_guard lock(mutex);
      ++totals.seeds;
      totals.costs.add(world.costs());
      if (!command.checksums.empty()) totals.checksums[seed] = world.checksum();
      totals.calls += world.oracle().calls();
      totals.applied += world.oracle().applied();
      totals.exclusive += world.oracle().judged_wrongly() ? 0 : 1;
      if (command.trace) {
        for (const std::string& line : world.trace()) std::cout << line << "\n";
      }
      if (world.oracle().ok()) continue;
      if (totals.failed++ == 0) totals.first_failed = seed;
      std::cout << "seed " << seed << " (" << command.faults << ", " << command.options.hosts
                << " hosts): " << world.oracle().broken().front() << std::endl;
      enough = enough || command.must_fail;
    }
  };
  std::vector<std::thread> workers;
  const unsigned jobs = command.trace ? 1 : command.jobs;
  for (unsigned i = 1; i < jobs; ++i) workers.emplace_back(work);
  work();
  for (std::thread& worker : workers) worker.join();
  return totals;
}

// Empty: all is well.
std::string parse(int argc, char** argv, Command& command) {
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    if (flag == "--trace") {
      command.trace = true;
      continue;
    }
    if (flag == "--rewrite") {
      command.rewrite = true;
      continue;
    }
    if (i + 1 == argc) return flag + " needs a value";
    const std::string value = argv[++i];
    if (flag == "--faults") {
      command.faults = value;
      continue;
    }
    if (flag == "--checksums") {
      command.checksums = value;
      continue;
    }
    if (flag == "--planted") {
      if (!ringside::sim::plant(value)) return "no planted fault " + value + " in this build";
      command.must_fail = true;
      continue;
    }
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc{} || end != value.data() + value.size()) return flag + " takes a number, not " + value;
    if (flag == "--first-seed") {
      command.first = number;
    } else if (flag == "--seed") {
      command.first = number;
      command.seeds = 1;
    } else if (flag == "--seeds") {
      command.seeds = number;
    } else if (flag == "--fresh") {
      command.fresh = std::chrono::seconds(number);
      const auto today = std::chrono::system_clock::now().time_since_epoch();
      command.first = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(today).count());
    } else if (flag == "--hosts") {
      if (number < 1 || number > kMostHosts) return "--hosts takes 1 to " + std::to_string(kMostHosts);
      command.options.hosts = static_cast<int>(number);
    } else if (flag == "--seconds") {
      command.run_us = static_cast<std::int64_t>(number) * 1'000'000;
    } else if (flag == "--jobs") {
      command.jobs = static_cast<unsigned>(std::clamp<std::uint64_t>(number, 1, 64));
    } else {
      return "unknown option " + flag;
    }
  }
  if (command.seeds < 1) return "at least one seed";
  if (command.rewrite && command.checksums.empty()) return "--rewrite needs --checksums FILE";
  Options probe;
  if (!ringside::sim::apply_faults(command.faults, probe)) return "no faults of the name " + command.faults;
  return "";
}

// Whether the traces are those that the file has; or will have, from now on.
bool settle_checksums(const Command& command, const Totals& totals) {
  if (command.checksums.empty()) return true;
  if (command.rewrite) return ringside::sim::write_checksums(command.checksums, totals.checksums);
  const std::string wrong =
      ringside::sim::differences(ringside::sim::read_checksums(command.checksums), totals.checksums);
  if (!wrong.empty()) {
    std::cout << command.checksums << ":\n"
              << wrong << "Where that is wanted: ./run checksums --rewrite, in a commit that says what changed.\n";
  }
  return wrong.empty();
}

}  // namespace

int main(int argc, char** argv) {
  Command command;
  if (const std::string problem = parse(argc, argv, command); !problem.empty()) return usage(problem);
  const auto started = std::chrono::steady_clock::now();
  const Totals totals = run_all(command);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  if (totals.failed != 0 && !command.trace && !command.must_fail) explain(command, totals.first_failed);
  const double simulated = static_cast<double>(totals.seeds) * static_cast<double>(options_of(command, 1).run_us) /
                           1e6 * command.options.hosts;
  std::cout << totals.seeds << " seeds from " << command.first << ", " << totals.failed << " failed; "
            << totals.exclusive << " without a wrong verdict; " << totals.calls << " calls, " << totals.applied
            << " applied";
  if (!command.must_fail) {
    std::cout << "; " << static_cast<std::uint64_t>(simulated / took.count()) << " host-seconds under faults a second";
  }
  std::cout << "\n";
  if (options_of(command, 1).changes_alone && !command.must_fail) std::cout << totals.costs.to_text();
  const bool as_before = settle_checksums(command, totals);
  return (totals.failed != 0) == command.must_fail && as_before ? 0 : 1;
}
