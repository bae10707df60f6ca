// GET /v1/actors/{id}/explain: where an actor is and why.
#pragma once

#include "sidecar/core/ports.h"
#include "sidecar/net/http_message.h"
#include "sidecar/wire/actor_id.h"

namespace ringside::local {

// Answers once those who know more have been asked. Loop thread only.
void explain_actor(core::Gateway& gateway, const wire::ActorRef& actor, net::HttpReply reply);

}  // namespace ringside::local
