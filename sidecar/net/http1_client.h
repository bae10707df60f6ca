// HTTP/1.1 to one endpoint over a pool of kept-alive connections. Nothing is ever repeated here. Loop thread
// only. `done` never runs inside request().
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <absl/functional/any_invocable.h>

#include "sidecar/net/endpoint.h"
#include "sidecar/net/http_message.h"
#include "sidecar/net/transport.h"

namespace ringside::net {

class Resolver;

enum class HttpOutcome {
  kAnswered,  // `response` is whole
  kNotSent,   // surely nothing reached the server: no connection, not a byte written, or closed before any of it came
  kLost,      // written, at least in part, and then no whole answer: broken, too big, malformed, or too late
};

struct HttpResult {
  HttpOutcome outcome = HttpOutcome::kLost;
  HttpResponse response;
  bool refused = false;     // connection refused
  bool timed_out = false;   // the deadline passed
  bool overloaded = false;  // kNotSent by the bound on waiting requests
  bool malformed = false;   // kLost: what came is not an answer
  bool too_large = false;   // kLost: the answer is beyond the limits
  std::string error;        // for people
};

// When a request must have begun, where it has no end.
struct HttpStart {
  Clock::time_point by;
  // A header of this name says what is left until `by`, as it is when the request gets its connection.
  std::string time_left_header;
};

struct Http1ClientOptions {
  Endpoint endpoint;
  std::shared_ptr<Resolver> resolver;  // needed where the endpoint is a name
  std::string host_header;             // empty: the endpoint; "localhost" for Unix sockets
  std::size_t max_connections = 64;
  std::size_t max_waiting = 10'000;
  std::size_t max_header = 64 * 1024;
  std::size_t max_body = std::size_t{4} << 20;
  std::chrono::milliseconds connect_timeout{5'000};
  // A connection idle for longer is not used again; an answer's "Keep-Alive: timeout=N" makes it most of N seconds.
  // Zero: each request has a connection of its own.
  std::chrono::milliseconds max_idle{1'000};
  // Some servers close after an answer and do not say so; what is written meanwhile is lost. Not zero: a connection is
  // used again at once only while the server is known to leave them open for so long (sidecar/net/reuse_trust.h).
  std::chrono::milliseconds watch_after_answer{0};
  // Takes the last place in the server's backlog, which others leave free (sidecar/net/connect_pace.h).
  bool last_place = false;
  // A connection whose answer has come is given up wherever others wait to be accepted, also those of other clients.
  // Without it that is so only where requests of this client wait on new connections.
  bool gives_way = false;
  // Asked at each new connection before anything is written to it; may cancel requests. May be empty.
  std::function<void(Transport&)> on_connected = {};
  // The server ended an idle connection before it was due. May be empty.
  std::function<void()> on_idle_end = {};
};

class Http1Client {
 public:
  using RequestId = std::uint64_t;
  using Done = absl::AnyInvocable<void(HttpResult)>;

  Http1Client(Loop& loop, Http1ClientOptions options);
  ~Http1Client();  // as close()
  Http1Client(const Http1Client&) = delete;
  Http1Client& operator=(const Http1Client&) = delete;

  // Host, Content-Length and Connection are set here; the caller's own are dropped, and so are headers with
  // CR, LF or NUL in them.
  RequestId request(const HttpRequest& request, std::optional<Clock::time_point> deadline, Done done);
  // Without a deadline. Of which not a byte was written in time: kNotSent and `timed_out`.
  RequestId request_by(const HttpRequest& request, HttpStart start, Done done);
  // It may wait for its connection for ever, and then has so long: from when it begins to be written.
  RequestId request_within(const HttpRequest& request, std::chrono::milliseconds answer, Done done);
  // Its `done` will not run; a connection on which it was under way is closed. True when not a byte of it
  // was written.
  bool cancel(RequestId request);
  // What has come of the answer to a request that is under way, for a person: "its answer had begun (status 200, 312
  // bytes of its body)". Empty: nothing has.
  std::string answer_so_far(RequestId request) const;
  // Each connection of now ends, after the answer that it awaits: a server that serves one connection at a time comes
  // to the next one.
  void renew_connections();
  // Ends all connections; no `done` runs after it.
  void close();

  // Whether a request is under way of which the server has seen something, on a connection that stands.
  bool any_begun() const;
  std::size_t connections() const;
  std::size_t waiting() const;
  const Endpoint& endpoint() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace ringside::net
