#include "adapters/http/app_links.h"

#include <algorithm>
#include <optional>

#include "sidecar/base/parse.h"
#include "sidecar/base/text.h"
#include "sidecar/net/reference.h"

namespace ringside::adapters {
namespace {

constexpr std::string_view kActors = "/actors/";
constexpr std::string_view kMethod = "/method/";
constexpr std::string_view kCallersRoot = "/v1";

// "/actors/{id}/method/...": the id's text; nothing where it is not such a path.
std::optional<std::string_view> actor_of(std::string_view path) {
  if (!path.starts_with(kActors)) return std::nullopt;
  const std::string_view rest = path.substr(kActors.size());
  const std::size_t end = rest.find('/');
  if (end == 0 || end == std::string_view::npos || !rest.substr(end).starts_with(kMethod)) return std::nullopt;
  return rest.substr(0, end);
}

struct HostPort {
  std::string_view host;  // IPv6 without brackets
  std::uint16_t port = 0;
};

std::optional<HostPort> host_port(std::string_view authority, std::string_view scheme) {
  HostPort at{authority, static_cast<std::uint16_t>(scheme == "https" ? 443 : 80)};
  if (authority.find('@') != std::string_view::npos) return std::nullopt;
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.rfind(':');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    const std::string_view digits = authority.substr(colon + 1);
    at.host = authority.substr(0, colon);
    if (!digits.empty()) {
      const auto port = base::parse_whole<std::uint16_t>(digits);
      if (!port) return std::nullopt;
      at.port = *port;
    }
  }
  if (at.host.starts_with('[') && at.host.ends_with(']')) at.host = at.host.substr(1, at.host.size() - 2);
  return at;
}

bool is_loopback(std::string_view host) {
  const net::Endpoint at{std::string(host), 0, ""};
  return at.is_loopback() || host == "0.0.0.0" || host == "::";
}

}  // namespace

bool AppLinks::is_own(std::string_view authority, std::string_view scheme, std::string_view forwarded_host) const {
  if (!forwarded_host.empty() && authority == net::to_lower(forwarded_host)) return true;
  const auto at = host_port(authority, scheme);
  if (!at) return false;
  if (app_.is_unix()) return at->host == "localhost";
  if (at->port != app_.port) return false;
  return at->host == net::to_lower(app_.host) || (app_.is_loopback() && is_loopback(at->host));
}

std::string AppLinks::for_caller(std::string_view reference, std::string_view target, std::string_view forwarded_host,
                                 const core::Call& call) const {
  const net::Reference parts = net::split_reference(reference);
  const bool http = parts.scheme.empty() || parts.scheme == "http" || parts.scheme == "https";
  const bool elsewhere =
      parts.has_authority ? !is_own(parts.authority, parts.scheme, forwarded_host) : !parts.scheme.empty();
  if (!http || elsewhere || (!parts.has_authority && parts.path.empty())) return std::string(reference);
  const std::string_view base = target.substr(0, target.find('?'));
  const std::string path = parts.path.empty() ? "/" : net::resolve_path(base, parts.path);
  const auto actor = actor_of(path);
  if (!actor) return std::string(reference);
  const bool relative = !parts.has_authority && !parts.path.starts_with('/');
  if (relative &&
      net::resolve_path(std::string(kCallersRoot).append(base), parts.path) == std::string(kCallersRoot) + path) {
    return std::string(reference);  // it leads the caller to the same place, whatever that one's own prefix is
  }
  std::string id(*actor);
  if (!call.actor_name.empty() && id == to_string(call.id)) id = "name:" + base::percent_encode(call.actor_name);
  std::string rewritten(kCallersRoot);
  rewritten.append(kActors).append(id).append(path.substr(kActors.size() + actor->size()));
  return rewritten.append(parts.rest);
}

void AppLinks::rewrite(net::Metadata& headers, std::string_view target, std::string_view forwarded_host,
                       const core::Call& call) const {
  for (const char* name : {"location", "content-location"}) {
    const std::string* reference = headers.find(name);
    if (reference == nullptr || headers.count(name) != 1) continue;
    headers.set(name, for_caller(*reference, target, forwarded_host, call));
  }
}

}  // namespace ringside::adapters
