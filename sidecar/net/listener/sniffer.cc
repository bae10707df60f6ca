#include "sidecar/net/listener/sniffer.h"

#include <algorithm>
#include <array>
#include <utility>

#include <boost/asio/error.hpp>
#include <nghttp2/nghttp2.h>

namespace ringside::net {

namespace {

constexpr std::string_view kPreface(NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN);
constexpr std::size_t kReadAtOnce = 4096;
// A client that has sent more than we read would see a reset instead of our words, so what it sends is read away.
constexpr std::chrono::milliseconds kFarewell{1'000};

}  // namespace

Sniffer::Sniffer(Loop& loop, Transport transport, std::chrono::milliseconds timeout, Decided decided,
                 ConnectionEnd on_end)
    : EarlyConnection(loop, std::move(transport), std::move(on_end)), timeout_(timeout), decided_(std::move(decided)) {}

void Sniffer::start() {
  arm(timeout_);
  wait_readable();
}

void Sniffer::on_readable() {
  std::array<char, kReadAtOnce> input;
  error_code ec;
  const std::size_t got = transport().read_some(input.data(), input.size(), ec);
  if (ec == boost::asio::error::would_block) return wait_readable();
  if (ec) return close_now();
  read_.append(input.data(), got);
  const std::size_t size = std::min(read_.size(), kPreface.size());
  const bool like_http2 = std::string_view(read_).substr(0, size) == kPreface.substr(0, size);
  if (like_http2 && size < kPreface.size()) return wait_readable();
  hand_over();
  decided_(std::move(transport()), like_http2, read_);
}

FarewellConnection::FarewellConnection(Loop& loop, Transport transport, ConnectionEnd on_end)
    : EarlyConnection(loop, std::move(transport), std::move(on_end)) {}

void FarewellConnection::start(std::string_view words) {
  error_code ec;
  transport().write_some(words.data(), words.size(), ec);
  transport().shutdown_write();
  arm(kFarewell);
  wait_readable();
}

void FarewellConnection::on_readable() {
  std::array<char, kReadAtOnce> unwanted;
  error_code ec;
  transport().read_some(unwanted.data(), unwanted.size(), ec);
  if (ec && ec != boost::asio::error::would_block) return close_now();
  wait_readable();
}

}  // namespace ringside::net
