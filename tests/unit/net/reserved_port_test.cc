#include "tests/unit/net/reserved_port.h"

#include <cstddef>
#include <set>
#include <string>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace ringside::net::testing {
namespace {

TEST(ReservedPorts, EachIsGivenOnceAndTakenForTestsInPythonAsWell) {
  std::set<std::uint16_t> given;
  for (int i = 0; i < 50; ++i) given.insert(reserved_port());
  EXPECT_EQ(given.size(), 50U);
  for (const std::uint16_t port : given) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    // As tests/integration/ports.py spells it.
    const std::string text = '\0' + ("ringside-test-port-" + std::to_string(port));
    text.copy(name.sun_path, sizeof name.sun_path);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + text.size());
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_NE(::bind(fd, reinterpret_cast<const sockaddr*>(&name), size), 0) << port;
    ::close(fd);
  }
}

}  // namespace
}  // namespace ringside::net::testing
