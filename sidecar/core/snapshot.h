// What a node tells about itself, for the listeners that show it. Values, copied out at the moment of asking.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sidecar/core/hash.h"
#include "sidecar/core/peer_security.h"
#include "sidecar/core/types.h"

namespace ringside::core {

// An actor that is active on this host.
struct ActorStatus {
  ActorId id = 0;
  Epoch epoch = 0;
  std::string name;  // where a caller named it by text
  Duration idle{0};
  bool busy = false;           // a turn is under way
  Duration turn_age{0};        // of that turn
  std::size_t waiting = 0;     // calls behind it
  std::string ending;          // why it is being deactivated; empty: it is not
  unsigned not_forgotten = 0;  // how often the app has failed to, in a row
};

// Where an actor is, and by which rule. Looking touches nothing.
struct Placement {
  ActorId id = 0;
  std::string holder;  // empty: nobody is on the ring
  std::string rule;    // "claim", "stray" or "ring"
  bool local = false;
  Epoch epoch = 0;                  // 0: not known here
  std::string why;                  // one sentence
  std::optional<ActorStatus> here;  // where it is active on this host
};

// An actor that has much of something, and how it is now.
struct HotActor {
  ActorStatus now;
  bool active = true;     // here, still
  std::uint64_t sum = 0;  // calls, or microseconds; at most `error` too much
  std::uint64_t error = 0;
  std::uint64_t times = 0;    // turns, or calls that waited
  std::uint64_t largest = 0;  // of these, in microseconds
};

// Which actors have the most of what, since somebody began to look.
struct HotList {
  std::vector<HotActor> actors;  // the most first
  std::uint64_t total = 0;       // of all actors together
  std::uint64_t unlisted = 0;    // no actor that is not kept has more
};
struct Top {
  Duration recorded{0};
  Duration stops_after{0};  // the last look
  std::size_t counters = 0;
  HotList busiest;      // by calls
  HotList slowest;      // by the time of their turns, those under way included
  HotList most_waited;  // by the time that calls have waited for their turns
};

struct MemberStatus {
  std::string host;
  Phase phase = Phase::kUnspecified;
  Generation generation = 0;  // 0: a legacy host
  bool self = false;
  bool legacy = false;
  bool routes_only = false;
  bool on_ring = false;
  bool member = true;  // false: a name that is not a member (problem says why)
  Duration rtt{0};
  Duration silent_for{0};  // since its last answer; of a name that is not a member: since it was first asked
  Fingerprint ring = 0;
  std::uint64_t actors = 0;
  std::uint64_t load = 0;
  std::uint64_t strays = 0;  // ids that it holds although the ring names this host
  double share = 0;          // of the ring, 0..1
  std::string version;
  std::string zone;          // empty: not told
  std::uint32_t points = 0;  // of its own; 0: it is not on the ring
  bool watched = false;      // pinged by this host at every --ping-interval
  std::string problem;
  // Of a name that is not a member: neither has the operator named it, nor has a host there answered. What comes of
  // looking at it is told on this machine alone: else whoever names addresses could learn what listens there.
  bool only_named = false;
};

struct Status {
  std::string host;
  std::string cluster;
  std::string zone;  // empty: not told
  Generation generation = 0;
  Phase phase = Phase::kJoining;
  bool has_app = false;
  bool app_up = false;
  bool joined = false;
  bool confirming = false;  // was stopped, and asks its peers before it serves
  bool settled = false;
  bool quorum = true;
  bool drain_overdue = false;
  std::string not_ready_because;  // empty: ready
  Fingerprint ring = 0;
  std::uint32_t points = 0;              // of a host of weight 1
  std::uint32_t weight = kWeightOne;     // thousandths
  std::size_t members = 0;               // this host included
  std::size_t discovered_hosts = 0;      // addresses that discovery names
  std::uint64_t discovery_failures = 0;  // readings of a source that failed, or named nobody
  std::size_t actors = 0;
  std::size_t strays = 0;
  std::size_t turns_under_way = 0;
  std::size_t turns_waiting = 0;           // calls in actors' queues
  std::size_t held_back = 0;               // actors whose next turn waits for --max-actors-in-flight
  std::size_t waiting_for_connection = 0;  // turns that have yet to find a connection to the application
  std::size_t ending = 0;                  // activations that the app has not forgotten yet
  std::size_t calls = 0;                   // that have not ended, in any stage
  std::size_t queued_bytes = 0;
  PeerSecurity peer_security;
  std::size_t held = 0;        // calls that wait for a change of owners
  std::size_t unfinished = 0;  // entries of every table that is empty when nothing is under way
};

}  // namespace ringside::core
