// The words that the whole program is written in: ids, generations, epochs and time.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "sidecar/base/number.h"

namespace ringside::core {

using ActorId = base::Number<struct ActorIdTag>;        // 1 .. 2^64-1; 0 is not an actor
using Generation = base::Number<struct GenerationTag>;  // one run of a host: see generation_at; 0 = a legacy host
// The fencing number of one activation, below 2^53; 0 = none (a legacy host's claim).
using Epoch = base::Number<struct EpochTag>;

// A run's generation: when it started, and random bits, since two may start in one millisecond.
inline constexpr int kGenerationRandomBits = 20;
constexpr Generation generation_at(std::int64_t wall_ms, std::uint64_t random) {
  return Generation(static_cast<std::uint64_t>(wall_ms) << kGenerationRandomBits | random);
}
constexpr std::int64_t start_ms(Generation generation) {
  return static_cast<std::int64_t>(generation.value() >> kGenerationRandomBits);
}

// What of an actor a method call asks for: a hash of its path and query. Two are rarely alike by chance.
using Place = std::uint32_t;
inline constexpr Place kNoPlace = 0;

// How far a host's epochs have come, and the epoch that its wall clock alone would give. They differ where the host has
// met a greater epoch: with the clock at 12:00:00.000 and an epoch of 12:00:00.300 from another host, its epochs grow
// by the counter alone for the next 300 ms.
struct ClockReading {
  Epoch epoch = 0;
  Epoch by_time = 0;  // 0: not told
  bool operator==(const ClockReading&) const = default;
};

// The share of all actors that a host takes, in thousandths of that of a host of weight 1.
inline constexpr std::uint32_t kWeightOne = 1000;

// A clock that cannot be read: the core gets its time as an argument, from whoever runs it.
struct Monotonic {
  using rep = std::int64_t;
  using period = std::micro;
  using duration = std::chrono::duration<rep, period>;
  using time_point = std::chrono::time_point<Monotonic>;
  static constexpr bool is_steady = true;
};
using Duration = Monotonic::duration;
using Instant = Monotonic::time_point;

inline constexpr Instant kNever = Instant::max();

// What time it is: `mono` never goes back; `wall_ms` (Unix time) may jump, and serves epochs alone.
struct Now {
  Instant mono;
  std::int64_t wall_ms = 0;
};

// Where a host stands in its life. The numbers are those of messages.Phase on the wire.
enum class Phase : std::uint8_t {
  kUnspecified = 0,  // a legacy host, which knows no phases
  kJoining = 1,
  kReady = 2,
  kDraining = 3,
  kDrained = 4,
  kAppDown = 5,
};

// A host that says so is on the ring, unless it only routes.
constexpr bool on_ring(Phase phase) { return phase == Phase::kJoining || phase == Phase::kReady; }
const char* to_string(Phase phase);
// "3.0 s", for people.
std::string in_seconds(Duration duration);

// One run of one host.
struct HostRun {
  std::string host;
  Generation generation = 0;
  bool operator==(const HostRun&) const = default;
};

}  // namespace ringside::core
