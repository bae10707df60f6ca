// Turns and their results on the app's gRPC contract (proto/ringside/app/v1/app.proto). No I/O.
//
// The messages of a batch are copied as bytes from one field number to another, never decoded.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ringside/app/v1/app.pb.h>

#include "sidecar/base/number.h"
#include "sidecar/core/deactivation.h"
#include "sidecar/core/effects.h"
#include "sidecar/net/grpc/grpc_channel.h"

namespace ringside::adapters {

// Of a turn or a deactivation on its stream: by it the app says which one it answers. They begin with 1.
using SequenceNumber = base::Number<struct SequenceTag>;

// A serialized ringside.app.v1.Turn.
std::string encode_turn(const core::StartTurn& turn, SequenceNumber seq, core::Duration time_left);

// Appends it to a serialized TurnFrame (field `turns`).
void append_turn(std::string& frame, const std::string& turn);

// A ResultFrame, taken apart so that what is wrong with one of its results does not concern the others.
struct ReadFrame {
  std::vector<app::v1::TurnResult> results;
  std::vector<app::v1::Deactivated> deactivated;
  struct TooLarge {
    SequenceNumber seq;
    std::size_t size;
  };
  std::vector<TooLarge> too_large;
  std::vector<SequenceNumber> garbled;  // results that cannot be read: their numbers, as far as they can, else 0
};
// Nothing: it is not a ResultFrame at all. A result of more than `max_result` bytes is not decoded.
std::optional<ReadFrame> read_result_frame(const std::string& bytes, std::size_t max_result);

// The result that a ResultFrame begins with, of which no more than the first bytes are there.
struct FirstResult {
  SequenceNumber seq;
  std::size_t size = 0;
  std::size_t end = 0;  // where the frame goes on behind it, or ends
};
// Nothing: it begins with something else, or the result with something else than its sequence number.
std::optional<FirstResult> read_first_result(std::string_view beginning);

core::Answer too_large_answer(std::size_t size, std::size_t max_result);

app::v1::Deactivate deactivate_message(const core::DeactivateActor& end);
// What the app said of the one actor (0: of all) that it was asked about.
core::Deactivated read_deactivated(const app::v1::Deactivated& said, core::ActorId actor);
// The same of ActorHost.Deactivate.
core::Deactivated read_unary_deactivated(const net::CallResult& result, core::ActorId actor);

core::Answer read_turn_result(app::v1::TurnResult& result);
// Of a unary call: ActorHost.Apply, or the given ControlPlane/Apply.
core::Answer read_unary(net::CallResult result, bool control_plane);

}  // namespace ringside::adapters
