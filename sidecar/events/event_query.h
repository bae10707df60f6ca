// What a request for events asks for: GET /v1/events and GET /events.
//
//   Accept: text/event-stream, or neither of the two   each as it happens (server-sent events), after those that
//                                                      Last-Event-ID, ?after or ?since name
//   Accept: application/json rather than that, or ?since without either   a list
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "sidecar/base/result.h"
#include "sidecar/net/http_message.h"

namespace ringside::events {

struct EventQuery {
  bool follow = false;
  std::optional<std::chrono::milliseconds> since = {};  // those that are at most so old
  std::optional<std::uint64_t> after = {};              // those with a greater number
};

// The error says what is wrong, and what is allowed.
base::Result<EventQuery, std::string> read_event_query(const net::HttpRequest& request);

}  // namespace ringside::events
