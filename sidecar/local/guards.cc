#include "sidecar/local/guards.h"

#include <algorithm>

#include "sidecar/net/endpoint.h"
#include "sidecar/wire/invalid.h"

namespace ringside::local {
namespace {

bool good_host(const std::string& host, const std::vector<std::string>& allow_hosts) {
  const auto endpoint = net::parse_endpoint(net::to_lower(host), 80);
  if (!endpoint || endpoint->is_unix()) return false;
  return endpoint->is_loopback() ||
         std::find(allow_hosts.begin(), allow_hosts.end(), endpoint->host) != allow_hosts.end();
}

}  // namespace

base::Result<void, std::string> check_origin(const std::string& host, std::string_view peer,
                                             const net::Metadata& headers,
                                             const std::vector<std::string>& allow_hosts) {
  if (peer != "unix" && !good_host(host, allow_hosts)) {
    return base::Error(
        "Host (gRPC: the authority) must be a loopback address, localhost, or a name given by --allow-host");
  }
  for (const net::Header& header : headers) {
    if (header.name == "origin") return base::Error("requests of web pages (Origin) are not served");
    if (header.name == "sec-fetch-site" && header.value != "none" && header.value != "same-origin") {
      return base::Error("requests of web pages (Sec-Fetch-Site) are not served");
    }
  }
  return {};
}

base::Result<void, core::Answer> check_guards(const net::HttpRequest& request,
                                              const std::vector<std::string>& allow_hosts) {
  const auto forbid = [](std::string why) {
    return base::Error(wire::invalid(core::Reason::kForbidden, std::move(why)));
  };
  if (request.headers.count("host") > 1) return forbid("there is more than one Host header");
  const std::string host(request.headers.get("host"));
  if (const auto checked = check_origin(host, request.peer, request.headers, allow_hosts); !checked) {
    return forbid(checked.error());
  }
  return {};
}

BodyType body_type(const net::HttpRequest& request) {
  if (request.headers.count("content-type") != 1) return BodyType::kOther;
  const std::string type = net::to_lower(request.headers.get("content-type"));
  const std::size_t end = type.find(';');
  const std::string_view media = net::trim(std::string_view(type).substr(0, end));
  if (media == "application/protobuf" || media == "application/x-protobuf") return BodyType::kProtobuf;
  if (media != "application/json") return BodyType::kOther;
  const std::size_t charset = end == std::string::npos ? end : type.find("charset=", end);
  if (charset == std::string::npos) return BodyType::kJson;
  const std::string_view value = std::string_view(type).substr(charset + 8);
  return value.starts_with("utf-8") || value.starts_with("\"utf-8") ? BodyType::kJson : BodyType::kOther;
}

bool prefers_protobuf(const net::HttpRequest& request) {
  const std::string accept = net::to_lower(request.headers.get("accept"));
  const bool protobuf = accept.find("application/protobuf") != std::string::npos ||
                        accept.find("application/x-protobuf") != std::string::npos;
  return protobuf && accept.find("application/json") == std::string::npos;
}

}  // namespace ringside::local
