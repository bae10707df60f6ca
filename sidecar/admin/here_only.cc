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
#include "sidecar/wire/top_json.h"

namespace ringside::admin {
namespace {

// Of /v1/actors/{id}/explain, as sent; empty: it is another path.
std::string_view explained_actor(std::string_view path) {
  constexpr std::string_view kActors = "/v1/actors/";
  constexpr std::string_view kExplain = "/explain";
  const bool is_one =
      path.starts_with(kActors) && path.ends_with(kExplain) && path.size() > kActors.size() + kExplain.size();
  return is_one ? path.substr(kActors.size(), path.size() - kActors.size() - kExplain.size()) : std::string_view();
}

}  // namespace

bool is_here(const net::HttpRequest& request) {
  net::Endpoint client;
  client.host = request.peer;
  const std::string host(request.headers.get("host"));
  return client.is_loopback() && request.headers.count("host") == 1 &&
         net::check_origin(host, request.peer, request.headers, {}).has_value();
}

bool HereOnly::serve(const net::HttpRequest& request, net::HttpReply& reply) {
  const std::string_view path = path_of(request);
  const bool is_top = path == "/v1/top";
  const std::string_view actor = explained_actor(path);
  if (!is_top && actor.empty()) return false;
  if (!is_here(request)) {
    reply(
        answer(403, kText,
               "single actors are told to clients on this machine alone: ask the local listener, or by kubectl exec or "
               "port-forward\n"));
  } else if (is_top) {
    tell_top(request, reply);
  } else {
    explain(actor, std::move(reply));
  }
  return true;
}

void HereOnly::tell_top(const net::HttpRequest& request, net::HttpReply& reply) {
  const std::string_view query = std::string_view(request.target).substr(path_of(request).size());
  const auto most = wire::read_top_count(query.empty() ? query : query.substr(1));
  if (!most) return reply(answer(400, kText, most.error() + "\n"));
  reply(answer(200, "application/json", wire::dump(wire::top_json(gateway_, *most), 2) + "\n"));
}

void HereOnly::explain(std::string_view segment, net::HttpReply reply) {
  const auto actor = wire::parse_actor(segment);
  if (!actor) return reply(answer(400, kText, actor.error().detail + "\n"));
  const auto shared = std::make_shared<net::HttpReply>(std::move(reply));
  gateway_.explain(actor->id, [this, name = actor->name, shared](const core::Explained& explained) {
    nlohmann::json body = wire::explained_json(gateway_, explained);
    if (!name.empty()) body["name"] = name;
    (*shared)(answer(200, "application/json", wire::dump(body, 2) + "\n"));
  });
}

}  // namespace ringside::admin
