#include "sidecar/core/check.h"

#include <cstdio>
#include <cstdlib>

namespace ringside::core {

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "ringside: %s:%d: this cannot happen: not %s\n", file, line, condition);
  std::abort();
}

}  // namespace ringside::core
