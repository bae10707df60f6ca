// Compressed gRPC messages: what our clients take, and how it is unpacked.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ringside::net {

// What our clients take, as grpc-accept-encoding says it (grpc/doc/compression.md).
inline constexpr const char* kAcceptedEncodings = "identity,deflate,gzip";

enum class Inflated {
  kDone,
  kTooBig,     // more than allowed: not a byte more is unpacked; `message` is as much as is allowed
  kMalformed,  // no such stream, or it ends too soon; `message` is what there was
  kUnknownEncoding,
};

// Unpacks one message that is compressed as `encoding` says ("gzip", "deflate"): at most `max` bytes, and memory for
// no more than that, whatever it claims to hold.
Inflated inflate_message(std::string_view encoding, std::string_view packed, std::size_t max, std::string& message);

}  // namespace ringside::net
