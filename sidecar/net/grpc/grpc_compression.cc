#include "sidecar/net/grpc/grpc_compression.h"

#include <algorithm>
#include <array>

#include <zlib.h>

namespace ringside::net {

namespace {

constexpr std::size_t kPiece = std::size_t{16} * 1024;
constexpr int kLargestWindow = 15;
constexpr int kGzip = 16;  // added to the window: a gzip header, where there would be a zlib one

// zlib's state of one stream.
class Inflater {
 public:
  explicit Inflater(int window) : ready_(inflateInit2(&stream_, window) == Z_OK) {}
  ~Inflater() {
    if (ready_) inflateEnd(&stream_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  bool ready() const { return ready_; }
  z_stream* operator->() { return &stream_; }
  int step() { return inflate(&stream_, Z_NO_FLUSH); }

 private:
  z_stream stream_{};
  bool ready_;
};

}  // namespace

Unpacked inflate_message(std::string_view encoding, std::string_view packed, std::size_t max) {
  const bool gzip = encoding == "gzip";
  if (!gzip && encoding != "deflate") return {Inflated::kUnknownEncoding, {}};
  Unpacked out;
  Inflater stream(kLargestWindow + (gzip ? kGzip : 0));
  if (!stream.ready()) return out;
  stream->next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream->avail_in = static_cast<uInt>(packed.size());
  std::array<char, kPiece> piece;
  for (;;) {
    stream->next_out = reinterpret_cast<Bytef*>(piece.data());
    stream->avail_out = static_cast<uInt>(piece.size());
    const int status = stream.step();
    const std::size_t got = piece.size() - stream->avail_out;
    if (got > max - out.message.size()) {
      out.message.append(piece.data(), max - out.message.size());
      out.outcome = Inflated::kTooBig;
      return out;
    }
    out.message.append(piece.data(), got);
    if (status == Z_STREAM_END) {
      if (stream->avail_in == 0) out.outcome = Inflated::kDone;
      return out;
    }
    if (status != Z_OK) return out;  // Z_BUF_ERROR: it ends too soon
  }
}

}  // namespace ringside::net
