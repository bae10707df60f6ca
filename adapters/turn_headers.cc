#include "adapters/turn_headers.h"

#include <algorithm>

#include "sidecar/base/text.h"

namespace ringside::adapters {
namespace {

constexpr core::Duration kMoment{1'000};

}  // namespace

void add_turn_headers(const core::StartTurn& turn, net::Metadata& headers) {
  const core::Call& call = *turn.call;
  headers.set("ringside-epoch", to_string(turn.epoch));
  if (!call.actor_name.empty()) headers.set("ringside-actor-name", base::percent_encode(call.actor_name));
  if (!call.traceparent.empty()) headers.set("traceparent", call.traceparent);
  if (!call.tracestate.empty()) headers.set("tracestate", call.tracestate);
  if (!call.idempotency_key.empty()) headers.set("idempotency-key", call.idempotency_key);
  if (!turn.chain.empty()) headers.set("ringside-chain", turn.chain);
}

void add_deactivation_headers(const core::DeactivateActor& end, net::Metadata& headers) {
  headers.set("ringside-epoch", to_string(end.actor.epoch));
  if (!end.name.empty()) headers.set("ringside-actor-name", base::percent_encode(end.name));
  headers.set("ringside-deactivation", std::string(core::to_string(end.why)));
}

net::Clock::time_point latest_begin(const core::StartTurn& turn) {
  return net::Clock::time_point(turn.call->deadline.time_since_epoch() - kMoment);
}

core::Duration time_left(const core::StartTurn& turn) {
  return turn.call->deadline.time_since_epoch() -
         std::chrono::duration_cast<core::Duration>(net::Clock::now().time_since_epoch());
}

std::string time_left_text(const core::StartTurn& turn) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(time_left(turn));
  return std::to_string(std::max<std::int64_t>(1, left.count())) + "ms";
}

}  // namespace ringside::adapters
