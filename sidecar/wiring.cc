#include "sidecar/wiring.h"

#include <algorithm>
#include <cstdlib>

#include "adapters/grpc/grpc_adapter.h"
#include "adapters/http/http_adapter.h"
#include "sidecar/base/checked.h"
#include "sidecar/config/read_file.h"

namespace ringside {
namespace {

constexpr std::size_t kLeastNestedTurns = 8192;

core::Duration micros(config::Milliseconds duration) { return std::chrono::duration_cast<core::Duration>(duration); }

net::Endpoint endpoint_of(const config::AppTarget& app) {
  net::Endpoint endpoint;
  if (const auto* unix_path = std::get_if<config::UnixPath>(&app.at)) {
    endpoint.unix_path = unix_path->path;
  } else {
    const auto& tcp = base::as<config::AppTcp>(app.at);
    endpoint.host = tcp.host;
    endpoint.port = tcp.port;
  }
  return endpoint;
}

}  // namespace

net::Endpoint to_endpoint(const config::Listen& listen) {
  net::Endpoint endpoint;
  if (const auto* unix_path = std::get_if<config::UnixPath>(&listen)) {
    endpoint.unix_path = unix_path->path;
  } else {
    const auto& tcp = base::as<config::TcpListen>(listen);
    endpoint.host = tcp.address;
    endpoint.port = tcp.port;
  }
  return endpoint;
}

std::size_t listener_bytes(std::optional<std::size_t> limit) {
  constexpr std::size_t kMost = std::size_t{256} << 20;
  return limit ? std::min(kMost, *limit / 8) : kMost;
}

std::string queue_warning(const config::Settings& settings, std::optional<std::size_t> limit) {
  if (!limit || settings.queue_bytes <= *limit / 4) return "";
  return "--queue-bytes is more than a quarter of the memory that this process may use (" +
         std::to_string(*limit >> 20) + " MiB)";
}

net::ResolverOptions resolver_options(const config::Settings& settings) {
  net::ResolverOptions options;
  options.servers = settings.dns_servers;
  return options;
}

core::NodeConfig node_config(const config::Settings& settings, const core::HostName& host, const std::string& version,
                             std::size_t app_connections) {
  core::NodeConfig config;
  config.host = host.to_string();
  config.cluster = settings.cluster;
  config.version = version;
  config.zone = settings.zone;
  config.points = settings.points;
  config.weight = settings.weight;
  config.has_app = settings.app.has_value();
  config.accept_legacy = settings.legacy_peers == config::LegacyPeers::kAccept;
  config.ping_interval = micros(settings.ping_interval);
  config.dead_after = micros(settings.dead_after);
  config.join_timeout = micros(settings.join_timeout);
  config.min_members = settings.min_members;
  config.quorum = settings.quorum;
  config.idle_timeout = micros(settings.actor_idle_timeout);
  config.hold_timeout = micros(settings.hold_timeout);
  config.turn_timeout = micros(settings.turn_timeout);
  config.drain_timeout = micros(settings.drain_timeout);
  config.queue_per_actor = settings.queue_per_actor;
  config.queue_bytes = settings.queue_bytes;
  config.remembered_bytes = settings.queue_bytes / 2;
  config.max_turns = settings.max_actors_in_flight;
  // A turn over HTTP/1.1 takes a connection; some are left for turns that others wait for, and for deactivations.
  const bool http = settings.app && settings.app->protocol == config::AppProtocol::kHttp;
  if (http) config.max_turns = std::clamp<std::size_t>(app_connections / 2, 1, config.max_turns);
  config.most_turns = http ? app_connections : std::max<std::size_t>(kLeastNestedTurns, 8 * config.max_turns);
  config.peer_apply_own = settings.peer_apply == config::PeerApply::kOwn;
  return config;
}

peer_tls::PeerTlsOptions peer_tls_options(const config::Settings& settings, std::function<double()> random) {
  peer_tls::PeerTlsOptions options;
  options.mode = settings.peer_tls;
  options.paths = {settings.tls_cert, settings.tls_key, settings.tls_roots};
  options.read_file = [](const std::string& path) { return config::read_file(path, peer_tls::kMostOfAFile); };
  options.tls.members = settings.member_ids;
  options.tls.callers = settings.caller_ids;
  options.tls.clock_skew = settings.tls_clock_skew;
  options.tls.max_age = settings.peer_connection_max_age;
  options.tls.to_leave = std::max<config::Milliseconds>(options.tls.to_leave, settings.turn_timeout);
  options.tls.wall = [] { return std::chrono::system_clock::now(); };
  options.tls.random = std::move(random);
  return options;
}

peer::PeerServerOptions peer_options(const config::Settings& settings) {
  peer::PeerServerOptions options;
  options.max_message = settings.max_message;
  options.default_timeout = micros(settings.default_timeout);
  options.max_timeout = micros(settings.max_timeout);
  return options;
}

local::LocalOptions local_options(const config::Settings& settings, log::Log& log, const std::string& version) {
  local::LocalOptions options;
  options.calls.timeouts = {micros(settings.default_timeout), micros(settings.max_timeout)};
  options.calls.max_message = settings.max_message;
  options.allow_hosts = settings.allow_hosts;
  options.log_level = [&log] { return std::string(log::to_string(log.level())); };
  options.set_log_level = [&log](std::string_view word) {
    const auto level = log::parse_level(word);
    if (level) log.set_level(*level);
    return level.has_value();
  };
  options.version = version;
  return options;
}

discovery::KubernetesAccess kubernetes_access(const config::Settings& settings, const core::HostName& host) {
  discovery::KubernetesAccess access;
  access.server = discovery::kubernetes_server([](const char* name) { return std::getenv(name); });
  // Without an app this host is not on the ring, and bootstraps nothing: it may call from a pod that the service leaves
  // out.
  if (settings.app && host.is_ip) access.self = host.address;
  return access;
}

base::Result<void, std::string> find_kubernetes(const config::Loaded& loaded) {
  for (const config::JoinSource& source : loaded.settings.join) {
    if (std::holds_alternative<config::JoinKubernetes>(source) &&
        !discovery::kubernetes_server([](const char* name) { return std::getenv(name); })) {
      return base::Error(
          loaded.refusal("join", config::to_string(source),
                         "needs a Kubernetes pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set"));
    }
  }
  return {};
}

log::LogOptions log_options(const config::Settings& settings) {
  log::LogOptions options;
  options.level = settings.log_level;
  options.format = settings.log_format == config::LogFormat::kJson ? log::Format::kJson : log::Format::kLogfmt;
  return options;
}

std::unique_ptr<adapters::AppAdapter> make_adapter(net::Loop& loop, const config::Settings& settings,
                                                   std::size_t connections, std::size_t answer_bytes,
                                                   std::shared_ptr<net::Resolver> resolver, wire::JsonWork& json,
                                                   core::AppSink& sink, log::Log& log, std::function<double()> random) {
  adapters::AdapterOptions options;
  options.app = endpoint_of(*settings.app);
  options.resolver = std::move(resolver);
  options.random = std::move(random);
  options.max_message = settings.max_message;
  options.max_in_flight = settings.max_actors_in_flight;
  options.connections = connections;
  options.answer_bytes = answer_bytes;
  options.turn_timeout = settings.turn_timeout;
  options.health_interval = settings.app_health_interval;
  options.down_after = settings.app_down_after;
  options.health_service = settings.app_health_service;
  if (settings.app->protocol == config::AppProtocol::kGrpc) {
    return std::make_unique<adapters::GrpcAdapter>(loop, std::move(options), sink, log);
  }
  adapters::HttpAdapterOptions http{std::move(options), settings.app_body == config::AppBody::kJson,
                                    settings.app_health_path, settings.app->protocol == config::AppProtocol::kH2c};
  return std::make_unique<adapters::HttpAdapter>(loop, std::move(http), json, sink, log);
}

}  // namespace ringside
