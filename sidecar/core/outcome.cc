#include "sidecar/core/outcome.h"

#include <array>

namespace ringside::core {
namespace {

constexpr std::array<std::string_view, kOutcomes> kOutcomeWords = {"applied", "refused", "not-delivered", "overloaded",
                                                                   "expired", "invalid", "unknown"};

struct ReasonRow {
  Reason reason;
  std::string_view word;
  Blame blame;
};

constexpr std::array<ReasonRow, kReasons> kReasonRows = {{
    {Reason::kNone, "none", Blame::kHere},
    {Reason::kNotReady, "not-ready", Blame::kHere},
    {Reason::kOwnershipMoving, "ownership-moving", Blame::kHere},
    {Reason::kNoOwner, "no-owner", Blame::kHere},
    {Reason::kShuttingDown, "shutting-down", Blame::kHere},
    {Reason::kActorQueueFull, "actor-queue-full", Blame::kHere},
    {Reason::kQueueBytesFull, "queue-bytes-full", Blame::kHere},
    {Reason::kTooManyTurns, "too-many-turns", Blame::kHere},
    {Reason::kTooManyWaiting, "too-many-waiting", Blame::kHere},
    {Reason::kTooManyConnections, "too-many-connections", Blame::kHere},
    {Reason::kHopLimit, "hop-limit", Blame::kHere},
    {Reason::kNoQuorum, "no-quorum", Blame::kHere},
    {Reason::kEndedByOperator, "ended-by-operator", Blame::kHere},
    {Reason::kPeerUnreachable, "peer-unreachable", Blame::kPeer},
    {Reason::kPeerLost, "peer-lost", Blame::kPeer},
    {Reason::kWrongTarget, "wrong-target", Blame::kPeer},
    {Reason::kNotMine, "not-mine", Blame::kPeer},
    {Reason::kRingDisagreement, "ring-disagreement", Blame::kPeer},
    {Reason::kPeerError, "peer-error", Blame::kPeer},
    {Reason::kAppDown, "app-down", Blame::kApp},
    {Reason::kAppRefused, "app-refused", Blame::kApp},
    {Reason::kAppBusy, "app-busy", Blame::kApp},
    {Reason::kAppSlow, "app-slow", Blame::kApp},
    {Reason::kAppLost, "app-lost", Blame::kApp},
    {Reason::kAppFailed, "app-failed", Blame::kApp},
    {Reason::kAppGarbage, "app-garbage", Blame::kApp},
    {Reason::kAppTooLarge, "app-answer-too-large", Blame::kApp},
    {Reason::kTurnTimeout, "turn-timeout", Blame::kApp},
    {Reason::kDeadline, "deadline", Blame::kCaller},
    {Reason::kMalformed, "malformed", Blame::kCaller},
    {Reason::kBadId, "bad-id", Blame::kCaller},
    {Reason::kNoMessages, "no-messages", Blame::kCaller},
    {Reason::kTooManyMessages, "too-many-messages", Blame::kCaller},
    {Reason::kTooLarge, "too-large", Blame::kCaller},
    {Reason::kBadType, "bad-type", Blame::kCaller},
    {Reason::kBadContentType, "bad-content-type", Blame::kCaller},
    {Reason::kBadPath, "bad-path", Blame::kCaller},
    {Reason::kBadDeadline, "bad-deadline", Blame::kCaller},
    {Reason::kKeyReused, "key-reused", Blame::kCaller},
    {Reason::kCallLoop, "call-loop", Blame::kCaller},
    {Reason::kNotFound, "not-found", Blame::kCaller},
    {Reason::kMethodNotAllowed, "method-not-allowed", Blame::kCaller},
    {Reason::kNotServed, "not-served", Blame::kCaller},
    {Reason::kForbidden, "forbidden", Blame::kCaller},
    {Reason::kCancelled, "cancelled", Blame::kCaller},
}};

const ReasonRow& row(Reason reason) { return kReasonRows[static_cast<std::size_t>(reason)]; }

}  // namespace

std::string_view to_string(Outcome outcome) { return kOutcomeWords[static_cast<std::size_t>(outcome)]; }

std::optional<Outcome> parse_outcome(std::string_view word) {
  for (std::size_t i = 0; i < kOutcomeWords.size(); ++i) {
    if (kOutcomeWords[i] == word) return static_cast<Outcome>(i);
  }
  return std::nullopt;
}

std::string_view to_string(Reason reason) { return row(reason).word; }

std::optional<Reason> parse_reason(std::string_view word) {
  for (const ReasonRow& candidate : kReasonRows) {
    if (candidate.word == word) return candidate.reason;
  }
  return std::nullopt;
}

Blame blame(Reason reason) { return row(reason).blame; }

std::string_view to_string(Blame blame) {
  constexpr std::array<std::string_view, 4> kWords = {"here", "peer", "app", "caller"};
  return kWords[static_cast<std::size_t>(blame)];
}

std::string in_seconds(Duration duration) {
  const Duration::rep tenths = (duration.count() + 50'000) / 100'000;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

const char* to_string(Phase phase) {
  constexpr std::array<const char*, 6> kWords = {"unspecified", "joining", "ready", "draining", "drained", "app-down"};
  return kWords[static_cast<std::size_t>(phase)];
}

}  // namespace ringside::core
