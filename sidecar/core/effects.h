// What the core wants done. The node fills a list of these at every event; the runtime carries them out, in order, and
// reports what came of them by the events of node.h. Whatever the program can do to the outside world is on this page.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "sidecar/core/call.h"
#include "sidecar/core/deactivation.h"
#include "sidecar/core/explanation.h"
#include "sidecar/core/host_event.h"
#include "sidecar/core/level.h"
#include "sidecar/core/peer_messages.h"

namespace ringside::core {

// ---- to other hosts ----
// Ask another host. Reported back once by Node::peer_answered, with PeerFailure after `timeout` at the latest.
struct AskPeer {
  QuestionId token;
  std::string host;
  PeerRequest request;
  Duration timeout;
};
// Answer what another host asked (the token came with it).
struct AnswerPeer {
  ReplyId token;
  PeerAnswer answer;
};
// The owner's own word on a deadline is better than this host's guess: so long the core waits for it after the
// deadline. Whoever carries out a ForwardCall waits longer.
inline constexpr Duration kAnswerGrace{50'000};

// Send a call to its owner. Reported back once by Node::forward_answered.
struct ForwardCall {
  ForwardId token;
  std::string host;
  bool legacy = false;  // gets the given protocol only: no target, no hops
  Target target;
  std::uint32_t hops = 0;
  CallPtr call;
};
// The answer is not wanted any more (its host is gone, or the deadline has passed). Nothing is reported back.
struct AbandonForward {
  ForwardId token;
};

// Taken for dead by its silence: what is still queued for it must not arrive once it is heard again, since
// its callers have been told `unknown` by then. Answers that are still awaited fail.
struct DropPeerQueue {
  std::string host;
};

// ---- to the application ----
// One turn. Reported back once by Node::turn_ended.
struct StartTurn {
  TurnId token;
  Epoch epoch;
  CallPtr call;
  std::string chain;  // for `ringside-chain`: the turns that wait for this one, and this one
};
// The turn took too long: close its connection, then report it by Node::turn_ended.
struct BreakTurn {
  TurnId token;
};
// Forget this actor: asked once. Reported back once by Node::deactivated, unless the activations have ended meanwhile.
struct DeactivateActor {
  DeactivationId token;
  Claim actor;
  std::string name;  // where a caller named it by text
  Deactivation why;
};
// Forget whatever is left of an earlier run. It is reported back as well.
struct DeactivateAll {
  DeactivationId token;
};

// ---- to callers ----
struct FinishCall {
  CallId token;
  Answer answer;
};

// ---- to discovery, operators ----
// What Node::explain has asked for. Beside the effect, as it is many times as large as any other.
struct TellExplanation {
  ExplainId token;
  std::shared_ptr<Explained> explained;
};
struct ReadDiscovery {};  // reported back by Node::discovered
struct ViewChanged {};    // members, phases or ring: for watchers
struct DrainDone {};

struct LogLine {
  Level level;
  std::string event;
  std::vector<std::pair<std::string, std::string>> fields;
};

// Beside these: HostEvent, what is to be kept for those who ask what has happened (host_event.h).
using Effect =
    std::variant<AskPeer, AnswerPeer, ForwardCall, AbandonForward, DropPeerQueue, StartTurn, BreakTurn, DeactivateActor,
                 DeactivateAll, FinishCall, TellExplanation, ReadDiscovery, ViewChanged, DrainDone, LogLine, HostEvent>;
using Effects = std::vector<Effect>;

}  // namespace ringside::core
