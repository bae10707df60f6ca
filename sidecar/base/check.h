// What cannot happen is a check that stays on in release: a process that is wrong about its own state ends, and the
// other hosts take over, before it answers anybody from that state.
#pragma once

namespace ringside::base {

// Says on standard error what did not hold and where, and aborts.
[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace ringside::base

// RINGSIDE_CHECK(actor != nullptr); for what is wrong in this program, never for what somebody sends.
#define RINGSIDE_CHECK(condition) \
  (static_cast<bool>(condition) ? static_cast<void>(0) : ::ringside::base::check_failed(#condition, __FILE__, __LINE__))
