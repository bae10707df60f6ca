#include "tests/sim/planted.h"

namespace ringside::sim {

bool plant(const std::string&) { return false; }

}  // namespace ringside::sim
