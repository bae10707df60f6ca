#include "sidecar/net/endpoint.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <netinet/in.h>
#include <sys/un.h>

#include "sidecar/base/parse.h"
#include "sidecar/base/unix_path.h"

namespace ringside::net {

namespace {

namespace asio = boost::asio;

constexpr std::string_view kUnixPrefix = "unix:";

bool may_stand_in_a_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

// asio takes whatever stands behind a percent sign for a zone, and a NUL for the end of the text.
std::optional<asio::ip::address> parse_ip(const std::string& text) {
  const std::size_t zone = std::min(text.find('%'), text.size());
  const bool plain = std::all_of(text.begin() + static_cast<std::ptrdiff_t>(zone), text.end(),
                                 [](char c) { return c == '%' || may_stand_in_a_name(c); });
  if (!plain || text.find('\0') != std::string::npos) return std::nullopt;
  boost::system::error_code ec;
  const asio::ip::address address = asio::ip::make_address(text, ec);
  if (ec) return std::nullopt;
  return address;
}

base::Result<Endpoint, std::string> parse_unix(std::string_view text) {
  auto path = base::read_unix_path(text);
  if (!path) return base::Error("it " + path.error());
  Endpoint endpoint;
  endpoint.unix_path = std::move(*path);
  return endpoint;
}

struct HostPort {
  std::string_view host;  // without brackets
  std::optional<std::string_view> port;
};

base::Result<HostPort, std::string> split(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return base::Error("']' is missing");
    HostPort at{text.substr(1, close - 1), {}};
    const std::string_view rest = text.substr(close + 1);
    if (!rest.empty() && rest[0] != ':') return base::Error("only a port may follow ']'");
    if (!rest.empty()) at.port = rest.substr(1);
    const auto ip = parse_ip(std::string(at.host));
    if (!ip || !ip->is_v6()) return base::Error("brackets hold an IPv6 address");
    return at;
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return HostPort{text, {}};
  if (text.find(':', colon + 1) != std::string_view::npos) return HostPort{text, {}};  // bare IPv6
  return HostPort{text.substr(0, colon), text.substr(colon + 1)};
}

bool is_name(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  return std::all_of(host.begin(), host.end(), may_stand_in_a_name) && host[0] != '.' && host[0] != '-';
}

}  // namespace

bool Endpoint::is_literal() const { return is_unix() || parse_ip(host).has_value(); }

bool Endpoint::is_loopback() const {
  if (is_unix() || host == "localhost") return true;
  const auto ip = parse_ip(host);
  if (!ip) return false;
  if (ip->is_v6() && ip->to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, ip->to_v6()).is_loopback();
  }
  return ip->is_loopback();
}

std::string Endpoint::to_string() const {
  if (is_unix()) return std::string(kUnixPrefix) + unix_path;
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

base::Result<Endpoint, std::string> parse_endpoint(std::string_view text, std::uint16_t default_port) {
  if (text.starts_with(kUnixPrefix)) return parse_unix(text.substr(kUnixPrefix.size()));
  const auto at = split(text);
  if (!at) return base::Error(at.error());
  Endpoint endpoint;
  endpoint.host = at->host;
  if (at->host.empty()) return base::Error("the host is missing");
  if (!parse_ip(endpoint.host) && !is_name(at->host)) {
    return base::Error("'" + endpoint.host + "' is neither an IP address nor a name");
  }
  if (!at->port) {
    if (default_port == 0) return base::Error("the port is missing");
    endpoint.port = default_port;
    return endpoint;
  }
  const auto port = base::parse_whole<std::uint16_t>(*at->port);
  if (!port) return base::Error("'" + std::string(*at->port) + "' is not a port from 0 to 65535");
  endpoint.port = *port;
  return endpoint;
}

std::optional<SocketAddress> to_socket_address(const Endpoint& endpoint) {
  if (endpoint.is_unix()) {
    if (endpoint.unix_path.size() >= sizeof(sockaddr_un::sun_path)) return std::nullopt;
    return SocketAddress(asio::local::stream_protocol::endpoint(endpoint.unix_path));
  }
  const auto ip = parse_ip(endpoint.host);
  if (!ip) return std::nullopt;
  return SocketAddress(asio::ip::tcp::endpoint(*ip, endpoint.port));
}

Endpoint to_endpoint(const SocketAddress& address) {
  Endpoint endpoint;
  switch (address.protocol().family()) {
    case AF_UNIX: {
      sockaddr_un name{};
      std::memcpy(&name, address.data(), std::min(address.size(), sizeof name));
      endpoint.unix_path.assign(name.sun_path, strnlen(name.sun_path, sizeof name.sun_path));
      break;
    }
    case AF_INET: {
      sockaddr_in name{};
      std::memcpy(&name, address.data(), std::min(address.size(), sizeof name));
      endpoint.host = asio::ip::make_address_v4(ntohl(name.sin_addr.s_addr)).to_string();
      endpoint.port = ntohs(name.sin_port);
      break;
    }
    case AF_INET6: {
      sockaddr_in6 name{};
      std::memcpy(&name, address.data(), std::min(address.size(), sizeof name));
      asio::ip::address_v6::bytes_type bytes;
      std::memcpy(bytes.data(), &name.sin6_addr, bytes.size());
      const asio::ip::address_v6 ip(bytes, name.sin6_scope_id);
      endpoint.host =
          ip.is_v4_mapped() ? asio::ip::make_address_v4(asio::ip::v4_mapped, ip).to_string() : ip.to_string();
      endpoint.port = ntohs(name.sin6_port);
      break;
    }
    default:
      break;
  }
  return endpoint;
}

std::string address_text(const SocketAddress& address) {
  if (address.protocol().family() == AF_UNIX) return "unix";
  return to_endpoint(address).host;
}

}  // namespace ringside::net
