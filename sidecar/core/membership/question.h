// What the membership has asked another host. A plain value.
#pragma once

#include <cstdint>
#include <string>

#include "sidecar/core/hash.h"
#include "sidecar/core/types.h"

namespace ringside::core {

struct Question {
  enum class About : std::uint8_t { kPing, kCandidate, kBackProbe, kJoin, kNegotiate, kLeave, kProbe };
  About about = About::kPing;
  std::string host;  // that it is about
  Instant sent;
  Generation as = 0;      // this host's generation when it asked
  std::string of = {};    // whom, if that is not the host in question
  Fingerprint names = 0;  // of a Join: what this host knew then
};

}  // namespace ringside::core
