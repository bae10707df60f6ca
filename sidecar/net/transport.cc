#include "sidecar/net/transport.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <boost/asio/error.hpp>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "sidecar/base/check.h"

namespace ringside::net {

namespace {

std::size_t finish(ssize_t result, bool reading, error_code& ec) {
  if (result > 0 || (result == 0 && !reading)) {
    ec = {};
    return static_cast<std::size_t>(result);
  }
  if (result == 0) {
    ec = boost::asio::error::eof;
  } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
    ec = boost::asio::error::would_block;
  } else {
    ec = error_code(errno, boost::system::system_category());
  }
  return 0;
}

// Where tcpi_bytes_acked stands in the kernel's tcp_info (linux/tcp.h): the C library's own ends before it.
constexpr std::size_t kBytesAcked = 120;

void set_option(int fd, int level, int name, int value) { ::setsockopt(fd, level, name, &value, sizeof value); }

}  // namespace

Transport& Transport::operator=(Transport&& other) noexcept {
  close_descriptor();
  descriptor_ = std::move(other.descriptor_);
  readiness_ = std::move(other.readiness_);
  secure_ = std::move(other.secure_);
  drops_unsent_ = other.drops_unsent_;
  return *this;
}

Transport Transport::from_fd(Loop& loop, int fd, error_code& ec) {
  Transport transport(loop);
  transport.descriptor_ = base::Descriptor(fd);
  ec = {};
  if (!transport.readiness_.open(fd)) {
    ec = error_code(errno, boost::system::system_category());
    transport.close_descriptor();
  }
  return transport;
}

void Transport::wait_readable(loop::Task handler) {
  if (secure_ && secure_->holds_input()) return readiness_.loop().post(std::move(handler));
  readiness_.wait_readable(std::move(handler));
}

std::size_t Transport::read_some(char* data, std::size_t size, error_code& ec) {
  if (secure_) {
    const std::size_t got = secure_->read_some(data, size, ec);
    if (secure_->has_read_all()) readiness_.read_all();
    return got;
  }
  const std::size_t got = finish(::recv(descriptor(), data, size, MSG_DONTWAIT), true, ec);
  // A stream gives less than it was asked for only where there is no more (epoll(7)).
  if (got < size && (!ec || ec == boost::asio::error::would_block)) readiness_.read_all();
  return got;
}

std::size_t Transport::write_some(const char* data, std::size_t size, error_code& ec) {
  if (secure_) return secure_->write_some(data, size, ec);
  return finish(::send(descriptor(), data, size, MSG_DONTWAIT | MSG_NOSIGNAL), false, ec);
}

std::optional<std::uint8_t> Transport::peek(error_code& ec) {
  RINGSIDE_CHECK(!secure_);
  std::uint8_t byte = 0;
  if (finish(::recv(descriptor(), &byte, 1, MSG_DONTWAIT | MSG_PEEK), true, ec) != 0) return byte;
  if (ec == boost::asio::error::would_block) readiness_.read_all();
  return std::nullopt;
}

bool Transport::looks_idle() {
  if (!is_open()) return false;
  char byte = 0;
  const ssize_t got = ::recv(descriptor(), &byte, 1, MSG_DONTWAIT | MSG_PEEK);
  return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

void Transport::shutdown_write() {
  if (secure_) secure_->say_end();
  ::shutdown(descriptor(), SHUT_WR);
}

void Transport::drop_unsent() {
  drops_unsent_ = true;
  const linger at_once{1, 0};
  ::setsockopt(descriptor(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

void Transport::close() {
  if (secure_ && is_open() && !drops_unsent_) secure_->say_end();
  close_descriptor();
}

void Transport::close_descriptor() {
  readiness_.close();
  descriptor_ = base::Descriptor();
}

void Transport::tune(std::chrono::milliseconds silence) {
  const auto local = name(false);
  if (!local || local->protocol().family() == AF_UNIX) return;
  const int fd = descriptor();
  const int ms = static_cast<int>(std::clamp<std::int64_t>(silence.count(), 1, 1 << 30));
  const int seconds = std::max(1, ms / 3000);
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, seconds);
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
  set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, ms);
}

void Transport::acknowledge_now() {
  if (is_open()) set_option(descriptor(), IPPROTO_TCP, TCP_QUICKACK, 1);
}

void Transport::bound_send_buffer(int bytes) {
  if (is_open()) set_option(descriptor(), SOL_SOCKET, SO_SNDBUF, bytes);
}

std::optional<std::uint64_t> Transport::bytes_acknowledged() const {
  std::array<char, 256> info{};
  socklen_t size = info.size();
  if (!is_open() || ::getsockopt(descriptor(), IPPROTO_TCP, TCP_INFO, info.data(), &size) != 0 ||
      size < kBytesAcked + sizeof(std::uint64_t)) {
    return std::nullopt;
  }
  std::uint64_t acknowledged = 0;
  std::memcpy(&acknowledged, info.data() + kBytesAcked, sizeof acknowledged);
  // The handshake counts as one, where the connection is ours.
  return acknowledged - std::min<std::uint64_t>(1, acknowledged);
}

std::optional<SocketAddress> Transport::remote() const { return name(true); }

std::string Transport::peer_address() const {
  const auto other = remote();
  return other ? address_text(*other) : std::string();
}

std::optional<SocketAddress> Transport::name(bool of_the_other_end) const {
  sockaddr_storage raw{};
  socklen_t size = sizeof raw;
  auto* const at = reinterpret_cast<sockaddr*>(&raw);
  const int failed = of_the_other_end ? ::getpeername(descriptor(), at, &size) : ::getsockname(descriptor(), at, &size);
  if (failed != 0) return std::nullopt;
  return SocketAddress(at, size);
}

}  // namespace ringside::net
