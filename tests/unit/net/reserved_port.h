// Ports for tests whose server comes back, or of which nobody may answer.
#pragma once

#include <cstdint>

namespace ringside::net::testing {

// A TCP port that is this process' until it ends, at every address of this machine; the same one is never given twice.
// It lies outside the range of which the kernel chooses, so that neither another test nor a connection that goes out
// takes it while nobody listens there. Ends the process where there is none. From one thread at a time.
std::uint16_t reserved_port();

}  // namespace ringside::net::testing
