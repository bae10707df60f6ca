// What a host knows of another one that it has admitted. A plain value; view.h says who may change what of it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "sidecar/core/hash.h"
#include "sidecar/core/membership/epoch_clock.h"
#include "sidecar/core/peer_messages.h"
#include "sidecar/core/types.h"

namespace ringside::core {

// What has been learned of a member since it fell silent.
struct Suspicion {
  enum class Word : std::uint8_t { kNone, kHears, kMisses };
  Instant since;
  bool told = false;                  // to people
  std::map<std::string, Word> words;  // of the others that were asked whether they hear it, the last of each
};

// A host of this sidecar's view.
struct Member {
  // What every tick reads of every member: it stands together, as an idle process has none of it in its caches.
  Instant next_ping;
  Instant next_ask;      // when to repeat a Join or Leave
  Instant next_compare;  // when to exchange names with it again
  Instant next_probe;    // when to ask others again whether they hear it
  Instant last_answer;   // when something of its was last heard
  Instant asked_since;   // what was not heard before says nothing: it was asked too rarely
  bool watched = true;   // pinged at every --ping-interval (watch_circle.h)
  bool awaited = false;  // it has been pinged, and nothing was heard since

  HostRun run;
  Instant since;  // a member
  Phase phase = Phase::kUnspecified;
  bool routes_only = false;
  std::uint32_t points = 0;   // on the ring; of a host that tells none, those of weight 1
  bool tells_points = false;  // it knows of weights: neither a legacy host nor one of an earlier version
  bool legacy() const { return run.generation == 0; }
  bool on_ring() const { return !routes_only && (phase == Phase::kUnspecified || core::on_ring(phase)); }
  // Has joined, and may own actors.
  bool serves() const { return !legacy() && !routes_only && phase == Phase::kReady; }

  // Liveness.
  Instant next_look;  // no extra ping before, however often its connections break
  Instant lease;      // when the last ping that it answered had been sent
  Duration rtt{0};
  EpochClock::Bound clock;                   // as of its last answer
  std::optional<std::int64_t> wall_lead_ms;  // of its wall clock, as it stands, to our monotonic one
  int refused_connections = 0;               // connection refused this often, one after the other
  bool suspected = false;
  std::optional<Suspicion> suspicion;  // by its silence
  bool all_are_told = false;           // that it is silent
  Instant heard_by_others;             // when another member last said that it hears this one

  // What its last ping answer said.
  Fingerprint ring = 0;
  Fingerprint names = 0;  // of those that it would name; 0: not told
  std::uint64_t actors = 0;
  std::uint64_t load = 0;
  std::string version;
  std::string zone;  // empty: none is told

  // What it has acknowledged: the generation of mine that it admitted, and whether it saw me go off the ring.
  Generation joined_as = 0;
  bool saw_leave = false;
  unsigned joins_unanswered = 0;
  Instant joins_count_from;  // a Join that was sent before may be answered by a host that has taken us for dead since
};

using Members = std::map<std::string, Member>;

// How a host ceases to be a member: it has said so, another run of it answers, nobody listens at its address any more,
// or nothing comes from it.
enum class Gone : std::uint8_t { kInOrder, kReplaced, kRefusing, kSilent };

}  // namespace ringside::core
