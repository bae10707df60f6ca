// HTTP/1.1 to one endpoint over a pool of kept-alive connections. Nothing is ever repeated here. Loop thread
// only. `done` never runs inside request().
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <absl/functional/any_invocable.h>

#include "sidecar/base/number.h"
#include "sidecar/net/http1/http1_client_options.h"
#include "sidecar/net/http1/http1_result.h"
#include "sidecar/net/http_message.h"
#include "sidecar/net/transport.h"

namespace ringside::net {

// When a request must have begun, where it has no end.
struct HttpStart {
  Clock::time_point by;
  // A header of this name says what is left until `by`, as it is when the request gets its connection.
  std::string time_left_header;
};

class Http1Client {
 public:
  using RequestId = base::Number<struct RequestTag>;
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
