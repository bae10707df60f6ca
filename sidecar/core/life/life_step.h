// What follows for the rest of the node from something in the life of this host, as values. The life cycle returns
// them, and the node carries them out in order, before anything else happens.
//
// Example: the operator wants a drain. The host leaves the ring (SetPhase), the activations end (EndAll), and the
// others are to hear of it at once (TickSoon).
#pragma once

#include <variant>
#include <vector>

#include "sidecar/core/deactivation.h"
#include "sidecar/core/effects.h"
#include "sidecar/core/types.h"

namespace ringside::core {
namespace life_step {

// A run begins, under a new generation. What the last one held has ended.
struct BeginRun {
  Phase phase = Phase::kUnspecified;
};
struct SetPhase {
  Phase phase = Phase::kUnspecified;
};
struct EndAll {  // activations, in order
  Deactivation why = Deactivation::kIdle;
};
struct LoseAll {};     // the app is gone, and all activations with it
struct SayGoodbye {};  // to legacy hosts, which know no phases
struct TickSoon {};    // what the others are to hear of at once
struct Reroute {};     // calls that wait may find another way now
struct Emit {          // in its place among what the steps around it do
  Effect effect;
};

}  // namespace life_step

using LifeStep = std::variant<life_step::BeginRun, life_step::SetPhase, life_step::EndAll, life_step::LoseAll,
                              life_step::SayGoodbye, life_step::TickSoon, life_step::Reroute, life_step::Emit>;
using LifeSteps = std::vector<LifeStep>;

}  // namespace ringside::core
