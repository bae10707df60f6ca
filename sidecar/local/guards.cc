#include "sidecar/local/guards.h"

#include "sidecar/net/accept.h"
#include "sidecar/net/web_origin.h"
#include "sidecar/wire/invalid.h"

namespace ringside::local {
base::Result<void, core::Answer> check_guards(const net::HttpRequest& request,
                                              const std::vector<std::string>& allow_hosts) {
  const auto forbid = [](std::string why) {
    return base::Error(wire::invalid(core::Reason::kForbidden, std::move(why)));
  };
  if (request.headers.count("host") > 1) return forbid("there is more than one Host header");
  const std::string host(request.headers.get("host"));
  if (const auto checked = net::check_origin(host, request.peer, request.headers, allow_hosts); !checked) {
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
  const net::Acceptance json = net::acceptance(request.headers, "application/json");
  const net::Acceptance protobuf = net::acceptance(request.headers, "application/protobuf");
  const net::Acceptance other = net::acceptance(request.headers, "application/x-protobuf");
  const net::Acceptance& best = other.is_named && other.quality > protobuf.quality ? other : protobuf;
  const bool is_named = protobuf.is_named || other.is_named;
  return is_named && (best.quality > json.quality || (best.quality == json.quality && !json.is_named));
}

}  // namespace ringside::local
