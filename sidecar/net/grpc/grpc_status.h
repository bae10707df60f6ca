// gRPC's status codes, and the headers grpc-status, grpc-message and grpc-timeout as text.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ringside::net {

// gRPC's codes (grpc/doc/statuscodes.md).
enum class GrpcStatus : int {
  kOk = 0,
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16,
};

// "UNAVAILABLE" and so on.
std::string_view grpc_status_name(GrpcStatus status);
// The grpc-status header; kUnknown for what is not a known code.
GrpcStatus parse_grpc_status(std::string_view text);
// What a client makes of an answer without grpc-status (grpc/doc/http-grpc-status-mapping.md).
GrpcStatus status_of_http(int http_status);
// What a client makes of RST_STREAM (grpc/doc/PROTOCOL-HTTP2.md, "Errors").
GrpcStatus status_of_http2_error(std::uint32_t error_code);

// The grpc-message header: everything but printable ASCII, and '%', as %XX. Wrong escapes are kept as they
// are.
std::string encode_grpc_message(std::string_view text);
std::string decode_grpc_message(std::string_view text);

// Longer timeouts than this are taken as this, so that a deadline never overflows.
inline constexpr std::chrono::hours kMaxGrpcTimeout{24 * 366};

// grpc-timeout: 1 to 8 digits and a unit of "HMSmun". Nothing when malformed.
std::optional<std::chrono::nanoseconds> parse_grpc_timeout(std::string_view text);
// The finest unit that fits 8 digits, rounded up; "1n" where nothing is left.
std::string format_grpc_timeout(std::chrono::nanoseconds timeout);

}  // namespace ringside::net
