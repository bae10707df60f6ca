// What a node keeps of the things that are under way.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "sidecar/core/call.h"
#include "sidecar/core/membership/member.h"
#include "sidecar/core/timer_queue.h"

namespace ringside::core {

enum class CallStage : std::uint8_t { kRouting, kLane, kWaiting, kAside, kForwarding, kQueued, kTurn };
enum class NodeDue : std::uint8_t {
  kTick,
  kCall,
  kRetry,
  kTurn,
  kActorRetry,
  kEnding,
  kIdleAgain,
  kCleanSlate,
  kBreak,
  kDrain,
  kSettle
};
struct NodeTimer {
  NodeDue due;
  std::uint64_t key;
};
using NodeTimers = TimerQueue<NodeTimer>;

struct PendingCall {
  CallPtr call;
  CallStage stage = CallStage::kRouting;
  Token under_way = 0;  // the turn or the forward
  NodeTimers::Handle deadline = NodeTimers::kNone;
  NodeTimers::Handle retry = NodeTimers::kNone;
  Instant held_until = kNever;
  std::uint32_t attempts = 0;
  bool counted = false;   // in the share of its actor's line
  bool maybe = false;     // one of them may have been carried out: no later answer can say that it surely was not
  std::string last_host;  // to which it was sent last
  Answer last;            // why it could not be delivered so far
};
struct TurnUnderWay {
  ActorId actor = 0;
  Token call = 0;  // 0: the caller has heard already
  Instant began;
  NodeTimers::Handle timeout = NodeTimers::kNone;
  std::string idempotency_key;  // under which the answer is kept
  std::uint64_t fingerprint = 0;
  std::string link;  // of this turn, in the chains of the calls that it makes
};
struct ForwardUnderWay {
  Token call = 0;
  std::string host;
  Epoch epoch = 0;
  bool legacy = false;
  bool legacy_bounce = false;
  Instant began;
};
// Names a line of local calls that are routed one after another: those of one id; calls that turns make of the same id
// have lines of their own, by their chain, since what waits in front of them may wait for them.
using LaneId = std::uint64_t;
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
// What a legacy host with a DNS name is said to hold, or to hold no more: not believed before it has said so itself.
struct Hearsay {
  Token token;  // of whoever says it
  bool expiry = false;
  std::vector<Claim> claims;
};
struct AskingBack {
  std::vector<Hearsay> asked;  // came before the question that is under way
  std::vector<Hearsay> later;
};
// An activation that ended with answers that its successor must know.
struct HandingOver {
  Epoch epoch = 0;
  std::set<std::string> took;     // the heirs that know them
  std::set<std::string> refused;  // those that take another for the heir, which counts while this host does so too
};
// An id of another host's range that this one is to hold, once its ring owner grants it.
struct Adoption {
  Epoch epoch = 0;
  bool granted = false;
};
struct Route {
  enum class Kind : std::uint8_t { kHere, kClaim, kAdopt, kForward, kWait, kFail } kind;
  Reason reason = Reason::kNone;
  const Member* member = nullptr;
  Epoch epoch = 0;
};

}  // namespace ringside::core
