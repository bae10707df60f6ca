// Node: where an actor is and why, and which actors have the most to do. Where: by the same function that routes calls
// (route.h).
#include <utility>

#include "sidecar/core/node.h"

namespace ringside::core {
namespace {

Call local_call(ActorId id) {
  Call call;
  call.id = id;
  return call;
}

}  // namespace

Placement Node::where(ActorId id) const { return explanations_.placement_of(id, place_of(local_call(id), facts())); }

Explained Node::explain_alone(ActorId id) const {
  const Call call = local_call(id);
  Explained explained;
  explained.place = where(id);
  explained.here = explanations_.explanation_of(call, route_of(call, facts()));
  explained.settled = cluster_.settled();
  if (explained.here.activation) explained.holder = cluster_.self().host;
  explained.changes = explanations_.changes_of(id, explained.holder);
  return explained;
}

void Node::explain(Now now, ExplainId token, ActorId id) {
  on_event(now, [&] {
    if (auto done = explaining_.begin(token, explain_alone(id))) tell_explanation(std::move(*done));
  });
}

Top Node::top(Now now, std::size_t most) {
  context_.now = now;
  return activations_.top(most);
}

void Node::tell_explanation(Explaining::Done done) {
  Explained& explained = done.explained;
  explained.changes = explanations_.changes_of(explained.place.id, explained.holder);
  context_.effects.push_back(TellExplanation{done.token, std::make_shared<Explained>(std::move(explained))});
}

// What is told here goes beyond what anybody may read of ids (IdsRequest): to members alone.
PeerAnswer Node::explain_to(const Sender& sender, const ExplainRequest& request) const {
  if (!speaks_for_member(sender)) {
    return PeerFailure{PeerFailure::Kind::kRejected, "explanations are for members"};
  }
  Call call = local_call(request.id);
  call.origin = Origin::kPeer;
  call.hops = request.hops;
  call.target = Target{cluster_.self().host, cluster_.self().generation, config_.cluster, request.epoch};
  return ExplainAnswer(explanations_.explanation_of(call, route_of(call, facts())));
}

}  // namespace ringside::core
