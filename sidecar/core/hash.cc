#include "sidecar/core/hash.h"

#include <bit>

// Compiled in: for the eight bytes of an id the call would cost more than the hash.
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace ringside::core {

namespace {

std::uint64_t xxh64(std::string_view bytes) { return XXH64(bytes.data(), bytes.size(), 0); }

}  // namespace

Hash hash_bytes(std::string_view bytes) { return Hash(xxh64(bytes)); }

Fingerprint fingerprint_of(std::string_view bytes) { return Fingerprint(xxh64(bytes)); }

Hash hash_id(ActorId id) {
  static_assert(std::endian::native == std::endian::little);
  const std::uint64_t bytes = id.value();
  return Hash(XXH64(&bytes, sizeof bytes, 0));
}

ActorId id_of_name(std::string_view utf8) {
  const std::uint64_t hash = xxh64(utf8);
  return ActorId(hash == 0 ? 1 : hash);
}

}  // namespace ringside::core
