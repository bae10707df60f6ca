#include "sidecar/config/values.h"

#include <utility>

#include "sidecar/base/parse.h"
#include "sidecar/base/unix_path.h"

namespace ringside::config {
namespace {

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

Read<UnixPath> read_unix_path(std::string_view text) {
  auto path = base::read_unix_path(text);
  if (!path) return base::Error(path.error());
  return UnixPath{std::move(*path)};
}

bool has_port(std::string_view host) {
  if (host.starts_with('[')) return host.find("]:") != std::string_view::npos;
  return host.find(':') != std::string_view::npos && host.find(':') == host.rfind(':');
}

bool unspecified(const core::HostName& host) { return host.address == "0.0.0.0" || host.address == "::"; }

}  // namespace

Read<TcpListen> read_tcp_listen(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return base::Error("has no port");
  const std::string_view address = text.substr(0, colon);
  const auto port = base::parse_whole<std::uint16_t>(text.substr(colon + 1));
  if (!port) return base::Error("has no port between 0 and 65535 behind the last colon");
  const auto ip = core::canonical_ip(address);
  if (!ip) return base::Error("does not start with an IP address");
  if (address.find(':') != std::string_view::npos && !address.starts_with('['))
    return base::Error("needs brackets: [IPv6]:PORT");
  return TcpListen{*ip, *port};
}

Read<Listen> read_listen(std::string_view text) {
  if (take_prefix(text, "unix:")) {
    auto path = read_unix_path(text);
    if (!path) return base::Error(path.error());
    return Listen(std::move(*path));
  }
  auto tcp = read_tcp_listen(text);
  if (!tcp) return base::Error(tcp.error());
  return Listen(std::move(*tcp));
}

// SERVICE[.NAMESPACE][:PORT]
Read<JoinSource> read_join_kubernetes(std::string_view text) {
  const auto name = core::parse_host_name(text);
  if (!name || name->is_ip || text.front() == '[') return base::Error("is not SERVICE[.NAMESPACE][:PORT] behind k8s:");
  const std::string& path = name->address;
  const std::size_t dot = path.find('.');
  if (dot != std::string::npos && path.find('.', dot + 1) != std::string::npos) {
    return base::Error("has more than a service and a namespace behind k8s:");
  }
  return JoinSource(
      JoinKubernetes{path.substr(0, dot), dot == std::string::npos ? std::string() : path.substr(dot + 1), name->port});
}

Read<JoinSource> read_join(std::string_view text) {
  if (take_prefix(text, "k8s:")) return read_join_kubernetes(text);
  if (take_prefix(text, "dns:")) {
    const auto name = core::parse_host_name(text);
    if (!name) return base::Error("is not a DNS name with an optional port behind dns:");
    if (name->is_ip) return base::Error("is an address, not a name; leave dns: away");
    if (text.starts_with('_')) {
      if (has_port(text)) return base::Error("names a port, but SRV records carry their own");
      return JoinSource(JoinSrv{name->address});
    }
    return JoinSource(JoinDns{name->address, name->port});
  }
  JoinStatic source;
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    auto host = core::parse_host_name(part);
    if (!host) return base::Error("holds \"" + std::string(part) + "\", which is not a host name or an address");
    if (unspecified(*host)) return base::Error("holds " + host->address + ", which is not the address of a host");
    source.hosts.push_back(std::move(*host));
    if (comma == std::string_view::npos) return JoinSource(std::move(source));
    text.remove_prefix(comma + 1);
  }
}

Read<AppTarget> read_app(std::string_view text) {
  if (text == "dial") return base::Error("is not available yet");
  AppTarget app;
  if (text.starts_with("grpc")) app.protocol = AppProtocol::kGrpc;
  if (text.starts_with("h2c")) app.protocol = AppProtocol::kH2c;
  if (take_prefix(text, "http+unix:") || take_prefix(text, "h2c+unix:") || take_prefix(text, "grpc+unix:")) {
    auto path = read_unix_path(text);
    if (!path) return base::Error(path.error());
    app.at = std::move(*path);
    return app;
  }
  if (text.starts_with("https://") || text.starts_with("grpcs://"))
    return base::Error("asks for TLS, but the app is local");
  if (!take_prefix(text, "http://") && !take_prefix(text, "h2c://") && !take_prefix(text, "grpc://")) {
    return base::Error("starts with none of http:// h2c:// grpc:// http+unix: h2c+unix: grpc+unix:");
  }
  if (text.ends_with('/')) text.remove_suffix(1);
  if (text.find_first_of("/?#") != std::string_view::npos)
    return base::Error("has a path; only host and port may be given");
  const auto host = core::parse_host_name(text);
  if (!host) return base::Error("has no host or address with a port between 1 and 65535");
  if (!has_port(text) && app.protocol == AppProtocol::kGrpc) return base::Error("has no port");
  app.at = AppTcp{host->address, has_port(text) ? host->port : std::uint16_t{80}};
  return app;
}

Read<AnnouncedHost> read_announced_host(std::string_view text) {
  auto host = core::parse_host_name(text);
  if (!host) return base::Error("is not a host name or an address");
  if (unspecified(*host)) return base::Error("is an address that nobody can reach");
  return AnnouncedHost{std::move(*host), has_port(text)};
}

Read<std::string> read_allowed_host(std::string_view text) {
  const auto host = core::parse_host_name(text);
  if (!host || has_port(text)) return base::Error("is not a host name without a port");
  return host->address;
}

Read<std::string> read_dns_server(std::string_view text) {
  const std::string whole = has_port(text) ? std::string(text) : std::string(text) + ":53";
  const auto at = read_tcp_listen(whole);
  if (!at || at->port == 0) return base::Error("is not an IP address, with or without a port");
  return to_string(*at);
}

bool is_loopback(const Listen& listen) {
  const auto* tcp = std::get_if<TcpListen>(&listen);
  return tcp == nullptr || tcp->address == "::1" || tcp->address.starts_with("127.");
}

bool is_beside_us(const AppTarget& app) {
  const auto* tcp = std::get_if<AppTcp>(&app.at);
  if (tcp == nullptr || tcp->host == "localhost" || tcp->host == "::1") return true;
  // As an address only: 127.example.com is a name. One that is written as IPv6 may hold one of IPv4.
  std::string_view host = tcp->host;
  constexpr std::string_view kMapped = "::ffff:";
  if (host.starts_with(kMapped)) host.remove_prefix(kMapped.size());
  return host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos;
}

}  // namespace ringside::config
