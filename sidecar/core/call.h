// One Apply on its way through a host, and its answer.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "sidecar/base/check.h"
#include "sidecar/core/hash.h"
#include "sidecar/core/outcome.h"
#include "sidecar/core/tokens.h"
#include "sidecar/core/types.h"

namespace ringside::core {

enum class Origin : std::uint8_t { kLocal, kPeer };

// Whom a forwarded call is meant for. A host that is not that answers not-delivered: addresses are soon used again.
struct Target {
  std::string host;
  Generation generation = 0;
  std::string cluster;
  Epoch epoch = 0;  // not 0: this very activation, or "not mine"; the named holder does not route on
};

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;  // names in lower case

// An HTTP request to one actor. Within a process it is passed on as it is: `POST /v1/actors/42/method/add` of a local
// caller is written to the app as `POST /actors/42/method/add`. Only to another host, or to an app that speaks batches,
// does it go as a batch of one message (wire/method_call.h).
struct MethodCall {
  std::string method;
  std::string path;     // what follows /actors/{id}/method/, normalized
  std::string query;    // without its question mark
  HttpHeaders headers;  // those that go from end to end
  std::string body;
  std::size_t batch_size = 0;  // of that batch: what the call counts for where bytes are limited
};

// What is asked of the app: a batch (a serialized messages.ApplyRequest, already validated), or a method call. The core
// looks into neither.
using Request = std::variant<std::string, std::shared_ptr<const MethodCall>>;

inline std::size_t size_of(const Request& request) {
  const auto* batch = std::get_if<std::string>(&request);
  return batch != nullptr ? batch->size() : std::get<1>(request)->batch_size;
}

// What an app that speaks HTTP has answered to a method call.
struct HttpAnswer {
  int status = 200;
  HttpHeaders headers;
  std::string body;
};

struct Call {
  // Whether a turn is wanted, or that the activation ends (an operator's wish, which activates nothing).
  enum class Kind : std::uint8_t { kApply, kDeactivate };

  ActorId id = 0;
  Kind kind = Kind::kApply;
  Origin origin = Origin::kLocal;
  Request request;
  Instant deadline;         // always set: a caller without one gets --default-timeout
  bool idempotent = false;  // the caller allows repeats of what may have happened
  std::string idempotency_key;
  std::string actor_name;  // where the caller named the actor by text
  std::string traceparent;
  std::string tracestate;
  std::string chain;  // `ringside-chain`: the turns that wait for this call, outermost first; empty: none is known
  // What is asked, where there is an idempotency key: a repeat asks for the same.
  Fingerprint fingerprint = 0;
  Place place = kNoPlace;
  std::optional<std::uint32_t> hops;  // how often it was forwarded; nothing: from a caller, or from a legacy host
  std::optional<Target> target;

  // What the call weighs against --queue-bytes.
  std::size_t weight() const {
    return sizeof(Call) + size_of(request) + idempotency_key.size() + actor_name.size() + tracestate.size() +
           chain.size();
  }
};
using CallPtr = std::shared_ptr<const Call>;

// The actor as the caller calls it: by its text, where it gave one.
inline std::string called(const Call& call) {
  return call.actor_name.empty() ? to_string(call.id) : "name:" + call.actor_name;
}

struct Answer {
  Outcome outcome = Outcome::kUnknown;
  Reason reason = Reason::kNone;
  std::string detail;  // one sentence for a person; may be empty
  // A serialized messages.ApplyResult, which may be empty; or the app's answer to a method call over HTTP, where the
  // call has no idempotency key: what is kept for repeats is kept as bytes.
  std::variant<std::string, HttpAnswer> result;
  std::string holder;       // the host that holds the actor, as far as is known
  Duration retry_after{0};  // a hint, where the outcome allows a repeat
  bool deactivate = false;  // the app wants its activation to end after this turn
  // Where the call has an idempotency key:
  bool replayed = false;      // it is the answer to an earlier call with that key
  bool passing = false;       // the app said "not now" (429, 5xx): a repeat asks it again
  Place leads_to = kNoPlace;  // the app redirects to there

  const std::string& serialized() const {
    RINGSIDE_CHECK(std::holds_alternative<std::string>(result));
    return std::get<std::string>(result);
  }

  static Answer failed(Outcome outcome, Reason reason, std::string detail = {}) {
    Answer answer;
    answer.outcome = outcome;
    answer.reason = reason;
    answer.detail = std::move(detail);
    return answer;
  }
};

// Nobody knows whether it happened, and another attempt may tell. What the app has answered it would answer again.
inline bool is_worth_a_repeat(const Answer& answer) {
  return answer.outcome == Outcome::kUnknown && answer.reason != Reason::kAppTooLarge &&
         answer.reason != Reason::kAppGarbage;
}

}  // namespace ringside::core
