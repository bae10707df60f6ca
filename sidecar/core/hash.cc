#include "sidecar/core/hash.h"

#include <xxhash.h>

namespace ringside::core {

Hash hash_bytes(std::string_view bytes) { return XXH64(bytes.data(), bytes.size(), 0); }

Hash hash_id(ActorId id) {
  unsigned char bytes[8];
  for (unsigned i = 0; i < 8; ++i) bytes[i] = static_cast<unsigned char>(id >> (8 * i));
  return XXH64(bytes, sizeof bytes, 0);
}

ActorId id_of_name(std::string_view utf8) {
  const Hash hash = hash_bytes(utf8);
  return hash == 0 ? 1 : hash;
}

}  // namespace ringside::core
