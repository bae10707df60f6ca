// What a host knows of the others: members, and names that it still has to look at.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "sidecar/core/hash.h"
#include "sidecar/core/membership/epoch_clock.h"
#include "sidecar/core/peer_messages.h"
#include "sidecar/core/types.h"

namespace ringside::core {

// A host that says so is on the ring, unless it only routes.
constexpr bool on_ring(Phase phase) { return phase == Phase::kJoining || phase == Phase::kReady; }

// A host of this sidecar's view.
struct Member {
  HostRun run;
  Phase phase = Phase::kUnspecified;
  bool routes_only = false;
  bool legacy() const { return run.generation == 0; }
  bool on_ring() const { return !routes_only && (phase == Phase::kUnspecified || core::on_ring(phase)); }
  // Has joined, and may own actors.
  bool serves() const { return !legacy() && !routes_only && phase == Phase::kReady; }

  // Liveness.
  Instant next_ping;
  Instant next_look;    // no extra ping before, however often its connections break
  Instant last_answer;  // when something of its was last heard
  Instant lease;        // when the last ping that it answered had been sent
  Duration rtt{0};
  EpochClock::Bound clock;                   // as of its last answer
  std::optional<std::int64_t> wall_lead_ms;  // of its wall clock, as it stands, to our monotonic one
  int refusals = 0;                          // connection refused this often, one after the other
  bool suspected = false;
  Instant next_probe;       // when to ask others again whether they hear it
  Instant heard_by_others;  // when another member last said that it hears this one

  // What its last ping answer said.
  Hash ring = 0;
  Instant next_compare;  // when to exchange names with it again
  std::uint64_t actors = 0;
  std::uint64_t load = 0;
  std::string version;

  // What it has acknowledged: the generation of mine that it admitted, and whether it saw me go off the ring.
  Generation joined_as = 0;
  bool saw_leave = false;
  Instant next_ask;  // when to repeat a Join or Leave
};

using Members = std::map<std::string, Member>;

// A name or an address that is not a member (yet).
struct Candidate {
  enum class State : std::uint8_t {
    kAsking,   // pinged; no answer so far
    kJoining,  // it answered; now asked to take us in
    kMeeting,  // both are members of something already: one of us has to join anew
    kAlias,    // an address of a host with another name, or of this host itself
    kRefused,  // no process there
    kSilent,   // did not answer in time: taken for dead
    kForeign,  // of another cluster or ring, or somebody who says what cannot be true
    kClosed,   // a legacy host that said good-bye
  };
  State state = State::kAsking;
  bool listed = false;  // discovery names it
  bool named = false;   // a host of this cluster names it
  bool legacy = false;
  bool blocks = false;  // of this cluster, and does not take this host in: nobody may join beside it
  enum class Clock : std::uint8_t { kNear, kAhead, kBehind } clock = Clock::kNear;  // by more than a minute
  bool serves = false;
  bool unresolved = false;    // the name has no address here
  bool own_name = false;      // another host answers there with this host's name
  bool unverified = false;    // it said that it does not reach this host under its name
  bool held_up = false;       // it said that it cannot join: it will ask this host once it can
  std::string name;           // an alias: which name the host there answers with; empty: it is this host
  Generation generation = 0;  // of the run that answered last
  Instant last_answer;        // to a ping or a Join
  Instant behind_since;       // its clock, as far as this host can tell
  Instant first_asked;
  Instant first_named;
  Instant next_try;
  Instant keep_until;             // unlisted names are forgotten then
  std::set<std::string> held_by;  // members here that are known to have it in their view, while this host joins
  Instant next_probe;             // when to ask those again whether they still do
  std::string problem;            // for a person, where there is one
  std::string told;               // what of that the log has

  bool open() const { return state == State::kAsking || state == State::kJoining; }
};

}  // namespace ringside::core
