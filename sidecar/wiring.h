// Settings, as the options that each part takes. main.cc's alone.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "adapters/app_adapter.h"
#include "sidecar/base/result.h"
#include "sidecar/config/load.h"
#include "sidecar/core/node.h"
#include "sidecar/discovery/kubernetes.h"
#include "sidecar/local/local_api.h"
#include "sidecar/log/log.h"
#include "sidecar/net/endpoint.h"
#include "sidecar/net/resolver.h"
#include "sidecar/peer/peer_server.h"
#include "sidecar/peer_tls/peer_tls.h"
#include "sidecar/wire/json_work.h"

namespace ringside {

net::Endpoint to_endpoint(const config::Listen& listen);
// Bytes of requests and unread answers that the listeners of one kind may hold; `limit`: of this process's memory.
std::size_t listener_bytes(std::optional<std::size_t> limit);
// What is wrong with --queue-bytes where memory is limited so; empty: nothing.
std::string queue_warning(const config::Settings& settings, std::optional<std::size_t> limit);
net::ResolverOptions resolver_options(const config::Settings& settings);
// `app_connections`: how many there may be to the application.
core::NodeConfig node_config(const config::Settings& settings, const core::HostName& host, const std::string& version,
                             std::size_t app_connections);
peer_tls::PeerTlsOptions peer_tls_options(const config::Settings& settings, std::function<double()> random);
peer::PeerServerOptions peer_options(const config::Settings& settings);
local::LocalOptions local_options(const config::Settings& settings, log::Log& log, const std::string& version);
// settings.app is set. `connections`: to the app, at most. `answer_bytes`: of its answers that are coming in. `json`,
// `sink` and `log` outlive the adapter.
std::unique_ptr<adapters::AppAdapter> make_adapter(net::Loop& loop, const config::Settings& settings,
                                                   std::size_t connections, std::size_t answer_bytes,
                                                   std::shared_ptr<net::Resolver> resolver, wire::JsonWork& json,
                                                   core::AppSink& sink, log::Log& log, std::function<double()> random);
discovery::KubernetesAccess kubernetes_access(const config::Settings& settings, const core::HostName& host);
// Whether --join k8s: can work here, where it is asked for. The error says why it cannot.
base::Result<void, std::string> find_kubernetes(const config::Loaded& loaded);
log::LogOptions log_options(const config::Settings& settings);

}  // namespace ringside
