#include "sidecar/core/explanations.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

namespace ringside::core {
namespace {

std::string named(const Call& call) { return "actor " + called(call); }

}  // namespace

Explanations::Explanations(const NodeConfig& config, const Context& context, const Membership& membership,
                           const LifeCycle& life_cycle, const Activations& activations, const Directory& directory)
    : config_(config),
      context_(context),
      membership_(membership),
      cluster_(membership.roster()),
      life_cycle_(life_cycle),
      activations_(activations),
      directory_(directory) {}

std::string Explanations::holder_of(ActorId id) const {
  const std::string& self = cluster_.self().host;
  if (activations_.actors().find(id) != nullptr) return self;
  const std::string* owner = cluster_.ring()->owner(id);
  if (owner == nullptr) return "";
  const std::optional<DisplacedActivation> elsewhere = *owner == self ? directory_.displaced().find(id) : std::nullopt;
  return elsewhere ? elsewhere->holder.host : *owner;
}

bool Explanations::is_heard(const std::string& host) const {
  const Member* member = cluster_.find(host);
  return member != nullptr && !member->suspected;
}

Answer Explanations::expired_in_queue(const PendingCall& pending, Answer otherwise) const {
  std::optional<Activations::Delay> delay = activations_.delay_of(*pending.call);
  if (!delay) return otherwise;
  if (delay->reason != Reason::kNone) otherwise.reason = delay->reason;
  otherwise.detail = std::move(delay->detail);
  return otherwise;
}

std::string Explanations::not_ready_because() const {
  std::string why = life_cycle_.not_ready_because(cluster_.phase());
  if (!why.empty()) return why;
  if (!cluster_.joined()) return "joining: " + membership_.waiting_for();
  if (cluster_.phase() == Phase::kJoining) return "asking the members what they hold in this host's ranges";
  return {};
}

std::string Explanations::list_of(const std::map<std::string, Generation>& hosts) {
  constexpr std::size_t kEnough = 3;
  std::string text;
  std::size_t said = 0;
  for (const auto& [host, generation] : hosts) {
    if (said++ == kEnough) return text + " and " + std::to_string(hosts.size() - kEnough) + " more";
    text += (text.empty() ? "" : ", ") + host;
  }
  return text;
}

// "this host is draining; 10.0.0.8 is drained; 10.0.0.7 refused connections 1.2 s ago"
std::string Explanations::hosts_off_the_ring() const {
  constexpr std::size_t kEnough = 5;
  std::vector<std::string> hosts;
  hosts.push_back(config_.has_app ? std::string("this host is ") + to_string(cluster_.phase())
                                  : "this host only routes");
  for (const auto& [host, member] : cluster_.members()) {
    hosts.push_back(host + (member.routes_only ? " only routes" : std::string(" is ") + to_string(member.phase)));
  }
  for (const auto& [name, candidate] : cluster_.candidates().all()) {
    if (std::string fate = cluster_.fate_of(name); !fate.empty()) hosts.push_back(std::move(fate));
  }
  std::string text;
  for (std::size_t i = 0; i < std::min(hosts.size(), kEnough); ++i) text += (i == 0 ? "" : "; ") + hosts[i];
  return hosts.size() > kEnough ? text + "; and " + std::to_string(hosts.size() - kEnough) + " more" : text;
}

std::string Explanations::detail_of(const PendingCall& pending, Reason reason) const {
  const Call& call = *pending.call;
  const std::string* owner = cluster_.ring()->owner(call.id);
  switch (reason) {
    case Reason::kNotReady:
      if (cluster_.confirming())
        return "this host was stopped for a while, and asks the others whether they still know it";
      return "this host is not ready: " + not_ready_because();
    case Reason::kOwnershipMoving:
      if (!directory_.inventory().closed() && !directory_.inventory().waiting().empty()) {
        return named(call) + " is changing hands: this host waits to hear what " +
               list_of(directory_.inventory().waiting()) + " held of it";
      }
      if (owner != nullptr && *owner != cluster_.self().host) {
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
      return "this host sees " + std::to_string(cluster_.members().size() + 1) +
             " hosts, itself included, and --quorum is " + std::to_string(config_.quorum);
    case Reason::kPeerLost:
    case Reason::kPeerUnreachable:
      if (std::string fate = cluster_.fate_of(pending.last_host); !fate.empty()) return fate;
      if (owner != nullptr && cluster_.find(*owner) != nullptr) {
        return *owner + ", which owns " + named(call) + ", has not answered for " +
               in_seconds(context_.now.mono - cluster_.find(*owner)->last_answer);
      }
      return "the owner of " + named(call) + " does not answer";
    case Reason::kActorQueueFull:
      return "as many calls wait for " + named(call) + " as --queue-per-actor allows (" +
             std::to_string(config_.queue_per_actor) + ")";
    case Reason::kTooManyTurns:
      return "as many turns are under way as --max-actors-in-flight allows, " +
             std::to_string(activations_.turns().size()) +
             "; actors that wait for one: " + std::to_string(activations_.awaiting_room());
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
