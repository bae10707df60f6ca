#include "adapters/listener_watch.h"

#include <filesystem>

#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/net/net_test_support.h"
#include "tests/unit/net/reserved_port.h"

namespace ringside::adapters {
namespace {

using Seen = ListenerWatch::Seen;

int listen_at(const net::Endpoint& at, bool share = false) {
  const auto name = net::to_socket_address(at);
  const int fd = ::socket(name->protocol().family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (share) ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(name->data()), static_cast<socklen_t>(name->size())), 0);
  EXPECT_EQ(::listen(fd, 64), 0);
  return fd;
}

class Watched : public net::testing::LoopTest {
 protected:
  Seen connect(ListenerWatch& watch, const net::Endpoint& at) {
    const auto name = net::to_socket_address(at);
    const int fd = ::socket(name->protocol().family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(name->data()), static_cast<socklen_t>(name->size())), 0);
    net::error_code ec;
    const net::Transport transport = net::Transport::from_fd(loop, fd, ec);
    return watch.connected(transport);
  }
};

TEST_F(Watched, AnotherSocketIsAnotherProcess) {
  for (const char* host : {"127.0.0.1", "::1"}) {
    const net::Endpoint at{host, net::testing::reserved_port(), ""};
    int fd = listen_at(at);
    ListenerWatch watch(at);
    EXPECT_EQ(watch.look(), Seen::kUnknown) << "nobody has been met";
    EXPECT_EQ(connect(watch, at), Seen::kSame);
    EXPECT_EQ(connect(watch, at), Seen::kSame);
    EXPECT_EQ(watch.look(), Seen::kSame);
    ::close(fd);
    EXPECT_EQ(watch.look(), Seen::kNobody);
    EXPECT_FALSE(watch.stays());
    fd = listen_at(at);
    EXPECT_FALSE(watch.stays()) << "which changes nothing";
    EXPECT_EQ(connect(watch, at), Seen::kAnother);
    EXPECT_TRUE(watch.stays());
    EXPECT_EQ(connect(watch, at), Seen::kSame) << "said once";
    watch.forget();
    ::close(fd);
    fd = listen_at(at);
    EXPECT_EQ(connect(watch, at), Seen::kSame) << "nobody was known";
    ::close(fd);
  }
}

// Workers that listen for themselves beside one another (SO_REUSEPORT), or come and go.
TEST_F(Watched, OneMoreSocketAtThePortIsNoOtherProcess) {
  const net::Endpoint at{"127.0.0.1", net::testing::reserved_port(), ""};
  const int first = listen_at(at, true);
  ListenerWatch watch(at);
  EXPECT_EQ(connect(watch, at), Seen::kSame);
  const int second = listen_at(at, true);
  const int third = listen_at(at, true);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(connect(watch, at), Seen::kSame);
  ::close(first);
  EXPECT_EQ(connect(watch, at), Seen::kAnother) << "whoever was there first has gone";
  ::close(second);
  ::close(third);
}

TEST_F(Watched, AListenerOnEveryAddressIsFoundByOne) {
  const net::Endpoint at{"0.0.0.0", net::testing::reserved_port(), ""};
  int fd = listen_at(at);
  const net::Endpoint here{"127.0.0.1", at.port, ""};
  ListenerWatch watch(here);
  EXPECT_EQ(connect(watch, here), Seen::kSame);
  ::close(fd);
  fd = listen_at(at);
  EXPECT_EQ(connect(watch, here), Seen::kAnother);
  ::close(fd);
}

TEST_F(Watched, AUnixSocketMadeAnewIsAnotherProcess) {
  const auto folder = std::filesystem::temp_directory_path() / ("ringside-watch-" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  const net::Endpoint at{"", 0, (folder / "app.sock").string()};
  int fd = listen_at(at);
  ListenerWatch watch(at);
  EXPECT_EQ(connect(watch, at), Seen::kSame);
  std::filesystem::permissions(at.unix_path, std::filesystem::perms::all);
  EXPECT_EQ(connect(watch, at), Seen::kSame) << "servers set its mode when they already listen";
  ::close(fd);
  std::filesystem::remove(at.unix_path);
  EXPECT_EQ(watch.look(), Seen::kNobody);
  fd = listen_at(at);
  EXPECT_EQ(connect(watch, at), Seen::kAnother);
  ::close(fd);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace ringside::adapters
