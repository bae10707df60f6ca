// Whether two hosts know the same names, told in eight bytes: among a thousand hosts a list of names is 20 kB, and each
// joiner would hear it from each of them.
//
// The sum of the hashes of all names, so that it does not depend on their order, and one more or less is one step.
// Loop thread only.
#pragma once

#include <cstdint>
#include <string>

#include "sidecar/core/hash.h"

namespace ringside::core {

class NamesDigest {
 public:
  void add(const std::string& name) { add(hash_bytes(name)); }
  void add(Hash name) { sum_ += name.value(); }
  void remove(const std::string& name) { sum_ -= hash_bytes(name).value(); }

  // Never 0, which stands for a digest that is not told.
  Fingerprint value() const { return Fingerprint(sum_ == 0 ? 1 : sum_); }

 private:
  std::uint64_t sum_ = 0;
};

}  // namespace ringside::core
