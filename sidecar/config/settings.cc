#include "sidecar/config/settings.h"

#include "sidecar/base/checked.h"

namespace ringside::config {
namespace {

std::string host_and_port(const std::string& host, std::uint16_t port) {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace

std::string to_string(const TcpListen& listen) { return host_and_port(listen.address, listen.port); }

std::string to_string(const Listen& listen) {
  if (const auto* tcp = std::get_if<TcpListen>(&listen)) return to_string(*tcp);
  return "unix:" + base::as<UnixPath>(listen).path;
}

std::string to_string(const JoinSource& source) {
  if (const auto* dns = std::get_if<JoinDns>(&source)) {
    return "dns:" + dns->name + (dns->port == core::kDefaultPeerPort ? "" : ":" + std::to_string(dns->port));
  }
  if (const auto* srv = std::get_if<JoinSrv>(&source)) return "dns:" + srv->name;
  if (const auto* pods = std::get_if<JoinKubernetes>(&source)) {
    return "k8s:" + pods->service + (pods->name_space.empty() ? "" : "." + pods->name_space) +
           (pods->port == core::kDefaultPeerPort ? "" : ":" + std::to_string(pods->port));
  }
  std::string out;
  for (const core::HostName& host : base::as<JoinStatic>(source).hosts) {
    out += (out.empty() ? "" : ",") + host.to_string();
  }
  return out;
}

std::string to_string(const AppTarget& app) {
  const std::string scheme = app.protocol == AppProtocol::kGrpc  ? "grpc"
                             : app.protocol == AppProtocol::kH2c ? "h2c"
                                                                 : "http";
  if (const auto* tcp = std::get_if<AppTcp>(&app.at)) return scheme + "://" + host_and_port(tcp->host, tcp->port);
  return scheme + "+unix:" + base::as<UnixPath>(app.at).path;
}

core::HostName announced_host(const Settings& settings, std::uint16_t bound_peer_port) {
  core::HostName host = settings.host;
  if (!settings.host_has_port) host.port = bound_peer_port;
  return host;
}

}  // namespace ringside::config
