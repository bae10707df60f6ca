// XXH64 (seed 0), the one hash of the ring. Source: xxHash specification; docs/ring.md tells how it is used.
#pragma once

#include <cstdint>
#include <string_view>

#include "sidecar/core/types.h"

namespace ringside::core {

using Hash = base::Number<struct HashTag>;  // a place on the ring: a point of a host, or the key of an id
inline constexpr Hash kGreatestHash{~std::uint64_t{0}};

Hash hash_bytes(std::string_view bytes);
Hash hash_id(ActorId id);  // over the id's 8 bytes, little-endian: its key on the ring

// Tells whether two things are equal, by the same function: of the hosts on a ring, or of the request behind an
// idempotency key. Two that differ have the same one in one case of 2^64.
using Fingerprint = base::Number<struct FingerprintTag>;
Fingerprint fingerprint_of(std::string_view bytes);

// The id of an actor named by text: its hash, where 0 becomes 1.
ActorId id_of_name(std::string_view utf8);

}  // namespace ringside::core
