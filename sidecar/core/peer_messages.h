// What hosts ask and tell one another, free of any encoding. docs/protocol.md tells when; the wire is proto/.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "sidecar/core/call.h"
#include "sidecar/core/explanation.h"
#include "sidecar/core/hash_ranges.h"
#include "sidecar/core/tokens.h"
#include "sidecar/core/types.h"

namespace ringside::core {

enum class Standing : std::uint8_t { kUnspecified = 0, kInView = 1, kUnknown = 2, kDeclaredDead = 3 };
enum class ReplyStatus : std::uint8_t {
  kUnspecified = 0,
  kOk = 1,
  kDeclaredDead = 2,  // the sender's generation was taken for dead
  kStale = 3,         // addressed to another generation of the receiver
  kUnverified = 4,    // the sender could not be reached back under its name
  kMismatch = 5,      // another cluster, or another number of points
  kHeldUp = 6,        // the receiver cannot join itself: it will ask the sender once it can
  kNoAnswer = 7,      // the sender took a connection, and has not answered in time: it may be busy
};

// Who says so; on every request between Ringside hosts. An empty host: a legacy one.
struct Sender {
  std::string host;
  Generation generation = 0;
  std::string cluster;
  Epoch clock = 0;
  // It spoke from an address that is not that host's, as far as its name tells. Whoever reaches the port may give any
  // name: what such a one says of that host changes nothing, or is looked into by asking the host itself.
  bool from_elsewhere = false;
  // It is that host for certain: its address, its certificate or a number that it was told proves it. What it says of
  // itself is as good as if it had been asked.
  bool proven = false;
  Phase phase = Phase::kUnspecified;  // in which it says that it is; with a ping only
};

struct Claim {
  ActorId id = 0;
  Epoch epoch = 0;
  bool operator==(const Claim&) const = default;
};

// An outcome kept under an idempotency key.
struct Remembered {
  std::string key;
  Outcome outcome = Outcome::kApplied;
  std::string result;
  Fingerprint fingerprint = 0;  // of the request that it answers; 0: not told
  Place leads_to = kNoPlace;    // of that actor's, where the answer is a redirect
};

// An activation that has ended, with what its successor should remember.
struct Ended {
  ActorId id = 0;
  Epoch epoch = 0;
  std::vector<Remembered> remembered;
};

// ---- requests ----
struct PingRequest {};
struct NegotiateRequest {
  std::vector<std::string> hosts;
  std::string cluster;       // empty: a legacy host
  std::uint32_t points = 0;  // 0: a legacy host
};
// Lists of ids may be long, so they are told and heard in slices, between which everything else goes on. Whoever
// carries the answer asks this host for one slice after another: `after` and `as_of` are what the last one said. No
// host says them to another.
inline constexpr std::size_t kMostInSlice = 8192;  // ids
struct IdsRequest {
  ActorId after = 0;              // the list goes on above this id
  InventoryNumber inventory = 0;  // of this host's own question: asked again for the same, it has the same number
};
struct OwnershipRequest {
  std::string host;
  Generation generation = 0;
  std::vector<Claim> claims;
  bool asks = false;  // of the ring owner, for what it does not hold and knows nobody to hold
};
struct LegacyExpiryRequest {
  std::string host;
  std::vector<ActorId> ids;
};
struct ClosingRequest {
  std::string host;
};
struct JoinRequest {
  std::uint32_t points = 0;
  bool routes_only = false;
  Fingerprint names = 0;  // of those that the joiner knows (names_digest.h); 0: they are to be named
};
struct LeaveRequest {};  // "I am going off the ring: look at my phase"
struct InventoryRequest {
  Generation to_generation = 0;
  InventoryNumber number = 0;
  HashRanges ranges;
  ActorId after = 0;  // as in IdsRequest
  GainNumber as_of = 0;
};
struct ProbeRequest {
  std::string host;
};
struct EndedRequest {  // activations that have ended; legacy hosts are told by LegacyExpiryRequest
  std::vector<Ended> ended;
};
// Where is it, and why? As if a call had been forwarded to the host asked.
struct ExplainRequest {
  ActorId id = 0;
  Epoch epoch = 0;         // of the activation that the call would name; 0: none
  std::uint32_t hops = 0;  // how often it would have been forwarded
};
using PeerRequest =
    std::variant<PingRequest, NegotiateRequest, IdsRequest, OwnershipRequest, LegacyExpiryRequest, ClosingRequest,
                 JoinRequest, LeaveRequest, InventoryRequest, ProbeRequest, EndedRequest, ExplainRequest>;

// ---- answers ----
struct PingAnswer {
  std::string host;
  Phase phase = Phase::kUnspecified;
  Generation generation = 0;
  Fingerprint ring = 0;
  std::uint32_t ring_hosts = 0;
  std::uint64_t actors = 0;
  std::uint64_t load = 0;
  std::string cluster;
  std::string version;
  std::string zone;  // empty: not told
  ClockReading clock;
  Standing standing = Standing::kUnspecified;
  bool routes_only = false;
  std::int64_t unix_time = 0;  // seconds
  Fingerprint names = 0;       // of those that it would name in a NegotiateAnswer (names_digest.h); 0: not told
  std::uint32_t points = 0;    // of its own on the ring; 0: not told, and those of weight 1
  bool asks_to_join = false;   // JOINING, and has yet to be taken in by the one that asked
};
struct NegotiateAnswer {
  std::vector<std::string> hosts;
  std::string cluster;
  std::uint32_t points = 0;
};
struct IdsAnswer {
  std::vector<ActorId> ids;
  bool more = false;      // the list goes on in the next answer to the same question
  ActorId upto = 0;       // of this host's own list: all ids up to this one have been told
  std::size_t total = 0;  // about this many ids has the whole list
};
struct Rejected {
  ActorId id = 0;
  std::string holder;
  Epoch epoch = 0;
};
struct AckAnswer {
  bool accepted = false;
  std::string message;
  std::vector<Rejected> rejected;
};
struct JoinAnswer {
  ReplyStatus status = ReplyStatus::kUnspecified;
  Generation generation = 0;
  Phase phase = Phase::kUnspecified;
  bool routes_only = false;
  std::uint32_t points = 0;  // as in PingAnswer
  std::vector<std::string> names;
  bool names_agree = false;  // they are those of the request, and not told again
  std::string detail;
  Generation declared_dead = 0;  // with kDeclaredDead: the next run's generation must be above this
  ClockReading clock;            // above whatever an earlier run of the joiner may have issued
  ClockReading furthest;         // above whatever any member that the answerer knows may have issued
};
struct LeaveAnswer {
  ReplyStatus status = ReplyStatus::kUnspecified;
};
struct InventoryAnswer {
  ReplyStatus status = ReplyStatus::kUnspecified;
  InventoryNumber number = 0;
  std::vector<Claim> claims;
  std::vector<Ended> remembered;  // of activations that ended, and whose successors never began there
  bool more = false;              // as in IdsAnswer
  ActorId upto = 0;
  GainNumber as_of = 0;
};
struct ProbeAnswer {
  bool heard = false;
  Generation generation = 0;
  Duration age{0};  // how long ago it was heard
};
struct EndedAnswer {
  ReplyStatus status = ReplyStatus::kUnspecified;
};
struct ExplainAnswer {
  explicit ExplainAnswer(Explanation says = {}) : explanation(std::make_shared<const Explanation>(std::move(says))) {}
  std::shared_ptr<const Explanation> explanation;  // beside the answer, as it is many times as large as any other
};
// Instead of an answer: what surely or possibly went wrong. "No answer" never means "that host is gone".
struct PeerFailure {
  enum class Kind : std::uint8_t {
    kReset,        // the kernel there says that no process listens, or the connection was reset: worth a look
    kUnreachable,  // could not connect for another reason (route)
    kNotSpoken,    // somebody takes connections there, and does not speak to this host: for want of TLS, perhaps
    kUnresolved,   // the name has no address, or nobody says which
    kLost,         // sent, and then no answer
    kRejected,     // the host answered with an error
    kMismatch,     // the host says that it is of another cluster or ring (FAILED_PRECONDITION)
    kUnserved,     // the host does not know that method (UNIMPLEMENTED)
  };
  Kind kind = Kind::kLost;
  std::string detail;

  // It may not have arrived; otherwise it did, and saying it again would change nothing.
  bool unheard() const {
    return kind == Kind::kReset || kind == Kind::kUnreachable || kind == Kind::kNotSpoken ||
           kind == Kind::kUnresolved || kind == Kind::kLost;
  }
};
using PeerAnswer = std::variant<PingAnswer, NegotiateAnswer, IdsAnswer, AckAnswer, JoinAnswer, LeaveAnswer,
                                InventoryAnswer, ProbeAnswer, EndedAnswer, ExplainAnswer, PeerFailure>;

// Further slices of the same list follow as answers to the same question.
inline bool goes_on(const PeerAnswer& answer) {
  if (const auto* ids = std::get_if<IdsAnswer>(&answer)) return ids->more;
  const auto* inventory = std::get_if<InventoryAnswer>(&answer);
  return inventory != nullptr && inventory->more;
}

}  // namespace ringside::core
