// Turns and their results on the app's gRPC contract (proto/ringside/app/v1/app.proto). No I/O.
//
// The messages of a batch are copied as bytes from one field number to another, never decoded.
#pragma once

#include <string>

#include <ringside/app/v1/app.pb.h>

#include "sidecar/core/effects.h"
#include "sidecar/net/grpc_channel.h"

namespace ringside::adapters {

// A serialized ringside.app.v1.Turn.
std::string encode_turn(const core::StartTurn& turn, std::uint64_t seq, core::Duration time_left);

// Appends it to a serialized TurnFrame (field `turns`).
void append_turn(std::string& frame, const std::string& turn);

core::Answer read_turn_result(app::v1::TurnResult& result);
// Of a unary call: ActorHost.Apply, or the given ControlPlane/Apply.
core::Answer read_unary(net::CallResult result, bool control_plane);

}  // namespace ringside::adapters
