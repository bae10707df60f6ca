// Node: why a call ended as it did, in a sentence for a person, with the facts that this host has.
#include "sidecar/core/node.h"

namespace ringside::core {
namespace {

std::string named(const Call& call) { return "actor " + called(call); }

std::string list_of(const std::map<std::string, Generation>& hosts) {
  constexpr std::size_t kEnough = 3;
  std::string text;
  std::size_t said = 0;
  for (const auto& [host, generation] : hosts) {
    if (said++ == kEnough) return text + " and " + std::to_string(hosts.size() - kEnough) + " more";
    text += (text.empty() ? "" : ", ") + host;
  }
  return text;
}

}  // namespace

// "actor 7 is busy with a turn that has run 3.0 s; 12 calls wait for it"
std::string Node::busy_with(const Actor& actor) const {
  std::string text = "actor " + name_of(actor);
  if (actor.turn) {
    text += " is busy with a turn that has run " + in_seconds(context_.now.mono - turns_.at(actor.turn).began);
  } else if (actor.ending) {
    const Endings::Refusals refusals = endings_.refusals(actor.id);
    text += " is being deactivated (" + std::string(to_string(actor.why)) + ")";
    text += endings_.not_asked_yet(actor.id)
                ? "; the app has others to forget first, " + std::to_string(endings_.size()) + " in all"
            : refusals.times == 0 ? " and the app has not answered that yet"
            : refusals.times == 1 ? ", which the app has not done: " + refusals.last
                                  : ", which the app has not done when asked " + std::to_string(refusals.times) +
                                        " times; at last " + refusals.last;
  } else {
    text += " waits for its turn";
  }
  if (actor.queued() > 0)
    text += "; " + std::to_string(actor.queued()) + (actor.queued() == 1 ? " call waits" : " calls wait");
  return text;
}

ActorStatus Node::status_of(const Actor& actor, Instant now) const {
  ActorStatus status;
  status.id = actor.id;
  status.epoch = actor.epoch;
  if (actor.name) status.name = *actor.name;
  status.busy = actor.turn != TurnId();
  status.idle = status.busy ? Duration(0) : now - actor.last_used;
  if (status.busy) status.turn_age = now - turns_.at(actor.turn).began;
  status.waiting = actor.queued();
  if (actor.ending) status.ending = to_string(actor.why).data();
  status.not_forgotten = actor.unforgotten;
  return status;
}

// What was tried and refused until the deadline is answered as it was refused: only the rest has expired.
Answer Node::out_of_time(const PendingCall& pending) const {
  if (pending.attempts > 0 && pending.last.outcome != Outcome::kUnknown) return pending.last;
  Reason reason = pending.last.reason == Reason::kNone ? Reason::kDeadline : pending.last.reason;
  std::string detail = pending.last.detail;
  const Actor* actor = actors_.find(pending.call->id);
  if (pending.stage == CallStage::kQueued && actor != nullptr) {
    detail = busy_with(*actor);
    if (actor->turn || actor->ending) {
      reason = Reason::kAppSlow;
    } else if (!may_start(*pending.call)) {
      reason = membership_.confirming() ? Reason::kNotReady : Reason::kTooManyTurns;
      detail.clear();
    }
  } else if (pending.stage == CallStage::kInOrder) {
    return out_of_time_in_order(pending);
  }
  return Answer::failed(Outcome::kExpired, reason, std::move(detail));
}

// It stood behind earlier calls of its actor from here: what the first of them waits for, it waited for as well.
Answer Node::out_of_time_in_order(const PendingCall& pending) const {
  const OrderId order = CallOrder::of(*pending.call);
  const std::optional<CallId> head = order_.first(order);
  const PendingCall* const first = head ? calls_.find(*head) : nullptr;
  if (first == nullptr) return Answer::failed(Outcome::kExpired, Reason::kDeadline);
  const PendingCall& front = *first;
  const std::size_t others = order_.size(order) - 1;
  const std::string behind =
      "; " + std::to_string(others) + (others == 1 ? " call waits" : " calls wait") + " behind it";
  if (front.stage != CallStage::kForwarding) {
    const Reason reason = front.last.reason == Reason::kNone ? Reason::kDeadline : front.last.reason;
    return Answer::failed(Outcome::kExpired, reason, detail_of(front, reason) + behind);
  }
  const Forward& forward = forwards_.at(front.forward);
  const Member* owner = membership_.find(forward.host);
  const bool heard = owner != nullptr && !owner->suspected;
  return Answer::failed(Outcome::kExpired, heard ? Reason::kAppSlow : Reason::kPeerUnreachable,
                        named(*pending.call) + " is busy at " + forward.host + " with a call that was sent there " +
                            in_seconds(context_.now.mono - forward.began) + " ago" + behind);
}

// "10.0.0.7, to which the call for actor 7 was sent 0.3 s before, is lost: End of file"
std::string Node::detail_of_loss(const Call& call, const Forward& forward, const std::string& error) const {
  std::string text = forward.host + ", to which the call for " + named(call) + " was sent " +
                     in_seconds(context_.now.mono - forward.began) + " before, is lost";
  if (!error.empty()) text += ": " + error;
  if (const std::string fate = membership_.fate_of(forward.host); !fate.empty()) text += "; " + fate;
  return text;
}

// The owner itself answers what is late there, by the deadline and a little more.
std::string Node::detail_of_silence(const PendingCall& pending) const {
  const Forward& forward = forwards_.at(pending.forward);
  return forward.host + ", to which the call for " + named(*pending.call) + " was sent " +
         in_seconds(context_.now.mono - forward.began) + " ago, did not answer by the caller's deadline";
}

// "this host is draining; 10.0.0.8 is drained; 10.0.0.7 refused connections 1.2 s ago"
std::string Node::hosts_off_the_ring() const {
  constexpr std::size_t kEnough = 5;
  std::vector<std::string> hosts;
  hosts.push_back(config_.has_app ? std::string("this host is ") + to_string(membership_.phase())
                                  : "this host has none by itself");
  for (const auto& [host, member] : membership_.members()) {
    hosts.push_back(host +
                    (member.routes_only ? " has none by itself" : std::string(" is ") + to_string(member.phase)));
  }
  for (const auto& [name, candidate] : membership_.candidates()) {
    if (std::string fate = membership_.fate_of(name); !fate.empty()) hosts.push_back(std::move(fate));
  }
  std::string text;
  for (std::size_t i = 0; i < std::min(hosts.size(), kEnough); ++i) text += (i == 0 ? "" : "; ") + hosts[i];
  return hosts.size() > kEnough ? text + "; and " + std::to_string(hosts.size() - kEnough) + " more" : text;
}

std::string Node::detail_of(const PendingCall& pending, Reason reason) const {
  const Call& call = *pending.call;
  const std::string* owner = membership_.ring()->owner(call.id);
  switch (reason) {
    case Reason::kNotReady:
      if (membership_.confirming())
        return "this host was stopped for a while, and asks the others whether they still know it";
      return "this host is not ready: " + status().not_ready_because;
    case Reason::kOwnershipMoving:
      if (!directory_.inventory().settled() && !directory_.inventory().waiting().empty()) {
        return named(call) + " is changing hands: this host waits to hear what " +
               list_of(directory_.inventory().waiting()) + " held of it";
      }
      if (owner != nullptr && *owner != membership_.self().host) {
        return named(call) + " is changing hands: " + *owner + " has yet to hear that it is the owner now";
      }
      return named(call) + " is changing hands: this host is not ready to own it yet";
    case Reason::kNoOwner:
      return "no host has an application on the ring: " + hosts_off_the_ring();
    case Reason::kAppDown:
      return life_cycle_.life().app_down_because().empty()
                 ? "the application is not healthy"
                 : "the application is not healthy: " + life_cycle_.life().app_down_because();
    case Reason::kNoQuorum:
      return "this host sees " + std::to_string(membership_.members().size() + 1) +
             " hosts, itself included, and --quorum is " + std::to_string(config_.quorum);
    case Reason::kPeerLost:
    case Reason::kPeerUnreachable:
      if (std::string fate = membership_.fate_of(pending.last_host); !fate.empty()) return fate;
      if (owner != nullptr && membership_.find(*owner) != nullptr) {
        return *owner + ", which owns " + named(call) + ", has not answered for " +
               in_seconds(context_.now.mono - membership_.find(*owner)->last_answer);
      }
      return "the owner of " + named(call) + " does not answer";
    case Reason::kActorQueueFull:
      return "as many calls wait for " + named(call) + " as --queue-per-actor allows (" +
             std::to_string(config_.queue_per_actor) + ")";
    case Reason::kQueueBytesFull:
      return "calls of " + std::to_string(calls_.bytes()) + " bytes are under way here, and --queue-bytes is " +
             std::to_string(config_.queue_bytes);
    case Reason::kTooManyTurns:
      return "as many turns are under way as --max-actors-in-flight allows, " + std::to_string(turns_.size()) +
             "; actors that wait for one: " + std::to_string(turns_.awaiting_room().size());
    case Reason::kHopLimit:
      return "the call was forwarded " + std::to_string(call.hops.value_or(0)) +
             " times: hosts disagree about the ring";
    case Reason::kNotMine:
      return named(call) + " is not active on this host any more";
    case Reason::kShuttingDown:
      return "this host is about to exit";
    case Reason::kTurnTimeout:
      return "the turn took longer than --turn-timeout, " + in_seconds(config_.turn_timeout);
    case Reason::kCancelled:
      return "the caller went away before the answer";
    case Reason::kDeadline:
      return pending.stage == CallStage::kForwarding ? "the owner had not answered by the caller's deadline"
                                                     : "the caller's deadline had passed when the call came";
    default:
      return {};
  }
}

}  // namespace ringside::core
