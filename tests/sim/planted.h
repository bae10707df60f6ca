// Faults that one extra build of the core contains, to show that the oracle finds them (planted_faults.py).
#pragma once

#include <string>

namespace ringside::sim {

// Chooses the fault of this process. False: this build has none of that name, as the one that ships has none at all.
bool plant(const std::string& name);
// Asked by the altered lines of the core.
bool planted(const char* name);

}  // namespace ringside::sim
