#include "tests/unit/net/net_test_support.h"

#include <cerrno>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sidecar/net/grpc/grpc_framing.h"
#include "tests/unit/net/reserved_port.h"

namespace ringside::net::testing {

namespace {

int tcp_socket(const Endpoint& endpoint) {
  return ::socket(to_socket_address(endpoint)->protocol().family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
}

}  // namespace

RawSocket RawSocket::connect_to(const Endpoint& endpoint, const std::string& from) {
  const int fd = tcp_socket(endpoint);
  if (!from.empty()) {
    const auto source = to_socket_address({from, 0, ""});
    EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(source->data()), static_cast<socklen_t>(source->size())), 0);
  }
  return connect(fd, endpoint);
}

RawSocket RawSocket::connect_narrow(const Endpoint& endpoint) {
  const int fd = tcp_socket(endpoint);
  // The kernel sizes a sender's buffer by segments, and a segment on loopback has 64 KiB.
  const int segment = 536;
  EXPECT_EQ(::setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment), 0);
  const int received = 4096;
  EXPECT_EQ(::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &received, sizeof received), 0);
  return connect(fd, endpoint);
}

RawSocket RawSocket::connect(int fd, const Endpoint& endpoint) {
  const auto address = to_socket_address(endpoint);
  EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(address->data()), static_cast<socklen_t>(address->size())),
            0);
  ::fcntl(fd, F_SETFL, O_NONBLOCK);
  return RawSocket(fd);
}

RawSocket::~RawSocket() { close(); }

void RawSocket::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

std::size_t RawSocket::send(std::string_view bytes) {
  const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent > 0 ? static_cast<std::size_t>(sent) : 0;
}

void RawSocket::reset() {
  const linger at_once{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

void RawSocket::half_close() { ::shutdown(fd_, SHUT_WR); }

void RawSocket::pump() {
  char buffer[65536];
  for (;;) {
    const ssize_t got = ::recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
    if (got > 0) {
      in_.append(buffer, static_cast<std::size_t>(got));
      continue;
    }
    reset_ = reset_ || (got < 0 && errno == ECONNRESET);
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) ended_ = true;
    return;
  }
}

namespace {

int bound_socket(Endpoint& endpoint) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof name;
  EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&name), size), 0);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size);
  endpoint.host = "127.0.0.1";
  endpoint.port = ntohs(name.sin_port);
  return fd;
}

}  // namespace

RawListener::RawListener(int backlog) : fd_(bound_socket(endpoint_)) { ::listen(fd_, backlog); }
RawListener::~RawListener() { ::close(fd_); }

std::unique_ptr<RawSocket> RawListener::accept() {
  const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  return fd < 0 ? nullptr : std::make_unique<RawSocket>(fd);
}

Endpoint unused_endpoint() { return {"127.0.0.1", reserved_port(), ""}; }

std::string number(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

std::string frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream, std::string_view payload) {
  std::string bytes = number(static_cast<std::uint32_t>(payload.size())).substr(1);
  bytes.push_back(static_cast<char>(type));
  bytes.push_back(static_cast<char>(flags));
  bytes += number(stream);
  bytes += payload;
  return bytes;
}

std::string hpack(const Metadata& headers) {
  std::string block;
  for (const Header& header : headers) {
    block.push_back(0);
    block.push_back(static_cast<char>(header.name.size()));
    block += header.name;
    // RFC 7541 §5.1: lengths from 127 go on in further bytes.
    std::size_t size = header.value.size();
    if (size < 127) {
      block.push_back(static_cast<char>(size));
    } else {
      block.push_back(127);
      for (size -= 127; size >= 128; size /= 128) block.push_back(static_cast<char>(size % 128 + 128));
      block.push_back(static_cast<char>(size));
    }
    block += header.value;
  }
  return block;
}

std::string grpc_request(std::uint32_t stream, const std::string& path, const Metadata& more) {
  Metadata headers{{":method", "POST"},
                   {":scheme", "http"},
                   {":path", path},
                   {":authority", "localhost"},
                   {"content-type", "application/grpc"},
                   {"te", "trailers"}};
  headers.append(more);
  return frame(kHeaders, kEndHeaders, stream, hpack(headers));
}

std::string grpc_message(std::string_view message) {
  std::string framed;
  append_grpc_message(framed, message);
  return framed;
}

HeaderReader::HeaderReader() { nghttp2_hd_inflate_new(&inflater_); }
HeaderReader::~HeaderReader() { nghttp2_hd_inflate_del(inflater_); }

Metadata HeaderReader::read(std::string_view block) {
  Metadata headers;
  const auto* at = reinterpret_cast<const std::uint8_t*>(block.data());
  std::size_t left = block.size();
  for (;;) {
    nghttp2_nv field{};
    int flags = 0;
    const ssize_t used = nghttp2_hd_inflate_hd2(inflater_, &field, &flags, at, left, 1);
    EXPECT_GE(used, 0);
    if (used < 0) break;
    at += used;
    left -= static_cast<std::size_t>(used);
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
      headers.add({reinterpret_cast<char*>(field.name), field.namelen},
                  {reinterpret_cast<char*>(field.value), field.valuelen});
    }
    if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) break;
  }
  nghttp2_hd_inflate_end_headers(inflater_);
  return headers;
}

Metadata decode_headers(const std::vector<Frame>& frames) {
  Metadata headers;
  HeaderReader reader;
  for (const Frame& one : frames) {
    if (one.type == kHeaders) headers.append(reader.read(one.payload));
  }
  return headers;
}

std::vector<Frame> take_frames(std::string& input) {
  std::vector<Frame> frames;
  while (input.size() >= 9) {
    const auto byte = [&input](std::size_t i) {
      return static_cast<std::uint32_t>(static_cast<unsigned char>(input[i]));
    };
    const std::size_t size = byte(0) << 16 | byte(1) << 8 | byte(2);
    if (input.size() < 9 + size) break;
    Frame one;
    one.type = static_cast<std::uint8_t>(byte(3));
    one.flags = static_cast<std::uint8_t>(byte(4));
    one.stream = (byte(5) << 24 | byte(6) << 16 | byte(7) << 8 | byte(8)) & 0x7fffffffU;
    one.payload = input.substr(9, size);
    frames.push_back(std::move(one));
    input.erase(0, 9 + size);
  }
  return frames;
}

}  // namespace ringside::net::testing
