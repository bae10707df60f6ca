// The answer to what is malformed, or may not be: nothing was changed by it.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "sidecar/core/call.h"

namespace ringside::wire {

// Of what a refusal cites from outside, it has no more bytes than these.
inline constexpr std::size_t kMostOfADetail = 300;

inline core::Answer invalid(core::Reason reason, std::string detail) {
  return core::Answer::failed(core::Outcome::kInvalid, reason, std::move(detail));
}

}  // namespace ringside::wire
