// Content negotiation (RFC 9110 §12.5.1).
#pragma once

#include <string_view>

#include "sidecar/net/metadata.h"

namespace ringside::net {

struct Acceptance {
  double quality = 1;     // 0: not acceptable
  bool is_named = false;  // by this very type, not by a range such as */*
};

// What all Accept headers together say of a type ("application/json"): the most specific range that names it counts.
// Without any, everything is acceptable; a range that cannot be read says nothing.
Acceptance acceptance(const Metadata& headers, std::string_view type);

}  // namespace ringside::net
