// Names to addresses by c-ares on the loop. IP literals, "localhost" and Unix sockets never leave the
// process; the hosts file is honoured. Nothing is cached. Loop thread only. `done` never runs inside the
// question.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <absl/functional/any_invocable.h>

#include "sidecar/base/number.h"
#include "sidecar/base/result.h"
#include "sidecar/net/endpoint.h"
#include "sidecar/net/transport.h"

namespace ringside::net {

struct ResolverOptions {
  std::chrono::milliseconds timeout{3'000};  // of one whole question
  // How long one that is to be connected to waits for the other family once one has come (RFC 8305 names 50 ms).
  std::chrono::milliseconds other_family{100};
  std::vector<std::string> servers;  // IP:PORT, [IPv6]:PORT; none: the system's
};

struct ResolveFailure {
  std::string why;         // for people
  bool not_found = false;  // the name surely has no such records now (as against: nobody answered)
};
// IP literals with a port, at least one, in the order of the answer.
using ResolveResult = base::Result<std::vector<Endpoint>, ResolveFailure>;

class Resolver {
 public:
  using QueryId = base::Number<struct QueryTag>;
  using Done = absl::AnyInvocable<void(ResolveResult)>;

  Resolver(Loop& loop, ResolverOptions options);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // Where to connect to: A and AAAA records of the host, each with the endpoint's port. Of a family that is not
  // answered as soon as the other, nothing.
  QueryId resolve(const Endpoint& endpoint, Done done);
  // All of them: whatever has come within the time.
  QueryId resolve_all(const Endpoint& endpoint, Done done);
  // SRV records of `name` ("_grpc._tcp.svc"), by priority and weight, their targets resolved: whatever has come within
  // the time.
  QueryId resolve_srv(const std::string& name, Done done);
  // Its `done` will not run.
  void cancel(QueryId query);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace ringside::net
