#include "sidecar/admin/here_only.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "sidecar/admin/answer.h"
#include "sidecar/net/endpoint.h"
#include "sidecar/net/web_origin.h"
#include "sidecar/wire/actor_id.h"
#include "sidecar/wire/explanation_json.h"
#include "sidecar/wire/json_text.h"

namespace ringside::admin {

bool is_here(const net::HttpRequest& request) {
  net::Endpoint client;
  client.host = request.peer;
  const std::string host(request.headers.get("host"));
  return client.is_loopback() && request.headers.count("host") == 1 &&
         net::check_origin(host, request.peer, request.headers, {}).has_value();
}

bool HereOnly::serve(const net::HttpRequest& request, net::HttpReply& reply) {
  constexpr std::string_view kActors = "/v1/actors/";
  constexpr std::string_view kExplain = "/explain";
  std::string_view path = path_of(request);
  if (!path.starts_with(kActors) || !path.ends_with(kExplain) || path.size() < kActors.size() + kExplain.size()) {
    return false;
  }
  if (!is_here(request)) {
    reply(
        answer(403, kText,
               "single actors are told to clients on this machine alone: ask the local listener, or by kubectl exec or "
               "port-forward\n"));
    return true;
  }
  path.remove_prefix(kActors.size());
  path.remove_suffix(kExplain.size());
  const auto actor = wire::parse_actor(path);
  if (!actor) {
    reply(answer(400, kText, actor.error().detail + "\n"));
    return true;
  }
  const auto shared = std::make_shared<net::HttpReply>(std::move(reply));
  gateway_.explain(actor->id, [this, name = actor->name, shared](core::Explained explained) {
    nlohmann::json body = wire::explained_json(gateway_, std::move(explained));
    if (!name.empty()) body["name"] = name;
    (*shared)(answer(200, "application/json", wire::dump(body, 2) + "\n"));
  });
  return true;
}

}  // namespace ringside::admin
