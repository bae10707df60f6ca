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
constexpr std::chrono::milliseconds kDrainAllowance{200};
// A client that has sent more than we read would see a reset instead of our words, so what it sends is read away.
constexpr std::chrono::milliseconds kFarewell{1'000};

}  // namespace

Sniffer::Sniffer(Loop& loop, Transport transport, std::chrono::milliseconds timeout, Decided decided,
                 ConnectionEnd on_end)
    : transport_(std::move(transport)),
      timeout_(timeout),
      decided_(std::move(decided)),
      on_end_(std::move(on_end)),
      timer_(loop) {}

void Sniffer::start() {
  arm(timeout_);
  wait_readable();
}

void Sniffer::drain() { arm(kDrainAllowance); }

void Sniffer::arm(std::chrono::milliseconds after) {
  timer_.expires_after(after);
  timer_.async_wait([weak = weak_from_this()](error_code ec) {
    const auto self = weak.lock();
    if (!ec && self) self->close_now();
  });
}

void Sniffer::wait_readable() {
  transport_.wait_readable([self = shared_from_this()](error_code ec) {
    if (!ec && !self->over_) self->on_readable();
  });
}

void Sniffer::on_readable() {
  std::array<char, kReadAtOnce> input;
  error_code ec;
  const std::size_t got = transport_.read_some(input.data(), input.size(), ec);
  if (ec == boost::asio::error::would_block) return wait_readable();
  if (ec) return close_now();
  read_.append(input.data(), got);
  const std::size_t size = std::min(read_.size(), kPreface.size());
  const bool like_http2 = std::string_view(read_).substr(0, size) == kPreface.substr(0, size);
  if (like_http2 && size < kPreface.size()) return wait_readable();
  over_ = true;
  timer_.cancel();
  decided_(std::move(transport_), like_http2, read_);
}

void Sniffer::close_now() {
  if (std::exchange(over_, true)) return;
  const auto keep = shared_from_this();
  timer_.cancel();
  transport_.close();
  on_end_("");
}

FarewellConnection::FarewellConnection(Loop& loop, Transport transport, ConnectionEnd on_end)
    : transport_(std::move(transport)), on_end_(std::move(on_end)), timer_(loop) {}

void FarewellConnection::start(std::string_view words) {
  error_code ec;
  transport_.write_some(words.data(), words.size(), ec);
  transport_.shutdown_write();
  timer_.expires_after(kFarewell);
  timer_.async_wait([weak = weak_from_this()](error_code wait_ec) {
    const auto self = weak.lock();
    if (!wait_ec && self) self->close_now();
  });
  wait_readable();
}

void FarewellConnection::wait_readable() {
  transport_.wait_readable([self = shared_from_this()](error_code ec) {
    if (ec || self->over_) return;
    std::array<char, kReadAtOnce> unwanted;
    self->transport_.read_some(unwanted.data(), unwanted.size(), ec);
    if (ec && ec != boost::asio::error::would_block) return self->close_now();
    self->wait_readable();
  });
}

void FarewellConnection::close_now() {
  if (std::exchange(over_, true)) return;
  const auto keep = shared_from_this();
  timer_.cancel();
  transport_.close();
  on_end_("");
}

}  // namespace ringside::net
