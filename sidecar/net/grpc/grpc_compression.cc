#include "sidecar/net/grpc/grpc_compression.h"

#include <algorithm>
#include <array>

#include <zlib.h>

namespace ringside::net {

namespace {

constexpr std::size_t kPiece = std::size_t{16} * 1024;
constexpr int kLargestWindow = 15;
constexpr int kGzip = 16;  // added to the window: a gzip header, where there would be a zlib one

}  // namespace

Inflated inflate_message(std::string_view encoding, std::string_view packed, std::size_t max, std::string& message) {
  message.clear();
  const bool gzip = encoding == "gzip";
  if (!gzip && encoding != "deflate") return Inflated::kUnknownEncoding;
  z_stream stream{};
  if (inflateInit2(&stream, kLargestWindow + (gzip ? kGzip : 0)) != Z_OK) return Inflated::kMalformed;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::array<char, kPiece> piece;
  Inflated result = Inflated::kMalformed;
  for (;;) {
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = static_cast<uInt>(piece.size());
    const int status = inflate(&stream, Z_NO_FLUSH);
    const std::size_t got = piece.size() - stream.avail_out;
    if (got > max - message.size()) {
      message.append(piece.data(), max - message.size());
      result = Inflated::kTooBig;
      break;
    }
    message.append(piece.data(), got);
    if (status == Z_STREAM_END) {
      if (stream.avail_in == 0) result = Inflated::kDone;
      break;
    }
    if (status != Z_OK) break;  // Z_BUF_ERROR: it ends too soon
  }
  inflateEnd(&stream);
  return result;
}

}  // namespace ringside::net
