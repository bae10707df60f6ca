// Every command of the binary but `serve`: clients of the local listener.
#pragma once

#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace ringside::cli {

enum Exit : int {
  kApplied = 0,
  kRefused = 1,
  kUsage = 2,
  kNotDelivered = 3,  // not delivered, overloaded, or expired
  kUnknown = 4,
  kNoSidecar = 5,
  kDrainTimedOut = 6,
  kNotWritten = 7,  // standard output took no more
};

// Where a command reads and writes, and what it finds in the environment (empty: not set).
struct Terminal {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  std::function<std::string(const std::string& name)> environment;
};

// Where among the words the command stands (or --help, --version): before it come flags that every command takes.
// Nothing: there is none, or flags of `serve` come first.
std::optional<std::size_t> command_at(const std::vector<std::string>& arguments);

// The exit status of what has printed all that it has to say: `status`, or that not all of it was taken.
int written(const Terminal& terminal, int status);

// Runs one command (`arguments` without the program's name; none: help) until it has ended. The exit status.
int run(const std::vector<std::string>& arguments, const Terminal& terminal);

Terminal process_terminal();

}  // namespace ringside::cli
