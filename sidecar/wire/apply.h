// Batches in protobuf: checked once where they come in, and from then on carried as bytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "sidecar/base/result.h"
#include "sidecar/core/call.h"
#include "sidecar/net/grpc/method_table.h"

namespace ringside::wire {

inline constexpr std::size_t kMaxMessagesPerBatch = 10'000;

// A batch has at least one message, unless it comes with the wish to deactivate.
enum class Messages { kNeeded, kNotNeeded };
// Reads a serialized messages.ApplyRequest, without decoding what its messages hold; of a method call only the body
// counts against `max_bytes`, with kMaxMethodEnvelope for the rest. Yields the actor's id; the error is the answer for
// the caller (outcome invalid).
base::Result<core::ActorId, core::Answer> check_apply(std::string_view request, std::size_t max_bytes,
                                                      Messages messages = Messages::kNeeded);

// What a method call may weigh, by the same measure. An error: the answer for the caller (too-large).
base::Result<void, core::Answer> check_size(const core::MethodCall& call, std::size_t max_bytes);

// The same for a batch whose address names the actor: a batch that names none gets its id, one that names another is
// refused. Yields the batch.
base::Result<std::string, core::Answer> check_apply_to(core::ActorId id, std::string request, std::size_t max_bytes);

// A batch of that actor without a message: what goes to another host where no turn is wanted.
std::string write_empty_apply(core::ActorId id);

// The serialized messages.ApplyResult that came with an answer; empty: there is none.
std::string result_bytes(core::Answer answer);
// That of an answer that the app has given (applied or refused), which is never missing.
std::string apply_result(core::Answer answer);

// Ends a messages.ControlPlane/Apply with that answer: reply or status, and the outcome's trailers.
void finish_apply(net::ServerCall& call, core::Answer answer);

}  // namespace ringside::wire
