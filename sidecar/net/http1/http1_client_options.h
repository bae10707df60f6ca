// Where a client of HTTP/1.1 connects, and how it deals with its connections.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "sidecar/net/answer_room.h"
#include "sidecar/net/endpoint.h"
#include "sidecar/net/transport.h"

namespace ringside::net {

class Resolver;

struct Http1ClientOptions {
  Endpoint endpoint;
  std::shared_ptr<Resolver> resolver;  // needed where the endpoint is a name
  std::string host_header;             // empty: the endpoint; "localhost" for Unix sockets
  std::size_t max_connections = 64;
  std::size_t max_waiting = 10'000;
  std::size_t max_header = 64 * 1024;
  std::size_t max_body = std::size_t{4} << 20;
  std::shared_ptr<AnswerRoom> room;  // for answers that are coming in; null: max_body is their only bound
  std::chrono::milliseconds connect_timeout{5'000};
  // A connection idle for longer is not used again; an answer's "Keep-Alive: timeout=N" makes it most of N seconds.
  // Zero: each request has a connection of its own.
  std::chrono::milliseconds max_idle{1'000};
  // Some servers close after an answer and do not say so; what is written meanwhile is lost. Not zero: a connection is
  // used again at once only while the server is known to leave them open for so long (sidecar/net/http1/reuse_trust.h).
  std::chrono::milliseconds watch_after_answer{0};
  // Takes the last place in the server's backlog, which others leave free (sidecar/net/http1/connect_pace.h).
  bool last_place = false;
  // A connection whose answer has come is given up wherever others wait to be accepted, also those of other clients.
  // Without it that is so only where requests of this client wait on new connections.
  bool gives_way = false;
  // Asked at each new connection before anything is written to it; may cancel requests. May be empty.
  std::function<void(Transport&)> on_connected = {};
  // The server ended an idle connection before it was due. May be empty.
  std::function<void()> on_idle_end = {};
};

}  // namespace ringside::net
