// What one node has counted since it began. A plain value; loop thread only.
#pragma once

#include <array>
#include <cstdint>

#include "sidecar/core/deactivation.h"
#include "sidecar/core/outcome.h"

namespace ringside::core {

enum class Activation : std::uint8_t { kFirstTouch, kAfterMove };
inline constexpr int kActivations = 2;

// Only ever grow. What is shown is the admin listener's matter.
struct Counters {
  std::array<std::array<std::uint64_t, kOutcomes>, 2> calls{};  // by origin, by outcome
  std::array<std::uint64_t, kReasons> refusals{};               // whatever was not applied, by reason
  std::array<std::uint64_t, kActivations> activations{};
  std::array<std::uint64_t, kDeactivations> deactivations{};
  std::array<std::array<std::uint64_t, 2>, 2> announcements{};  // [sent, received][rejected, accepted], by id
  std::uint64_t forwards = 0;
  std::uint64_t retries = 0;
  std::uint64_t ring_changes = 0;
  std::uint64_t ring_disagreements = 0;
  std::uint64_t deaths_declared = 0;  // hosts that this one took for dead
  std::uint64_t rejoins = 0;
  std::uint64_t burials = 0;  // of these, because another host said that it had taken this one for dead
  std::uint64_t stalls = 0;   // times that this process found itself stopped
};

}  // namespace ringside::core
