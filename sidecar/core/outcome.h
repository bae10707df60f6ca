// How a call can end, and why: two closed lists, spelled the same in trailers, headers, problems, logs and metrics.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sidecar/core/types.h"

namespace ringside::core {

// The promise a caller gets (docs/protocol.md). An answer without one counts as kUnknown.
enum class Outcome : std::uint8_t {
  kApplied,       // the app has acknowledged
  kRefused,       // the app understood and said no
  kNotDelivered,  // surely not handed to the app; safe to repeat
  kOverloaded,    // refused by a bound; not handed to the app
  kExpired,       // the deadline passed before the app got it
  kInvalid,       // malformed; nothing changed
  kUnknown,       // sent, and then no answer: it may have happened
};
inline constexpr int kOutcomes = 7;

std::string_view to_string(Outcome outcome);
std::optional<Outcome> parse_outcome(std::string_view word);

// Who has to act: each reason points at exactly one of them.
enum class Blame : std::uint8_t { kHere, kPeer, kApp, kCaller };

// Why a call was not applied. docs/reasons.md explains each one; a test holds the two lists equal.
enum class Reason : std::uint8_t {
  kNone,
  // here
  kNotReady,            // this host has not joined yet, or asks its peers whether it is still a member
  kOwnershipMoving,     // the id's range changes hands, and the hold time-out came first
  kNoOwner,             // no host with an application is on the ring
  kShuttingDown,        // this process is about to exit
  kActorQueueFull,      // --queue-per-actor
  kQueueBytesFull,      // --queue-bytes
  kTooManyTurns,        // --max-actors-in-flight turns are under way, and none ended in time
  kTooManyWaiting,      // too many requests wait for a change of the view
  kTooManyConnections,  // the listener has as many as its share of the file descriptors
  kHopLimit,            // forwarded too often: hosts disagree about the ring
  kNoQuorum,            // fewer than --quorum members
  kEndedByOperator,     // the activation was ended while this call's turn was under way, because a person wanted it
  // peer
  kPeerUnreachable,   // the owner could not be reached; nothing was sent
  kPeerLost,          // the connection to the owner was lost after sending
  kWrongTarget,       // meant for another host, generation or cluster
  kNotMine,           // the named holder does not hold that activation any more
  kRingDisagreement,  // a legacy host's ring differs from ours
  kPeerError,         // the owner answered with something that is not an answer
  // app
  kAppDown,      // the application is not healthy
  kAppRefused,   // the application said no
  kAppBusy,      // the application asked to repeat later
  kAppSlow,      // a turn, this call's own or one in front of it, was still under way at the deadline
  kAppLost,      // its connection broke in mid-turn
  kAppFailed,    // it answered with an error
  kAppGarbage,   // its answer could not be understood
  kAppTooLarge,  // its answer is larger than --max-message
  kTurnTimeout,  // the turn took longer than --turn-timeout
  // caller
  kDeadline,          // the caller's deadline passed
  kMalformed,         // not a well-formed request
  kBadId,             // not an actor id
  kNoMessages,        // an empty batch
  kTooManyMessages,   // more messages than a batch may have
  kTooLarge,          // larger than --max-message
  kBadType,           // an Any without a type URL, or of a type that is not known
  kBadContentType,    // the content type is not one of those served
  kBadPath,           // a method path with `..`, an encoded slash or control characters
  kBadDeadline,       // a deadline that is not a duration, or not above zero
  kKeyReused,         // the idempotency key belongs to another request
  kCallLoop,          // the actor called itself, through others: the call could only wait for itself
  kNotFound,          // there is nothing at that address
  kMethodNotAllowed,  // not with that HTTP method
  kNotServed,         // well-formed, and not served: a WebSocket, for one
  kForbidden,         // the local listener's rules (Host, Origin, Sec-Fetch-Site) or the caller's certificate
  kCancelled,         // the caller went away
};
inline constexpr int kReasons = static_cast<int>(Reason::kCancelled) + 1;

// Surely never handed to the app: safe to repeat.
constexpr bool surely_not_delivered(Outcome outcome) {
  return outcome == Outcome::kNotDelivered || outcome == Outcome::kOverloaded || outcome == Outcome::kExpired ||
         outcome == Outcome::kInvalid;
}

std::string_view to_string(Reason reason);
std::optional<Reason> parse_reason(std::string_view word);
Blame blame(Reason reason);
std::string_view to_string(Blame blame);

}  // namespace ringside::core
