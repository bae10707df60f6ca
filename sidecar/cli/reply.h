// What came of one request to a local listener.
#pragma once

#include <string>

#include "sidecar/net/http_message.h"

namespace ringside::cli {

struct Reply {
  enum class Kind {
    kAnswered,
    kNobody,  // nobody listens there; nothing was sent
    kLost,    // sent, and then no answer
  };
  Kind kind = Kind::kNobody;
  net::HttpResponse response;
  std::string error;  // for people
};

}  // namespace ringside::cli
