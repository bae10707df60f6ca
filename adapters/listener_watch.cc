#include "adapters/listener_watch.h"

#include <algorithm>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace ringside::adapters {
namespace {

std::uint16_t port_of(const net::SocketAddress& address) { return net::to_endpoint(address).port; }

// Of whoever called listen(): a worker that accepts on an inherited socket is not named.
pid_t listening_process(const net::Transport& connection) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  const int got = ::getsockopt(connection.descriptor(), SOL_SOCKET, SO_PEERCRED, &credentials, &size);
  return got == 0 ? credentials.pid : 0;
}

}  // namespace

ListenerWatch::Seen ListenerWatch::connected(const net::Transport& to) {
  if (app_.is_unix()) {
    auto now = unix_file();
    if (now) now->pid = listening_process(to);
    return judge_unix(now);
  }
  if (const auto remote = to.remote()) at_ = remote;
  return at_ ? judge_tcp(*at_) : Seen::kUnknown;
}

ListenerWatch::Seen ListenerWatch::look() {
  if (app_.is_unix()) return judge_unix(unix_file());
  return at_ ? judge_tcp(*at_) : Seen::kUnknown;
}

bool ListenerWatch::stays() {
  const auto first = first_;
  const auto unix_listener = unix_;
  const bool known = app_.is_unix() ? unix_.has_value() : first_ != 0;
  const bool same = known && look() == Seen::kSame;
  first_ = first;
  unix_ = unix_listener;
  return same;
}

void ListenerWatch::forget() {
  first_ = 0;
  unix_.reset();
}

// A server may listen with several sockets at one port (SO_REUSEPORT), and any of them may get the connection: it is
// another one only when the first that was seen is gone.
ListenerWatch::Seen ListenerWatch::judge_tcp(const net::SocketAddress& at) {
  const auto now = lookup_.at(at);
  if (now && (first_ == 0 || now->cookie == first_)) {
    first_ = now->cookie;
    return Seen::kSame;
  }
  if (first_ == 0) return Seen::kUnknown;
  const auto all = lookup_.at_port(port_of(at));
  const bool stays = std::any_of(all.begin(), all.end(), [this](const auto& one) { return one.cookie == first_; });
  if (stays) return Seen::kSame;
  if (!now) return all.empty() ? Seen::kNobody : Seen::kUnknown;
  first_ = now->cookie;
  return Seen::kAnother;
}

ListenerWatch::Seen ListenerWatch::judge_unix(std::optional<UnixListener> now) {
  if (!now) return unix_ ? Seen::kNobody : Seen::kUnknown;
  const std::optional<UnixListener> before = unix_;
  if (before && now->pid == 0) now->pid = before->pid;
  unix_ = now;
  if (!before) return Seen::kSame;
  const bool file = before->device == now->device && before->inode == now->inode && before->made == now->made;
  const bool process = before->pid == 0 || before->pid == now->pid;
  return file && process ? Seen::kSame : Seen::kAnother;
}

std::optional<ListenerWatch::UnixListener> ListenerWatch::unix_file() const {
  struct stat status {};
  if (::stat(app_.unix_path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return std::nullopt;
  UnixListener file;
  file.device = status.st_dev;
  file.inode = status.st_ino;
  // Not the time of its last change: servers set its mode and owner when they already listen.
  file.made = std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
  return file;
}

}  // namespace ringside::adapters
