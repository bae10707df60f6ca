// Ordinary HTTP requests over HTTP/2: what answers them, the limits and the errors are those of HTTP/1.1.
//
// A request that is not whole within its time is answered 408; an answer of which nothing is read for so long is given
// up, and its stream reset. Where bytes are short, whoever keeps a request incomplete or an answer unread for longest
// gives way, as over HTTP/1.1 (503, or a reset).
#pragma once

#include <functional>
#include <memory>

#include "sidecar/net/http2/http2_server.h"
#include "sidecar/net/http_serving.h"

namespace ringside::net {

// For Http2Options::service, or GrpcServerOptions::not_grpc.
std::function<std::unique_ptr<Http2Service>()> serve_requests(HttpServing serving);

}  // namespace ringside::net
