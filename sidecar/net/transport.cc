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
#include "sidecar/base/descriptor.h"
#include "sidecar/net/endpoint.h"

namespace ringside::net {

namespace {

std::size_t finish(ssize_t result, bool reading, error_code& ec) {
  if (result > 0 || (result == 0 && !reading)) {
    ec = {};
    return static_cast<std::size_t>(result);
  }
  if (result == 0) {
    ec = boost::asio::error::eof;
  } else if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
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

Transport Transport::from_fd(Loop& loop, int fd, error_code& ec) {
  base::Descriptor owned(fd);
  Transport transport(loop);
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) != 0) {
    ec = error_code(errno, boost::system::system_category());
    return transport;
  }
  const int protocol = name.ss_family == AF_UNIX ? 0 : IPPROTO_TCP;
  transport.socket_.assign(boost::asio::generic::stream_protocol(name.ss_family, protocol), fd, ec);
  if (ec) return transport;
  owned.release();  // Asio's from now on
  transport.socket_.native_non_blocking(true, ec);
  return transport;
}

std::size_t Transport::read_some(char* data, std::size_t size, error_code& ec) {
  if (secure_) return secure_->read_some(data, size, ec);
  return finish(::recv(socket_.native_handle(), data, size, MSG_DONTWAIT), true, ec);
}

std::size_t Transport::write_some(const char* data, std::size_t size, error_code& ec) {
  if (secure_) return secure_->write_some(data, size, ec);
  return finish(::send(socket_.native_handle(), data, size, MSG_DONTWAIT | MSG_NOSIGNAL), false, ec);
}

std::optional<std::uint8_t> Transport::peek(error_code& ec) {
  RINGSIDE_CHECK(!secure_);
  std::uint8_t byte = 0;
  if (finish(::recv(socket_.native_handle(), &byte, 1, MSG_DONTWAIT | MSG_PEEK), true, ec) == 0) return std::nullopt;
  return byte;
}

bool Transport::looks_idle() {
  if (!is_open()) return false;
  char byte = 0;
  const ssize_t got = ::recv(socket_.native_handle(), &byte, 1, MSG_DONTWAIT | MSG_PEEK);
  return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

void Transport::shutdown_write() {
  if (secure_) secure_->say_end();
  error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

void Transport::drop_unsent() {
  drops_unsent_ = true;
  error_code ignored;
  socket_.set_option(boost::asio::socket_base::linger(true, 0), ignored);
}

void Transport::close() {
  if (secure_ && is_open() && !drops_unsent_) secure_->say_end();
  error_code ignored;
  socket_.close(ignored);
}

void Transport::tune(std::chrono::milliseconds silence) {
  error_code ec;
  const SocketAddress local = socket_.local_endpoint(ec);
  if (ec || local.protocol().family() == AF_UNIX) return;
  const int fd = socket_.native_handle();
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
  if (socket_.is_open()) set_option(socket_.native_handle(), IPPROTO_TCP, TCP_QUICKACK, 1);
}

void Transport::bound_send_buffer(int bytes) {
  if (socket_.is_open()) set_option(socket_.native_handle(), SOL_SOCKET, SO_SNDBUF, bytes);
}

std::optional<std::uint64_t> Transport::bytes_acknowledged() const {
  std::array<char, 256> info{};
  socklen_t size = info.size();
  auto& socket = const_cast<Socket&>(socket_);  // native_handle() is not const
  if (!socket.is_open() || ::getsockopt(socket.native_handle(), IPPROTO_TCP, TCP_INFO, info.data(), &size) != 0 ||
      size < kBytesAcked + sizeof(std::uint64_t)) {
    return std::nullopt;
  }
  std::uint64_t acknowledged = 0;
  std::memcpy(&acknowledged, info.data() + kBytesAcked, sizeof acknowledged);
  // The handshake counts as one, where the connection is ours.
  return acknowledged - std::min<std::uint64_t>(1, acknowledged);
}

std::optional<SocketAddress> Transport::remote() const {
  error_code ec;
  SocketAddress remote = socket_.remote_endpoint(ec);
  if (ec) return std::nullopt;
  return remote;
}

std::string Transport::peer_address() const {
  error_code ec;
  const SocketAddress remote = socket_.remote_endpoint(ec);
  return ec ? std::string() : address_text(remote);
}

}  // namespace ringside::net
