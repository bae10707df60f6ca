// Where a command reads and writes, and with what status it ends.
#pragma once

#include <cstddef>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>

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

struct TerminalSize {
  std::size_t rows = 0;
  std::size_t columns = 0;
};

// Where a command reads and writes, and what it finds in the environment (empty: not set).
struct Terminal {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  std::function<std::string(const std::string& name)> environment;
  bool out_is_seen = false;                                // by a person: `out` is a terminal
  std::function<std::optional<TerminalSize>()> size = {};  // of `out`, as it is now; none: it is not known
};

Terminal process_terminal();

// The exit status of what has printed all that it has to say: `status`, or that not all of it was taken.
int written(const Terminal& terminal, int status);

}  // namespace ringside::cli
