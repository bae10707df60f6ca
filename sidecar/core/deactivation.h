// Why an activation ends, and what the application says when it is asked to forget one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sidecar/core/types.h"

namespace ringside::core {

enum class Deactivation : std::uint8_t {
  kIdle,         // unused for --actor-idle-timeout
  kDrain,        // this host leaves the ring in order
  kFenced,       // this host's run is over: others may hold the id
  kTurnTimeout,  // a turn took longer than --turn-timeout
  kYielded,      // another host was first
  kAppLoss,      // the app is gone or unhealthy
  kAppAsked,     // the app wanted it, in the answer to a turn
  kOperator,     // a person wanted it
};
inline constexpr int kDeactivations = 8;

// As it stands in `ringside-deactivation`, in metrics and in logs.
std::string_view to_string(Deactivation why);
// The same for all actors that the app still has: a sidecar has met it for the first time, or again.
inline constexpr std::string_view kInitialReset = "initial-reset";

// What came of asking the app once to forget something. Nobody but the node asks again.
struct Deactivated {
  enum class Kind : std::uint8_t {
    kDone,    // it has, or it knows no deactivation and so has nothing to forget
    kNotNow,  // it declined: what it holds it wants to keep for now
    kFailed,  // it answered that it could not, or its connection broke
    kSilent,  // it did not answer within --turn-timeout of being asked
  };
  Kind kind = Kind::kDone;
  Duration retry_after{0};  // not before, where the app said so
  std::string detail;       // what it said, for a person
};

}  // namespace ringside::core
