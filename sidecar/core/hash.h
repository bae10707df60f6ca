// XXH64 (seed 0), the one hash of the ring. Source: xxHash specification; docs/ring.md tells how it is used.
#pragma once

#include <cstdint>
#include <string_view>

#include "sidecar/core/types.h"

namespace ringside::core {

using Hash = std::uint64_t;

Hash hash_bytes(std::string_view bytes);
Hash hash_id(ActorId id);  // over the id's 8 bytes, little-endian: its key on the ring

// The id of an actor named by text: its hash, where 0 becomes 1.
ActorId id_of_name(std::string_view utf8);

}  // namespace ringside::core
