// ringside_fuzz TARGET [OPTION or CORPUS ...]: libFuzzer on one target. ./run fuzz calls it.
#include <cstddef>
#include <cstdio>
#include <cstdlib>

#include "sidecar/wire/apply_json.h"
#include "tests/fuzz/target.h"

namespace {

const ringside::fuzz::Target* target = nullptr;

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* count, char*** words) {
  target = *count > 1 ? ringside::fuzz::find_target((*words)[1]) : nullptr;
  if (target == nullptr) {
    std::fputs("ringside_fuzz TARGET [OPTION or CORPUS ...]; the targets are:", stderr);
    for (const auto& one : ringside::fuzz::targets()) std::fprintf(stderr, " %s", one.name.data());
    std::fputs("\n", stderr);
    std::exit(2);
  }
  // libFuzzer begins itself anew for some options, and so keeps the first words as they are.
  (*words)[1] = (*words)[0];
  ++*words;
  --*count;
  ringside::wire::silence_protobuf();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  target->feed({reinterpret_cast<const char*>(data), size});
  return 0;
}
