// Every command of the binary but `serve`: clients of the local listener.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sidecar/cli/terminal.h"

namespace ringside::cli {

// Where among the words the command stands (or --help, --version): before it come flags that every command takes.
// Nothing: there is none, or flags of `serve` come first.
std::optional<std::size_t> command_at(const std::vector<std::string>& arguments);

// Runs one command (`arguments` without the program's name; none: help) until it has ended. The exit status.
int run(const std::vector<std::string>& arguments, const Terminal& terminal);

}  // namespace ringside::cli
