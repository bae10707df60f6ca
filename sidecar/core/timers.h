// What a node's timers are for: each kind names what it is about. All parts of a node add theirs to one queue, so that
// what is due at the same time comes in the order in which it was wanted; each part cancels its own, and the node hands
// what is due to the part that wanted it.
#pragma once

#include <variant>

#include "sidecar/core/timer_queue.h"
#include "sidecar/core/tokens.h"
#include "sidecar/core/types.h"

namespace ringside::core {

namespace due {
struct Tick {};
struct CallDeadline {
  CallId call;
};
struct CallRetry {
  CallId call;
};
struct TurnTimeout {
  TurnId turn;
};
struct TurnBreak {  // on an operator's wish
  TurnId turn;
};
struct ActorRetry {
  ActorId actor;
};
struct EndingAgain {
  ActorId actor;
};
struct IdleAgain {
  ActorId actor;
};
struct InitialReset {};
struct Drain {};
struct Succession {};
struct Slice {};  // of what would take too long at once
}  // namespace due

using Timer =
    std::variant<due::Tick, due::CallDeadline, due::CallRetry, due::TurnTimeout, due::TurnBreak, due::ActorRetry,
                 due::EndingAgain, due::IdleAgain, due::InitialReset, due::Drain, due::Succession, due::Slice>;
using Timers = TimerQueue<Timer>;

}  // namespace ringside::core
