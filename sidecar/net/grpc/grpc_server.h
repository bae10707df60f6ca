// gRPC over an HTTP/2 server: which method answers a request, and what is said where none does.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "sidecar/base/result.h"
#include "sidecar/net/grpc/method_table.h"
#include "sidecar/net/http2/http2_server.h"

namespace ringside::net {

struct GrpcServerOptions {
  // What is not in it answers UNIMPLEMENTED.
  std::shared_ptr<const MethodTable> methods;
  // Whether a request may reach any method at all; the error says why not. Null: all may.
  std::function<base::Result<void, std::string>(const std::string& authority, const std::string& peer,
                                                const Metadata& metadata)>
      guard = nullptr;
  // What serves requests that are not gRPC, on the same connections. Null: they are answered 415.
  std::function<std::unique_ptr<Http2Service>()> not_grpc = nullptr;
};

// For Http2Options::service. Metadata above max_header_list is answered with RESOURCE_EXHAUSTED.
std::function<std::unique_ptr<Http2Service>()> serve_grpc(GrpcServerOptions options);

}  // namespace ringside::net
