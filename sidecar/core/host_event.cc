#include "sidecar/core/host_event.h"

#include <array>

namespace ringside::core {
namespace {

constexpr std::array<const char*, kEventKinds> kWords = {
    "started",
    "stopping",
    "joined",
    "founded_unlisted",
    "phase_changed",
    "rejoin",
    "rest",
    "quorum_lost",
    "quorum_back",
    "stalled",
    "host_has_twin",
    "host_unusable",
    "discovery_failed",
    "settings_warning",
    "member_joined",
    "member_left",
    "member_replaced",
    "member_died",
    "member_suspected",
    "suspicion_ended",
    "member_phase",
    "clock_ahead",
    "ring_changed",
    "ring_disagrees",
    "ring_agrees",
    "split_met",
    "split_healed",
    "app_up",
    "app_sick",
    "app_down",
    "app_restarted",
    "turn_timeout",
    "deactivation_given_up",
    "claim_yielded",
    "calls_not_applied",
    "connections_refused",
    "drain_begun",
    "drain_progress",
    "drain_ended",
    "drain_overdue",
    "uncordoned",
    "deactivate",
    "log_level",
    "tls_loaded",
    "tls_refused",
    "tls_expired",
    "tls_handshake_failed",
};

}  // namespace

const char* to_string(EventKind kind) { return kWords[static_cast<std::size_t>(kind)]; }

bool comes_in_bursts(EventKind kind) {
  switch (kind) {
    case EventKind::kHostUnusable:
    case EventKind::kClockAhead:
    case EventKind::kTurnTimeout:
    case EventKind::kDeactivationGivenUp:
    case EventKind::kClaimYielded:
    case EventKind::kCallsNotApplied:
    case EventKind::kConnectionsRefused:
    case EventKind::kDeactivate:
    case EventKind::kLogLevel:
    case EventKind::kTlsHandshakeFailed:
      return true;
    default:
      return false;
  }
}

}  // namespace ringside::core
