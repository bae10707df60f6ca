// Who may reach the local listener: programs on this machine, never a web page that a browser on it shows.
#pragma once

#include <string>
#include <vector>

#include "sidecar/base/result.h"
#include "sidecar/core/call.h"
#include "sidecar/net/http_message.h"

namespace ringside::local {

// net::check_origin of a request over HTTP, with the answer for its caller (forbidden).
base::Result<void, core::Answer> check_guards(const net::HttpRequest& request,
                                              const std::vector<std::string>& allow_hosts);

enum class BodyType { kOther, kJson, kProtobuf };
// application/json (in UTF-8), application/protobuf, application/x-protobuf.
BodyType body_type(const net::HttpRequest& request);

// The client would rather have protobuf than JSON.
bool prefers_protobuf(const net::HttpRequest& request);

}  // namespace ringside::local
