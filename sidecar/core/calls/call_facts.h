// What a call is told when it ends, and that other parts know: whose actor it is, and why it went as it did. To read:
// asking changes nothing.
#pragma once

#include <string>

#include "sidecar/core/calls/pending_calls.h"

namespace ringside::core {

class CallFacts {
 public:
  virtual ~CallFacts() = default;

  virtual std::string holder_of(ActorId id) const = 0;  // empty: no host with an application is on the ring
  // In a sentence for a person, with names and numbers; empty: the reason says it all.
  virtual std::string detail_of(const PendingCall& pending, Reason reason) const = 0;
  virtual std::string busy_with(ActorId id) const = 0;             // the actor, where it is active here
  virtual std::string fate_of(const std::string& host) const = 0;  // empty: nothing is known
  virtual bool is_heard(const std::string& host) const = 0;        // a member, and not silent
  // Of a call that waits for its actor here: why it has waited so long. Without what was tried before.
  virtual Answer expired_in_queue(const PendingCall& pending, Answer otherwise) const = 0;
};

}  // namespace ringside::core
