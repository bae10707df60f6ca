// What a caller says beside its batch, in HTTP headers or gRPC metadata: deadline, idempotency, trace context.
#pragma once

#include <optional>
#include <string_view>

#include "sidecar/base/result.h"
#include "sidecar/core/call.h"
#include "sidecar/net/metadata.h"

namespace ringside::wire {

inline constexpr std::string_view kTimeoutHeader = "ringside-timeout";
inline constexpr std::string_view kTraceparentHeader = "traceparent";
inline constexpr std::string_view kTracestateHeader = "tracestate";
inline constexpr std::size_t kMaxIdempotencyKey = 256;  // bytes

struct TimeoutLimits {
  core::Duration fallback{};  // --default-timeout: for callers that name none
  core::Duration longest{};   // --max-timeout: longer ones are shortened to this
};

// HTTP: `ringside-timeout` is a duration with a unit ("500ms", "30s"), above zero, at most 10,000 hours. Gives
// the call back with its deadline, idempotent, idempotency_key, fingerprint and place (of its request, which is set
// already), chain, traceparent and tracestate. A trace context that is not well-formed is dropped (W3C Trace Context
// §4), and so is one that is not ASCII. The error is the answer for the caller (bad-deadline, malformed).
base::Result<core::Call, core::Answer> read_http_call(const net::Metadata& headers, const TimeoutLimits& limits,
                                                      core::Instant now, core::Call call);

// gRPC: the same, with the deadline of the call itself (nothing: none; not above zero: it has passed, outcome expired),
// and a check of the actor's name that another host sends along (bad-id).
base::Result<core::Call, core::Answer> read_grpc_call(const net::Metadata& metadata,
                                                      std::optional<core::Duration> time_left,
                                                      const TimeoutLimits& limits, core::Instant now, core::Call call);

}  // namespace ringside::wire
