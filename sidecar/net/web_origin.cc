#include "sidecar/net/web_origin.h"

#include <algorithm>

#include "sidecar/net/endpoint.h"

namespace ringside::net {
namespace {

bool good_host(const std::string& host, const std::vector<std::string>& allow_hosts) {
  const auto endpoint = parse_endpoint(to_lower(host), 80);
  if (!endpoint || endpoint->is_unix()) return false;
  return endpoint->is_loopback() ||
         std::find(allow_hosts.begin(), allow_hosts.end(), endpoint->host) != allow_hosts.end();
}

}  // namespace

base::Result<void, std::string> check_origin(const std::string& host, std::string_view peer, const Metadata& headers,
                                             const std::vector<std::string>& allow_hosts) {
  if (peer != "unix" && !good_host(host, allow_hosts)) {
    return base::Error(
        "Host (gRPC: the authority) must be a loopback address, localhost, or a name given by --allow-host");
  }
  for (const Header& header : headers) {
    if (header.name == "origin") return base::Error("requests of web pages (Origin) are not served");
    if (header.name == "sec-fetch-site" && header.value != "none" && header.value != "same-origin") {
      return base::Error("requests of web pages (Sec-Fetch-Site) are not served");
    }
  }
  return {};
}

}  // namespace ringside::net
