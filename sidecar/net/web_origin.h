// Whether a request comes from a program on this machine, and not from a web page that a browser on it shows.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sidecar/base/result.h"
#include "sidecar/net/metadata.h"

namespace ringside::net {

// Host (gRPC: the authority) must be a loopback literal, localhost, or one of `allow_hosts` (any on a Unix socket,
// which no page reaches): a page that was loaded under a name may have that name lead here later (DNS rebinding). No
// Origin; Sec-Fetch-Site, wherever there is one, none or same-origin. The error says why it may not pass.
base::Result<void, std::string> check_origin(const std::string& host, std::string_view peer, const Metadata& headers,
                                             const std::vector<std::string>& allow_hosts);

}  // namespace ringside::net
