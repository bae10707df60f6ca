// What has become of one HTTP/1.1 request of a client.
#pragma once

#include <string>

#include "sidecar/net/http_message.h"

namespace ringside::net {

enum class HttpOutcome {
  kAnswered,  // `response` is whole
  kNotSent,   // surely nothing reached the server: no connection, not a byte written, or closed before any of it came
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

}  // namespace ringside::net
