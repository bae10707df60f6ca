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
  kTooBig,     // more than allowed: not a byte more is unpacked; the message is as much as is allowed
  kMalformed,  // no such stream, or it ends too soon; the message is what there was
  kUnknownEncoding,
};

struct Unpacked {
  Inflated outcome = Inflated::kMalformed;
  std::string message;
};

// Unpacks one message that is compressed as `encoding` says ("gzip", "deflate"): at most `max` bytes, and memory for
// no more than that, whatever it claims to hold.
Unpacked inflate_message(std::string_view encoding, std::string_view packed, std::size_t max);

}  // namespace ringside::net
