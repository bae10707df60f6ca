// The rules by which a call is routed, in the order in which they are asked: the first that applies decides (route.h).
// docs/ownership.md tells what each is for.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ringside::core {

enum class Rule : std::uint8_t {
  // ---- may this host route at all? ----
  kStopped,  // it was stopped for a while, and asks the others whether they still know it
  kQuorum,   // it hears fewer hosts than --quorum
  // ---- is it here? ----
  kNamed,  // the call names an activation by its epoch, which is not the one here
  kClaim,  // it is active here
  // ---- is it another's? ----
  kNoOwner,   // nobody is on the ring
  kLeaving,   // this host is off the ring, and the owner has yet to hear of that
  kHint,      // another has answered for it last
  kSentBack,  // a legacy host owns it, and the call was forwarded here
  kRing,      // the ring names another
  // ---- the ring names this host ----
  kStray,     // another holds it all the same
  kNotReady,  // this host is not ready to own
  kInDoubt,   // its range has just become this host's, and somebody has yet to say what it holds there
  kGrant,     // by a legacy host's ring it is this host's: the ring owner is asked first
  kFree,      // it begins here
};
inline constexpr std::size_t kRules = 14;

const char* to_string(Rule rule);  // "claim"; these words are part of the contract

}  // namespace ringside::core
