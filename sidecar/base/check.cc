#include "sidecar/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace ringside::base {

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "ringside: %s:%d: this cannot happen: not %s\n", file, line, condition);
  std::abort();
}

}  // namespace ringside::base
