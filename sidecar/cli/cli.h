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

// Runs one command (`arguments` without the program's name) until it has ended. The exit status.
int run(const std::vector<std::string>& arguments, const Terminal& terminal);
int run(const std::vector<std::string>& arguments);  // on the process's own terminal

}  // namespace ringside::cli
