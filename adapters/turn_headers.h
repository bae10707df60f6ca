// What a turn carries beside its batch, as HTTP headers and as gRPC metadata (docs/app-contract.md). No I/O.
#pragma once

#include <string>

#include "sidecar/core/effects.h"
#include "sidecar/net/metadata.h"
#include "sidecar/net/transport.h"

namespace ringside::adapters {

// What is left of the caller's deadline.
inline constexpr const char* kTimeLeftHeader = "ringside-timeout";

// All but the time left, which is only known when the turn is sent.
void add_turn_headers(const core::StartTurn& turn, net::Metadata& headers);

// What a deactivation carries.
void add_deactivation_headers(const core::DeactivateActor& end, net::Metadata& headers);

// A turn that has not begun to be sent by then is not sent any more: a moment before its caller's deadline, so that the
// caller hears that for certain nothing has happened.
net::Clock::time_point latest_begin(const core::StartTurn& turn);

core::Duration time_left(const core::StartTurn& turn);
std::string time_left_text(const core::StartTurn& turn);

}  // namespace ringside::adapters
