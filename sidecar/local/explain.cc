#include "sidecar/local/explain.h"

#include <memory>
#include <utility>

#include <nlohmann/json.hpp>

#include "sidecar/local/problem.h"
#include "sidecar/wire/explanation_json.h"
#include "sidecar/wire/outcome.h"

namespace ringside::local {

void explain_actor(core::Gateway& gateway, const wire::ActorRef& actor, net::HttpReply reply) {
  const auto shared = std::make_shared<net::HttpReply>(std::move(reply));
  gateway.explain(actor.id, [&gateway, actor, shared](const core::Explained& explained) {
    const std::string& owner = explained.place.holder;
    nlohmann::json body = wire::explained_json(gateway, explained);
    if (!actor.name.empty()) body["name"] = actor.name;
    net::HttpResponse response = json_response(200, body);
    if (!owner.empty()) response.headers.add(std::string(wire::kOwnerHeader), owner);
    (*shared)(std::move(response));
  });
}

}  // namespace ringside::local
