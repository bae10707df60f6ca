// Where an actor is and why: the rules of routing one by one as a host finds them, what only the actor's host knows,
// and what would change it. Values, copied out at the moment of asking; those of another host are as that one told
// them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sidecar/core/call.h"
#include "sidecar/core/hash.h"
#include "sidecar/core/snapshot.h"
#include "sidecar/core/types.h"

namespace ringside::core {

// A rule (rule.h), and what came of it.
struct RuleCheck {
  enum class Verdict : std::uint8_t { kNo, kDecides, kNotAsked };

  std::string rule;
  Verdict verdict = Verdict::kNotAsked;
  std::string why;  // the facts, with their ages; empty where it was not asked
};

// An activation, as its host tells it.
struct ActivationFacts {
  ActorStatus state;
  Duration age{0};                     // by its epoch; 0: not known
  std::optional<Duration> expires_in;  // if no call comes; nothing: it is busy, or about to end
  // What the turn under way was asked for: the call itself at its host, and its words (wire/explanation_json.h) from
  // another one.
  CallPtr call;
  std::string method;
  std::string trace_id;
};

// What one host says.
struct Explanation {
  std::string host;
  std::vector<RuleCheck> rules;  // in the order in which they are asked
  std::string goes;              // a call, by these: "here", "claim", "ask", "forward", "wait" or "fail"
  std::string reason;            // of "wait" and "fail"
  std::string to;                // of "forward", and the silent host of "wait"
  Epoch epoch = 0;               // of the activation there, if known
  std::string ring_owner;        // empty: nobody is on its ring
  Fingerprint ring = 0;
  std::optional<ActivationFacts> activation;  // there
};

// What all that were asked say.
struct Explained {
  struct Asked {
    Explanation says;  // its host alone, where there is a problem
    Duration took{0};
    std::string problem;  // why it says nothing; empty: it does
  };
  struct Change {
    std::string event;  // "10.0.0.6 leaves"
    std::string then;   // the host where it would be; empty: none, or nobody can say
    std::string why;
  };

  Placement place;           // as where() tells it
  Explanation here;          // this host's own
  std::vector<Asked> asked;  // one after the other: each named the next
  std::string holder;        // where it is active, by what they say; empty: nowhere, or nobody knows
  bool settled = false;
  std::vector<Change> changes;

  // Where it is active; nullptr: nobody has said so.
  const ActivationFacts* activation() const {
    if (here.activation) return &*here.activation;
    return !asked.empty() && asked.back().says.activation ? &*asked.back().says.activation : nullptr;
  }
};

}  // namespace ringside::core
