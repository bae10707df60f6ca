#include "tests/unit/net/reserved_port.h"

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "sidecar/base/check.h"

namespace ringside::net::testing {
namespace {

constexpr int kFirst = 10000, kLast = 65535;

// Where in [kFirst, kLast] the kernel never chooses one, in an order of this process' own.
std::vector<int> candidates() {
  int low = 0, high = 0;
  std::ifstream("/proc/sys/net/ipv4/ip_local_port_range") >> low >> high;
  std::vector<int> ports(kLast - kFirst + 1);
  std::iota(ports.begin(), ports.end(), kFirst);
  std::erase_if(ports, [&](int port) { return low <= port && port <= high; });
  std::shuffle(ports.begin(), ports.end(), std::random_device());
  return ports;
}

// A name in the kernel, which frees it when this process ends (tests/integration/ports.py takes the same).
bool lock(int port) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  const std::string text = "ringside-test-port-" + std::to_string(port);
  std::copy(text.begin(), text.end(), name.sun_path + 1);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + text.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&name), size) == 0) return true;
  ::close(fd);
  return false;
}

template <typename Address>
bool binds(const Address& address, int family) {
  const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int only = 1;
  if (family == AF_INET6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
  const bool bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return bound;
}

bool has_ipv6() {
  const int fd = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0) ::close(fd);
  return fd >= 0;
}

bool is_free(int port) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(static_cast<std::uint16_t>(port));
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = v4.sin_port;
  return binds(v4, AF_INET) && (!has_ipv6() || binds(v6, AF_INET6));
}

}  // namespace

std::uint16_t reserved_port() {
  static std::vector<int> left = candidates();
  for (;;) {
    // Make net.ipv4.ip_local_port_range smaller.
    RINGSIDE_CHECK(!left.empty());
    const int port = left.back();
    left.pop_back();
    if (lock(port) && is_free(port)) return static_cast<std::uint16_t>(port);
  }
}

}  // namespace ringside::net::testing
