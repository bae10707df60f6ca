// Which process listens where the application should, told by the listening socket itself: the kernel gives each one a
// name that is never used again, and another process cannot have it.
//
// So a restart is seen at the first connection after it, however short it was and whatever the application sends or
// does not send; and what looks like one is told apart from it: a server that closes idle connections, one whose
// workers are replaced under a socket that stays, a backlog that was full for a moment. Of a Unix socket it is the file
// and the process that listened on it.
//
// Where the kernel does not tell (an application on another machine, a sandbox), everything is kUnknown.
// docs/decisions/0010. Loop thread only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <sys/types.h>

#include "sidecar/net/endpoint.h"
#include "sidecar/net/far_listener.h"
#include "sidecar/net/transport.h"

namespace ringside::adapters {

class ListenerWatch {
 public:
  enum class Seen {
    kSame,
    kAnother,  // another one than before; from now on it is the one that is known
    kNobody,   // nobody listens there now
    kUnknown,
  };

  explicit ListenerWatch(net::Endpoint app) : app_(std::move(app)) {}

  // A connection to the application has just been made: who got it? Of the first one: kSame.
  Seen connected(const net::Transport& to);
  // Who would get one now? As above, each change is said once, to whoever asks first.
  Seen look();
  // Surely the one that is known. Changes nothing.
  bool stays();
  // Whoever is met next is the one: all activations have ended anyway.
  void forget();

 private:
  struct UnixListener {
    dev_t device = 0;
    ino_t inode = 0;
    std::int64_t made = 0;  // ns; an inode's number is soon used again
    pid_t pid = 0;          // 0: not told, from another pid namespace
  };

  Seen judge_tcp(const net::SocketAddress& at);
  Seen judge_unix(std::optional<UnixListener> now);
  std::optional<UnixListener> unix_file() const;

  net::Endpoint app_;
  net::ListenerLookup lookup_;
  std::optional<net::SocketAddress> at_;  // where the last connection led
  std::uint64_t first_ = 0;               // the socket's cookie
  std::optional<UnixListener> unix_;
};

}  // namespace ringside::adapters
