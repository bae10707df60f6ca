#include "tests/fuzz/connection.h"

#include <utility>

#include <sys/socket.h>
#include <unistd.h>

#include "sidecar/base/check.h"

namespace ringside::fuzz {

Connection::Connection() {
  int both[2] = {-1, -1};
  RINGSIDE_CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, both) == 0);
  ours_ = both[0];
  theirs_ = both[1];
}

Connection::~Connection() {
  if (ours_ >= 0) ::close(ours_);
  if (theirs_ >= 0) ::close(theirs_);
}

net::Transport Connection::take_transport() {
  net::error_code ec;
  net::Transport transport = net::Transport::from_fd(loop_, std::exchange(theirs_, -1), ec);
  RINGSIDE_CHECK(!ec);
  return transport;
}

void Connection::send(std::string_view bytes) {
  settle();
  // The other end may have gone.
  static_cast<void>(::send(ours_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
  settle();
}

void Connection::finish() {
  settle();
  ::shutdown(ours_, SHUT_WR);
  settle();
  ::close(std::exchange(ours_, -1));
  loop_.poll();
}

void Connection::settle() {
  char answers[65536];
  while (loop_.poll() > 0 || ::recv(ours_, answers, sizeof answers, 0) > 0) {
  }
}

}  // namespace ringside::fuzz
