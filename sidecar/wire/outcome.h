// Outcomes on the wire: `ringside-outcome` and its companions as gRPC trailers or HTTP headers.
//
// A gRPC status alone promises nothing, since client libraries make some of them by themselves after sending; the
// promise travels in these trailers, and a status without them counts as unknown (docs/protocol.md).
#pragma once

#include <string>
#include <string_view>

#include "sidecar/core/call.h"
#include "sidecar/net/grpc/grpc_status.h"
#include "sidecar/net/grpc/method_table.h"
#include "sidecar/net/metadata.h"

namespace ringside::wire {

inline constexpr std::string_view kOutcomeHeader = "ringside-outcome";
inline constexpr std::string_view kReasonHeader = "ringside-reason";
inline constexpr std::string_view kOwnerHeader = "ringside-owner";
inline constexpr std::string_view kHopsHeader = "ringside-hops";
inline constexpr std::string_view kTargetHeader = "ringside-target";
inline constexpr std::string_view kSourceHeader = "ringside-source";
inline constexpr std::string_view kPhaseHeader = "ringside-phase";
inline constexpr std::string_view kProofHeader = "ringside-proof";
inline constexpr std::string_view kProofOfHeader = "ringside-proof-of";
inline constexpr std::string_view kPeerTlsHeader = "ringside-peer-tls";  // what the sender's --peer-tls is
inline constexpr std::string_view kIdempotencyKeyHeader = "idempotency-key";
inline constexpr std::string_view kIdempotentHeader = "ringside-idempotent";
inline constexpr std::string_view kActorNameHeader = "ringside-actor-name-bin";
inline constexpr std::string_view kChainHeader = "ringside-chain";
inline constexpr std::string_view kDeactivateHeader = "ringside-deactivate";
inline constexpr std::string_view kHalfCloseHeader = "ringside-half-close";
inline constexpr std::string_view kReplayedHeader = "idempotency-replayed";
inline constexpr std::string_view kRetryAfterHeader = "ringside-retry-after-ms";
// gRPC, of what was refused: the sentence that otherwise stands in the status, which is OK there. In base64, UTF-8.
inline constexpr std::string_view kDetailHeader = "ringside-detail-bin";

net::GrpcStatus grpc_status(const core::Answer& answer);
int http_status(const core::Answer& answer);  // of everything but a method call's own answer

// Outcome, reason (unless applied), owner; for a caller that may repeat, RetryInfo as gRPC clients read it.
net::Metadata grpc_trailers(const core::Answer& answer);
net::Metadata http_headers(const core::Answer& answer);

// What a refusal that our HTTP/2 server makes by itself means.
core::Answer server_refusal(net::Refusal why);

// The sentence that goes with a refusal: the detail, or one made from the reason.
std::string message(const core::Answer& answer);

// Reads back what grpc_trailers() wrote, on a leg between hosts. `status`, `body`: of the call.
core::Answer read_answer(net::GrpcStatus status, const std::string& status_message, const net::Metadata& trailers,
                         std::string body);

// Nothing happened, and it may later: the caller is told when to repeat.
bool repeatable(core::Outcome outcome);

// How long a caller should wait before it repeats, where nothing better is known.
core::Duration retry_after(const core::Answer& answer);

}  // namespace ringside::wire
