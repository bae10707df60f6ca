// The libraries of this program and their versions, for whoever asks whether a hole that was found in one of them is
// here.
#pragma once

#include <string>
#include <vector>

namespace ringside::cli {

struct Library {
  std::string name;
  std::string version;
};

// Those that tell their version when asked: what the loader has found on this machine, which may be newer than what the
// program was built with.
std::vector<Library> loaded_libraries();

// Those that do not, and those that are compiled in: as the program was built.
std::vector<Library> built_with_libraries();

}  // namespace ringside::cli
