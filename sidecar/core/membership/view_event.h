// What a change of the membership means to the rest of the node, as values.
//
// Membership collects them while it changes, and calls nobody. Whoever has called one of its methods takes them
// afterwards (Membership::take_events) and handles them in order. So nobody ever sees a view that is half changed:
// when a silent member is taken for dead while a call to it is under way, the ring without it, the clocks and the names
// are in place before that call is routed again.
#pragma once

#include <string>
#include <variant>

#include "sidecar/core/membership/member.h"
#include "sidecar/core/membership/ring.h"
#include "sidecar/core/types.h"

namespace ringside::core {
namespace view_event {

// A host has come onto the ring, or has left it. What this host gains by it is in doubt until everybody has been asked.
struct RingChanged {
  Ring::Ptr before, after;
};
// A host has been taken into the cluster that this host had joined before it.
struct Admitted {
  HostRun run;
};
// A run of another host is over: it holds nothing any more.
struct RunEnded {
  HostRun run;
  Gone how = Gone::kInOrder;
};
// A member drains, or has lost its application.
struct LeftRing {
  HostRun run;
  Phase phase = Phase::kUnspecified;
};
// This host knows every host in the closure of names.
struct Joined {};
// Others have taken this run for dead, or it may not go on beside them.
struct MustRejoin {
  std::string why;
  std::string buried_by;  // empty: nobody has
};
// After a stall: every member still knows this run.
struct Confirmed {};
// A member that was suspected has answered.
struct HeardAgain {};
// Members, phases, or what a status shows of them.
struct Changed {};

}  // namespace view_event

using ViewEvent = std::variant<view_event::RingChanged, view_event::Admitted, view_event::RunEnded,
                               view_event::LeftRing, view_event::Joined, view_event::MustRejoin, view_event::Confirmed,
                               view_event::HeardAgain, view_event::Changed>;

}  // namespace ringside::core
