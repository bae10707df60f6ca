#include "adapters/make_adapter.h"

#include "adapters/grpc/grpc_adapter.h"
#include "adapters/http/http_adapter.h"

namespace ringside::adapters {
namespace {

net::Endpoint endpoint_of(const config::AppTarget& app) {
  net::Endpoint endpoint;
  if (const auto* unix_path = std::get_if<config::UnixPath>(&app.at)) {
    endpoint.unix_path = unix_path->path;
  } else {
    const auto& tcp = std::get<config::AppTcp>(app.at);
    endpoint.host = tcp.host;
    endpoint.port = tcp.port;
  }
  return endpoint;
}

}  // namespace

std::unique_ptr<AppAdapter> make_adapter(net::Loop& loop, const config::Settings& settings,
                                         std::shared_ptr<net::Resolver> resolver, const wire::ApplyJson& json,
                                         core::AppSink& sink, runtime::Log& log, std::function<double()> random) {
  HttpAdapterOptions options;
  options.app = endpoint_of(*settings.app);
  options.resolver = std::move(resolver);
  options.random = std::move(random);
  options.max_message = settings.max_message;
  options.max_in_flight = settings.max_actors_in_flight;
  options.turn_timeout = settings.turn_timeout;
  options.health_interval = settings.app_health_interval;
  options.down_after = settings.app_down_after;
  if (settings.app->protocol == config::AppProtocol::kGrpc) {
    return std::make_unique<GrpcAdapter>(loop, std::move(options), sink, log);
  }
  options.json = settings.app_body == config::AppBody::kJson;
  options.health_path = settings.app_health_path;
  return std::make_unique<HttpAdapter>(loop, std::move(options), json, sink, log);
}

}  // namespace ringside::adapters
