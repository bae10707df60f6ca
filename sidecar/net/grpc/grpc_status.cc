#include "sidecar/net/grpc/grpc_status.h"

#include <algorithm>
#include <array>

#include <nghttp2/nghttp2.h>

#include "sidecar/base/parse.h"

namespace ringside::net {

namespace {

constexpr std::array<std::string_view, 17> kNames = {
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

struct TimeoutUnit {
  char letter;
  std::int64_t nanoseconds;
};
constexpr std::array<TimeoutUnit, 6> kUnits = {TimeoutUnit{'n', 1},  {'u', 1'000},          {'m', 1'000'000},
                                               {'S', 1'000'000'000}, {'M', 60'000'000'000}, {'H', 3'600'000'000'000}};

}  // namespace

std::string_view grpc_status_name(GrpcStatus status) {
  const auto index = static_cast<std::size_t>(status);
  return index < kNames.size() ? kNames[index] : kNames[2];
}

GrpcStatus parse_grpc_status(std::string_view text) {
  const auto code = base::parse_whole<unsigned>(text);
  return code && *code <= 16 ? static_cast<GrpcStatus>(*code) : GrpcStatus::kUnknown;
}

GrpcStatus status_of_http(int http_status) {
  switch (http_status) {
    case 400:
      return GrpcStatus::kInternal;
    case 401:
      return GrpcStatus::kUnauthenticated;
    case 403:
      return GrpcStatus::kPermissionDenied;
    case 404:
      return GrpcStatus::kUnimplemented;
    case 429:
    case 502:
    case 503:
    case 504:
      return GrpcStatus::kUnavailable;
    default:
      return GrpcStatus::kUnknown;
  }
}

GrpcStatus status_of_http2_error(std::uint32_t error_code) {
  switch (error_code) {
    case NGHTTP2_REFUSED_STREAM:
      return GrpcStatus::kUnavailable;
    case NGHTTP2_CANCEL:
      return GrpcStatus::kCancelled;
    case NGHTTP2_ENHANCE_YOUR_CALM:
      return GrpcStatus::kResourceExhausted;
    case NGHTTP2_INADEQUATE_SECURITY:
      return GrpcStatus::kPermissionDenied;
    default:
      return GrpcStatus::kInternal;
  }
}

std::string encode_grpc_message(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte <= 0x7e && c != '%') {
      encoded.push_back(c);
    } else {
      encoded.push_back('%');
      encoded.push_back(kHex[byte >> 4]);
      encoded.push_back(kHex[byte & 15]);
    }
  }
  return encoded;
}

std::string decode_grpc_message(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high >= 0 && low >= 0) {
        decoded.push_back(static_cast<char>(high << 4 | low));
        i += 2;
        continue;
      }
    }
    decoded.push_back(text[i]);
  }
  return decoded;
}

std::optional<std::chrono::nanoseconds> parse_grpc_timeout(std::string_view text) {
  if (text.size() < 2 || text.size() > 9) return std::nullopt;
  std::int64_t count = 0;
  for (const char c : text.substr(0, text.size() - 1)) {
    if (c < '0' || c > '9') return std::nullopt;
    count = count * 10 + (c - '0');
  }
  for (const TimeoutUnit& unit : kUnits) {
    if (unit.letter != text.back()) continue;
    constexpr std::int64_t kMax = std::chrono::nanoseconds(kMaxGrpcTimeout).count();
    return std::chrono::nanoseconds(count > kMax / unit.nanoseconds ? kMax : count * unit.nanoseconds);
  }
  return std::nullopt;
}

std::string format_grpc_timeout(std::chrono::nanoseconds timeout) {
  const std::int64_t left =
      std::clamp<std::int64_t>(timeout.count(), 1, std::chrono::nanoseconds(kMaxGrpcTimeout).count());
  for (const TimeoutUnit& unit : kUnits) {
    const std::int64_t count = (left + unit.nanoseconds - 1) / unit.nanoseconds;
    if (count <= 99'999'999) return std::to_string(count) + unit.letter;
  }
  return "99999999H";
}

}  // namespace ringside::net
