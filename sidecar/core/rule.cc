#include "sidecar/core/rule.h"

#include <array>

namespace ringside::core {
namespace {

constexpr std::array<const char*, kRules> kWords = {"stopped",   "quorum",   "named",     "claim", "no-owner",
                                                    "leaving",   "hint",     "sent-back", "ring",  "stray",
                                                    "not-ready", "in-doubt", "grant",     "free"};

}  // namespace

const char* to_string(Rule rule) { return kWords[static_cast<std::size_t>(rule)]; }

}  // namespace ringside::core
