// Requests to one HTTP server, whatever the version, and what has become of each. Loop thread only.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include <absl/functional/any_invocable.h>

#include "sidecar/base/number.h"
#include "sidecar/net/http_message.h"
#include "sidecar/net/transport.h"

namespace ringside::net {

enum class HttpOutcome {
  kAnswered,  // `response` is whole
  kNotSent,   // surely the server did nothing: no connection, not a byte written, closed before any of it came, refused
  kLost,      // written, at least in part, and then no whole answer: broken, too big, malformed, or too late
};

struct HttpResult {
  HttpOutcome outcome = HttpOutcome::kLost;
  HttpResponse response;
  bool no_listener = false;  // connection refused: no process listens there
  bool timed_out = false;    // the deadline passed
  bool overloaded = false;   // kNotSent by the bound on waiting requests
  bool malformed = false;    // kLost: what came is not an answer
  bool too_large = false;    // kLost: the answer is beyond the limits
  std::string error;         // for people
};

// When a request must have begun, where it has no end.
struct HttpStart {
  Clock::time_point by;
  // A header of this name says what is left until `by`, as it is when the request gets its connection.
  std::string time_left_header;
};

// Nothing that a server may have seen is ever repeated. `done` never runs inside a function that makes a request.
class HttpClient {
 public:
  using RequestId = base::Number<struct RequestTag>;
  using Done = absl::AnyInvocable<void(HttpResult)>;

  virtual ~HttpClient() = default;  // as close()

  // What names the server, and how long the body is, is said here; headers of the caller's that say so too are dropped,
  // and so are headers with CR, LF or NUL in them.
  virtual RequestId request(const HttpRequest& request, std::optional<Clock::time_point> deadline, Done done) = 0;
  // Without a deadline. Of which not a byte was written in time: kNotSent and `timed_out`.
  virtual RequestId request_by(const HttpRequest& request, HttpStart start, Done done) = 0;
  // It may wait for its connection for ever, and then has so long: from when it begins to be written.
  virtual RequestId request_within(const HttpRequest& request, std::chrono::milliseconds answer, Done done) = 0;
  // Its `done` will not run, and the server is told, or finds its connection closed. True when not a byte of it was
  // written.
  virtual bool cancel(RequestId request) = 0;
  // What has come of the answer to a request that is under way, for a person: "its answer had begun (status 200, 312
  // bytes of its body)". Empty: nothing has.
  virtual std::string answer_so_far(RequestId request) const = 0;
  // Where a connection carries one request at a time, each of now ends after the answer that it awaits: a server that
  // serves one connection at a time comes to the next one.
  virtual void renew_connections() = 0;
  // Ends all that is under way; no `done` runs after it.
  virtual void close() = 0;

  // Whether a request is under way of which the server has seen something, on a connection that stands.
  virtual bool any_begun() const = 0;
  // Requests that wait for a connection, or a place on one.
  virtual std::size_t waiting() const = 0;
};

HttpResult not_sent(std::string error);
// May be sent; the method and the target of others would break the form of a request.
bool is_sendable(const HttpRequest& request);
// A request without a body whose length is not said.
bool is_bodiless(const HttpRequest& request);
// "7250ms": until then, and one at least.
std::string time_left(Clock::time_point until);
// How it is told: "its answer had begun (status 200, 312 bytes of its body)".
std::string told_answer(int status, std::size_t body_bytes);

}  // namespace ringside::net
