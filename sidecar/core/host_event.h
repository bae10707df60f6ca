// What happened to a host, as people look it up afterwards (`ringside events`): what, about whom, why, and by whose
// word. The node leaves these among its effects, at the place where each is decided. Nothing that it does depends on
// them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "sidecar/core/types.h"

namespace ringside::core {

// The words (to_string) are part of the contract: a kind may be added, and never renamed. docs/events.md tells each.
enum class EventKind : std::uint8_t {
  // this process and this host
  kStarted,
  kStopping,
  kJoined,
  kFoundedUnlisted,
  kPhaseChanged,
  kRejoin,
  kRest,
  kQuorumLost,
  kQuorumBack,
  kStalled,
  kTwin,
  kHostUnusable,
  kDiscoveryFailed,
  kSettingsWarning,
  // other hosts
  kMemberJoined,
  kMemberLeft,
  kMemberReplaced,
  kMemberDied,
  kMemberSuspected,
  kSuspicionEnded,
  kMemberPhase,
  kClockAhead,
  // the ring
  kRingChanged,
  kRingDisagrees,
  kRingAgrees,
  kSplitMet,
  kSplitHealed,
  // the application
  kAppUp,
  kAppSick,
  kAppDown,
  kAppRestarted,
  kTurnTimeout,
  kDeactivationGivenUp,
  kClaimYielded,
  // calls
  kCallsNotApplied,
  kConnectionsRefused,
  // operators
  kDrainBegun,
  kDrainProgress,
  kDrainEnded,
  kDrainOverdue,
  kUncordoned,
  kDeactivate,
  kLogLevel,
  // TLS between hosts
  kTlsLoaded,
  kTlsRefused,
  kTlsExpired,
  kTlsHandshakeFailed,
};
inline constexpr int kEventKinds = static_cast<int>(EventKind::kTlsHandshakeFailed) + 1;

const char* to_string(EventKind kind);
// Many of these may come in a moment: a burst of them, of one host or for one reason, is one event with a count.
bool comes_in_bursts(EventKind kind);

struct HostEvent {
  // Beside the sentence, for machines.
  using Value = std::variant<std::uint64_t, double, std::string>;
  using Facts = std::vector<std::pair<std::string, Value>>;

  EventKind kind = EventKind::kStarted;
  std::string host = {};   // that it is about; empty: this one
  std::string actor = {};  // that it is about, as callers call it. Told on this machine alone: no other field has any
  std::string why = {};    // for a person
  std::string by = {};     // whose word it is; empty: this host's own
  std::optional<Duration> lasted = {};  // what has ended with it
  std::uint64_t count = 1;              // of a burst
  Facts facts = {};
};

}  // namespace ringside::core
