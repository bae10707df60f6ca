// A name or an address that is not a member (yet), and what is known of whoever answers there.
//
//                  a host of this cluster answers
//   kAsking ------------------------------------------> kJoining (asked to take this host in) --> a member
//      |   \---- as soon as this host has joined ----> kMeeting (one of the two has to join anew) --> a member
//      |---- another name ----> kAlias     that name is asked in its turn
//      |---- another cluster, ring or minute ----> kForeign
//      |---- no process there ----> kNobodyListens
//      '---- nothing ----> kSilent
//
// Each of the states at the end is looked at again from time to time, and may turn into any other. Invariants
//  1. Only kAsking and kJoining are open questions: whoever joins waits for their end.
//  2. A host that has answered is not silent (docs/decisions/0013): last_answer tells when it did.
// A plain value; the methods are the steps that change several fields at once. Loop thread only.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "sidecar/core/hash.h"
#include "sidecar/core/peer_messages.h"
#include "sidecar/core/types.h"

namespace ringside::core {

struct Candidate {
  static constexpr Duration kQuietRepeat{1'000'000};       // between looks at a name of which nothing new is awaited
  static constexpr Duration kElsewhereRepeat{10'000'000};  // at an address that may be given to another host in the end

  enum class State : std::uint8_t {
    kAsking,         // pinged; no answer so far
    kJoining,        // it answered; now asked to take us in
    kMeeting,        // both are members of something already: one of us has to join anew
    kAlias,          // an address of a host with another name, or of this host itself
    kNobodyListens,  // no process there
    kSilent,         // did not answer in time: taken for dead
    kForeign,        // of another cluster or ring, or somebody who says what cannot be true
    kClosed,         // a legacy host that said good-bye
  };
  State state = State::kAsking;
  std::optional<Hash> hash;  // of its name; nothing: it is not a name by which others could know a host
  bool listed = false;       // discovery names it
  bool named = false;        // a host of this cluster names it
  bool of_stranger = false;  // nobody has named it but who is not known to be of this cluster
  bool legacy = false;
  bool blocks = false;  // of this cluster, and does not take this host in: nobody may join beside it
  enum class Clock : std::uint8_t { kNear, kAhead, kBehind } clock = Clock::kNear;  // by more than a minute
  bool serves = false;
  bool unresolved = false;         // the name has no address here
  bool not_spoken = false;         // somebody takes connections there, and does not speak to this host
  bool own_name = false;           // another host answers there with this host's name
  bool unverified = false;         // it said that it does not reach this host under its name
  bool held_up = false;            // it said that it cannot join: it will hear of this host once it can
  std::string name;                // an alias: which name the host there answers with; empty: it is this host
  Generation generation = 0;       // of the run that answered last
  Instant last_answer;             // to a ping or a Join
  std::optional<PingAnswer> said;  // by a host of this cluster under this name, when it was pinged last,
  Instant said_to;                 // to the ping of that moment
  Instant behind_since;            // its clock, as far as this host can tell
  Instant first_asked;
  Instant first_named;
  Instant next_try;
  unsigned repeats = 0;           // of the question that is open
  Instant awaited_until;          // one of a stranger, as long as nobody answers there
  Instant keep_until;             // unlisted names are forgotten then
  std::set<std::string> held_by;  // members here that are known to have it in their view, while this host joins
  Instant held_since;             // when one of those said so last
  Instant next_probe;             // when to ask those again whether they still do
  std::string problem;            // for a person, where there is one
  std::string told;               // what of that the log has

  bool open() const { return state == State::kAsking || state == State::kJoining; }
  bool gone() const { return state == State::kNobodyListens || state == State::kSilent; }
  bool is_this_host() const { return state == State::kAlias && name.empty(); }

  // ---- steps ----
  void ask_anew(Instant now);                          // the question is open again
  void answered(const PingAnswer& says, Instant now);  // what every answer tells, whoever gave it
  void turn_out_alias(const std::string& of);          // empty: of this host
  void turn_out_foreign(std::string why, Instant now);
  // Of this cluster for certain or certainly not; and whether its clock is near.
  void judge(Clock its_clock, bool is_in_the_way);
  void ask_to_join(Instant now);
  void meet(Instant now);
  // It says so in answer to a question of that moment. Once it can join, it asks its members anew who is there: whoever
  // is a member of theirs by then need not wait for it. This host is one of theirs for certain when they tell it of
  // this name; an older answer counts for nothing, as they may have been asked in between.
  void cannot_join(Instant asked);
  void excuse_for(Duration lag, Instant now);  // its silence began later by so much
  void has_no_listener();
  // It is asked now. When again, as long as nothing comes of it: what was asked before may still be answered. Each time
  // after twice as long, as many joiners must not flood a large cluster, nor one another.
  Instant next_repeat(Instant now);
  void ask_again_soon(Instant now);  // something has come of the last question, and not what was hoped for
  void fall_silent();
};

using CandidateMap = std::map<std::string, Candidate>;

}  // namespace ringside::core
