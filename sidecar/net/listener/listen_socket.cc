#include "sidecar/net/listener/listen_socket.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ringside::net {

namespace {

constexpr int kBacklog = 1024;

const sockaddr* raw(const SocketAddress& address) { return reinterpret_cast<const sockaddr*>(address.data()); }

base::Error<std::string> failure(const ListenAddress& address, const std::string& what) {
  return base::Error("cannot listen on " + address.to_string() + ": " + what);
}

// Removes the file of a server that is gone; leaves everything else alone.
base::Result<void, std::string> clear_stale(const ListenAddress& address, const SocketAddress& name) {
  struct stat status {};
  if (::lstat(address.unix_path.c_str(), &status) != 0) return {};
  if (!S_ISSOCK(status.st_mode)) return failure(address, "the file exists and is not a socket");
  const base::Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int connected = ::connect(probe.get(), raw(name), static_cast<socklen_t>(name.size()));
  if (connected == 0 || errno == EAGAIN) return failure(address, "somebody else answers there");
  if (errno != ECONNREFUSED) return failure(address, std::strerror(errno));
  ::unlink(address.unix_path.c_str());
  return {};
}

bool no_ipv6(int error_number) { return error_number == EAFNOSUPPORT || error_number == EADDRNOTAVAIL; }

}  // namespace

base::Result<ListenSocket, std::string> open_listen_socket(const ListenAddress& address) {
  const auto name = to_socket_address(address);
  if (!name) return failure(address, "not an address to listen on");
  ListenAddress fallback = address;
  const bool any_v6 = address.host == "::";
  if (any_v6) fallback.host = "0.0.0.0";
  const int family = name->protocol().family();
  base::Descriptor socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) {
    if (any_v6 && no_ipv6(errno)) return open_listen_socket(fallback);
    return failure(address, std::strerror(errno));
  }
  if (address.is_unix()) {
    if (const auto cleared = clear_stale(address, *name); !cleared) return base::Error(cleared.error());
  } else {
    const int on = 1;
    const int v6_only = any_v6 ? 0 : 1;
    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (family == AF_INET6) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof v6_only);
  }
  // The file must never be open to everybody, not even between bind and chmod.
  const mode_t mask = address.is_unix() ? ::umask(0117) : 0;
  const int bind_result = ::bind(socket.get(), raw(*name), static_cast<socklen_t>(name->size()));
  const int bind_error = errno;
  if (address.is_unix()) ::umask(mask);
  if (bind_result != 0) {
    if (any_v6 && no_ipv6(bind_error)) return open_listen_socket(fallback);
    return failure(address, std::strerror(bind_error));
  }
  if (::listen(socket.get(), kBacklog) != 0) return failure(address, std::strerror(errno));
  SocketAddress actual;
  socklen_t size = static_cast<socklen_t>(actual.capacity());
  Endpoint bound = address;
  if (!address.is_unix() && ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(actual.data()), &size) == 0) {
    actual.resize(size);
    bound = to_endpoint(actual);
  }
  return ListenSocket{std::move(socket), std::move(bound)};
}

}  // namespace ringside::net
