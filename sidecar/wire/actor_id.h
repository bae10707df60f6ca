// How people name actors in addresses: by number, or by text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sidecar/base/result.h"
#include "sidecar/core/call.h"

namespace ringside::wire {

inline constexpr std::size_t kMaxActorName = 1024;  // bytes

struct ActorRef {
  core::ActorId id = 0;
  std::string name;  // where the caller named it by text
};

// One segment of a path, as sent: "42" (1 to 18446744073709551615, no sign, no leading zero) or "name:TEXT" (UTF-8,
// percent-encoded; the id is its XXH64, 0 becomes 1). The error is the answer for the caller (bad-id).
base::Result<ActorRef, core::Answer> parse_actor(std::string_view segment);

// Decimal digits alone, by the same rules.
std::optional<core::ActorId> parse_actor_id(std::string_view digits);

}  // namespace ringside::wire
