// What a node keeps of the things that are under way.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "sidecar/core/call.h"
#include "sidecar/core/membership/member.h"
#include "sidecar/core/timer_queue.h"

namespace ringside::core {

// What a node's timers are for: each kind names what it is about.
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
struct Settle {};
}  // namespace due
using NodeTimer =
    std::variant<due::Tick, due::CallDeadline, due::CallRetry, due::TurnTimeout, due::TurnBreak, due::ActorRetry,
                 due::EndingAgain, due::IdleAgain, due::InitialReset, due::Drain, due::Settle>;
using NodeTimers = TimerQueue<NodeTimer>;

inline constexpr std::uint64_t kUnasked = ~std::uint64_t{0};

struct NodeQuestion {
  enum class About : std::uint8_t { kInventory, kAnnouncement, kExpiry, kHandOver, kAskBack, kAdoption } about;
  std::string host;
  Generation generation = 0;
  std::uint64_t inventory = 0;  // its number; kUnasked: ids beside any inventory
  std::vector<Claim> claims;
};
// What is to be said to a legacy host, until it has answered.
struct LegacyNews {
  bool ask_ids = false;
  std::set<ActorId> doubted;  // it may hold them no more
  std::vector<Claim> claims;  // of this host
};
}  // namespace ringside::core
