// A place to listen on or to connect to: an IP or a name with a port, or a Unix socket.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/generic/stream_protocol.hpp>

#include "sidecar/base/result.h"

namespace ringside::net {

using SocketAddress = boost::asio::generic::stream_protocol::endpoint;

struct Endpoint {
  std::string host;  // IP without brackets, or a name; empty for Unix sockets
  std::uint16_t port = 0;
  std::string unix_path;  // empty for TCP

  bool is_unix() const { return !unix_path.empty(); }
  // The host is an IP (or this is a Unix socket): nothing to resolve.
  bool is_literal() const;
  // 127.0.0.0/8, ::1, the name localhost, or a Unix socket.
  bool is_loopback() const;
  // "127.0.0.1:1380", "[::1]:1380", "name:80", "unix:/run/x.sock".
  std::string to_string() const;
  bool operator==(const Endpoint&) const = default;
};
using ListenAddress = Endpoint;  // an IP or a Unix socket; port 0 lets the kernel choose

// "HOST:PORT", "HOST" where `default_port` is not 0, "[v6]:PORT", bare v6, or "unix:PATH". The error says what is wrong
// with the text.
base::Result<Endpoint, std::string> parse_endpoint(std::string_view text, std::uint16_t default_port);

// The kernel's form; nothing where the host is a name or the path is longer than the kernel takes.
std::optional<SocketAddress> to_socket_address(const Endpoint& endpoint);
Endpoint to_endpoint(const SocketAddress& address);

// Host only, as text: IPv4-mapped IPv6 as IPv4, "unix" for Unix sockets.
std::string address_text(const SocketAddress& address);

}  // namespace ringside::net
