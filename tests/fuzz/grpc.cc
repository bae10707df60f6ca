// gRPC's messages within a stream of bytes, compressed ones included, and the frames of apps that speak gRPC.
#include <string>
#include <vector>

#include "adapters/grpc/turn_codec.h"
#include "sidecar/base/check.h"
#include "sidecar/net/grpc/grpc_compression.h"
#include "sidecar/net/grpc/grpc_framing.h"
#include "tests/fuzz/target.h"

namespace ringside::fuzz {
namespace {

constexpr std::size_t kMost = 2000;  // of a message; the beginning of one that is skipped is shorter

struct Read {
  net::GrpcMessageReader::Error error{};
  std::vector<std::string> messages;
  bool whole = false;
  bool operator==(const Read&) const = default;
};

Read read(std::string_view bytes, std::size_t piece, bool skip) {
  net::GrpcMessageReader reader(kMost, true);
  if (skip) reader.skip_too_big();
  Read read;
  for (std::size_t at = 0; at < bytes.size() && read.error == net::GrpcMessageReader::Error::kNone; at += piece) {
    read.error = reader.feed(bytes.substr(at, piece), [&](std::string message) {
      RINGSIDE_CHECK(message.size() <= kMost);
      if (reader.compressed() && !reader.too_big()) {
        RINGSIDE_CHECK(net::inflate_message("gzip", message, kMost).message.size() <= kMost);
      }
      read.messages.push_back(std::move(message));
    });
  }
  read.whole = reader.at_boundary();
  return read;
}

}  // namespace

void grpc_framing(std::string_view input) {
  Input choices(input);
  const std::uint8_t choice = choices.byte();
  const bool skip = choice >= 128;
  const std::string_view bytes = choices.rest();
  RINGSIDE_CHECK(read(bytes, bytes.size() + 1, skip) == read(bytes, choice % 128 + std::size_t{1}, skip));
  for (const char* encoding : {"gzip", "deflate"}) {
    RINGSIDE_CHECK(net::inflate_message(encoding, bytes, kMost).message.size() <= kMost);
  }
}

void app_frames(std::string_view input) {
  const std::string bytes(input);
  if (const auto first = adapters::read_first_result(input)) RINGSIDE_CHECK(first->end >= first->size);
  if (auto frame = adapters::read_result_frame(bytes, kMost)) {
    for (auto& result : frame->results) adapters::read_turn_result(result);
    for (const auto& said : frame->deactivated) adapters::read_deactivated(said, core::ActorId(42));
    for (const auto& large : frame->too_large) RINGSIDE_CHECK(large.size > kMost && large.size <= bytes.size());
  }
  for (const bool control_plane : {false, true}) {
    net::CallResult result;
    result.status = net::GrpcStatus::kOk;
    result.from_server = true;
    result.body = bytes;
    adapters::read_unary(result, control_plane);
    adapters::read_unary_deactivated(result, core::ActorId(42));
  }
}

}  // namespace ringside::fuzz
