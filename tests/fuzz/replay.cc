// ringside_fuzz_replay TARGET FOLDER: feeds the target each file of the folder, whole and cut short at each length.
// Without a fuzzer, and so with any compiler; a process that ends early says which file it was.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "sidecar/wire/apply_json.h"
#include "tests/fuzz/target.h"

namespace {

// Longer inputs are cut at so many lengths, evenly spread.
constexpr std::size_t kMostCuts = 256;

void replay(const ringside::fuzz::Target& target, const std::filesystem::path& path) {
  std::fprintf(stderr, "%s\n", path.c_str());
  std::ifstream file(path, std::ios::binary);
  const std::string input{std::istreambuf_iterator<char>(file), {}};
  target.feed(input);
  const std::size_t step = input.size() / kMostCuts + 1;
  for (std::size_t size = 0; size < input.size(); size += step) target.feed(std::string_view(input).substr(0, size));
}

}  // namespace

int main(int count, char** words) {
  const auto* target = count == 3 ? ringside::fuzz::find_target(words[1]) : nullptr;
  if (target == nullptr) {
    std::fputs("ringside_fuzz_replay TARGET FOLDER\n", stderr);
    return 2;
  }
  ringside::wire::silence_protobuf();
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(words[2])) {
    replay(*target, entry.path());
    ++files;
  }
  if (files == 0) {
    std::fprintf(stderr, "there is nothing in %s\n", words[2]);
    return 1;
  }
  return 0;
}
