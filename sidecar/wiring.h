// Settings, as the options that each part takes. main.cc's alone.
#pragma once

#include <string>

#include "sidecar/config/settings.h"
#include "sidecar/core/node.h"
#include "sidecar/local/local_api.h"
#include "sidecar/net/endpoint.h"
#include "sidecar/peer/peer_server.h"
#include "sidecar/runtime/log.h"

namespace ringside {

net::Endpoint to_endpoint(const config::Listen& listen);
core::NodeConfig node_config(const config::Settings& settings, const core::HostName& host, const std::string& version);
peer::PeerServerOptions peer_options(const config::Settings& settings);
local::LocalOptions local_options(const config::Settings& settings, runtime::Log& log, const std::string& version);
runtime::LogOptions log_options(const config::Settings& settings);

}  // namespace ringside
