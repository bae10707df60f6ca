// Who may reach the local listener: programs on this machine, never a web page that a browser on it shows.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sidecar/base/result.h"
#include "sidecar/core/call.h"
#include "sidecar/net/grpc/method_table.h"
#include "sidecar/net/http_message.h"

namespace ringside::local {

// Host (gRPC: the authority) must be a loopback literal, localhost, or one of `allow_hosts` (any on a Unix socket,
// which no page reaches); no Origin; Sec-Fetch-Site, wherever there is one, none or same-origin. The error says why it
// may not pass.
base::Result<void, std::string> check_origin(const std::string& host, std::string_view peer,
                                             const net::Metadata& headers, const std::vector<std::string>& allow_hosts);
// The same for a request over HTTP/1, with the answer for its caller (forbidden).
base::Result<void, core::Answer> check_guards(const net::HttpRequest& request,
                                              const std::vector<std::string>& allow_hosts);

enum class BodyType { kOther, kJson, kProtobuf };
// application/json (in UTF-8), application/protobuf, application/x-protobuf.
BodyType body_type(const net::HttpRequest& request);

// The client would rather have protobuf than JSON.
bool prefers_protobuf(const net::HttpRequest& request);

}  // namespace ringside::local
