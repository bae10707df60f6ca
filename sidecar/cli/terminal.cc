#include "sidecar/cli/terminal.h"

#include <cstdlib>
#include <iostream>

#include <sys/ioctl.h>
#include <unistd.h>

namespace ringside::cli {

Terminal process_terminal() {
  const auto environment = [](const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return std::string(value == nullptr ? "" : value);
  };
  const auto size = []() -> std::optional<TerminalSize> {
    winsize now{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &now) != 0 || now.ws_row == 0 || now.ws_col == 0) return std::nullopt;
    return TerminalSize{now.ws_row, now.ws_col};
  };
  return {std::cin, std::cout, std::cerr, environment, ::isatty(STDOUT_FILENO) != 0, size};
}

int written(const Terminal& terminal, int status) {
  terminal.out.flush();
  if (terminal.out) return status;
  terminal.err << "ringside: the output could not be written\n";
  return status == kApplied ? kNotWritten : status;
}

}  // namespace ringside::cli
