// One attempt to connect: resolves where needed and tries the addresses one after the other, all within one
// timeout. Loop thread only. Dropping it cancels it; `done` then never runs. `done` never runs inside connect().
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <absl/functional/any_invocable.h>

#include "sidecar/base/result.h"
#include "sidecar/net/endpoint.h"
#include "sidecar/net/transport.h"

namespace ringside::net {

class Resolver;

struct ConnectFailure {
  std::string why;  // for people
  // Every address said that nobody listens there (or the socket file is missing). Those of a family that this machine
  // does not have say nothing.
  bool no_listener = false;
  bool unresolved = false;  // the name has no address, or nobody says which
};
using ConnectResult = base::Result<Transport, ConnectFailure>;

class Connector {
 public:
  using Done = absl::AnyInvocable<void(ConnectResult)>;

  Connector(Loop& loop, std::shared_ptr<Resolver> resolver);
  ~Connector();
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

  void connect(const Endpoint& endpoint, std::chrono::milliseconds timeout, Done done);
  void cancel();

 private:
  class Attempt;
  Loop& loop_;
  std::shared_ptr<Resolver> resolver_;
  std::shared_ptr<Attempt> attempt_;
};

}  // namespace ringside::net
