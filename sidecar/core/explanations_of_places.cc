// Explanations: where an actor is, by which rule, and what would change that. Which rule decides is the route's word
// (route.h); here are the facts behind each, for a person.
#include <utility>

#include "sidecar/base/check.h"
#include "sidecar/core/explanations.h"
#include "sidecar/core/membership/epoch_clock.h"

namespace ringside::core {
namespace {

std::string hex(Hash key) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text(16, '0');
  std::uint64_t left = key.value();
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit, left >>= 4) *digit = kDigits[left & 15];
  return text;
}

RuleCheck::Verdict verdict_of(Rule rule, Rule decides) {
  if (rule == decides) return RuleCheck::Verdict::kDecides;
  return rule < decides ? RuleCheck::Verdict::kNo : RuleCheck::Verdict::kNotAsked;
}

}  // namespace

Placement Explanations::placement_of(ActorId id, const Route& route) const {
  const std::string& self = cluster_.self().host;
  Placement place;
  place.id = id;
  if (route.rule == Rule::kClaim) {
    const Actor& actor = activations_.actors().at(id);
    place.holder = self;
    place.rule = "claim";
    place.local = true;
    place.epoch = actor.epoch;
    place.here = activations_.status_of(actor, context_.now.mono);
    place.why = actor.deactivating ? "active here, and being deactivated (" + std::string(to_string(actor.why)) + ")"
                                   : "active here";
    return place;
  }
  place.rule = "ring";
  const std::string* owner = cluster_.ring()->owner(id);
  if (owner == nullptr) {
    place.why = "no host with an application is on the ring";
    return place;
  }
  if (route.rule == Rule::kStray) {
    place.holder = route.to->host;
    place.rule = "stray";
    place.epoch = route.epoch;
    place.why = "active on " + place.holder + ", although the ring names " + self;
    return place;
  }
  place.holder = *owner;
  place.local = *owner == self;
  if (place.local) {
    place.why = directory_.inventory().in_doubt(hash_id(id)) ? "not known yet: its range has just become this host's"
                                                             : "not active; the ring names this host";
  } else {
    place.why = "the ring names " + *owner;
    if (route.rule == Rule::kHint && route.to->host != *owner) {
      place.why += "; it was last answered by " + route.to->host;
    }
  }
  return place;
}

Explanation Explanations::explanation_of(const Call& call, const Route& route) const {
  Explanation says;
  says.host = cluster_.self().host;
  for (std::size_t i = 0; i < kRules; ++i) {
    const auto rule = static_cast<Rule>(i);
    const RuleCheck::Verdict verdict = verdict_of(rule, route.rule);
    const bool is_asked = verdict != RuleCheck::Verdict::kNotAsked;
    says.rules.push_back({to_string(rule), verdict, is_asked ? facts_of(rule, call, route) : std::string()});
  }
  says.goes = to_string(route.kind);
  if (route.reason != Reason::kNone) says.reason = to_string(route.reason);
  if (route.to != nullptr) says.to = route.to->host;
  says.epoch = route.epoch;
  if (const std::string* owner = cluster_.ring()->owner(call.id)) says.ring_owner = *owner;
  says.ring = cluster_.ring()->fingerprint();
  says.activation = activations_.activation_of(call.id);
  if (says.activation) says.activation->age = age_of(says.activation->state.epoch);
  return says;
}

// By the wall clock, which its epoch began with (membership/epoch_clock.h).
Duration Explanations::age_of(Epoch epoch) const {
  const auto began_ms = static_cast<std::int64_t>(epoch.value() >> EpochClock::kCounterBits);
  return epoch == 0 || began_ms > context_.now.wall_ms ? Duration(0)
                                                       : std::chrono::milliseconds(context_.now.wall_ms - began_ms);
}

// "10.0.0.6, which was heard 0.1 s ago"
std::string Explanations::heard(const std::string& host) const {
  const Member* member = cluster_.find(host);
  if (member == nullptr) return host;
  return host + (member->suspected ? ", which has not been heard for " : ", which was heard ") +
         in_seconds(context_.now.mono - member->last_answer) + (member->suspected ? "" : " ago");
}

// What this host knows about one rule, whether that applies or not.
std::string Explanations::facts_of(Rule rule, const Call& call, const Route& route) const {
  const bool applies = rule == route.rule;
  const std::string& self = cluster_.self().host;
  const Life& life = life_cycle_.life();
  const std::string* owner = cluster_.ring()->owner(call.id);
  switch (rule) {
    case Rule::kStopped:
      return applies ? "this host was stopped for a while, and asks the others whether they still know it"
                     : "this host goes on as it should";
    case Rule::kQuorum:
      if (config_.quorum == 0) return "none is asked for (--quorum 0)";
      return std::string(applies ? "there is none" : "there is one") + ": this host sees " +
             std::to_string(cluster_.members().size() + 1) + " hosts, itself included, and --quorum is " +
             std::to_string(config_.quorum);
    case Rule::kNamed:
      if (!call.target || call.target->epoch == 0) return "the call names no activation by its epoch";
      return "the call names the activation of epoch " + to_string(call.target->epoch) +
             (!applies                           ? ", which is here"
              : route.kind == Route::Kind::kWait ? ", which is about to begin here"
                                                 : ", which is not here");
    case Rule::kClaim: {
      const Actor* actor = activations_.actors().find(call.id);
      if (actor == nullptr) return "it is not active here";
      std::string text =
          "active here under epoch " + to_string(actor->epoch) + ", for " + in_seconds(age_of(actor->epoch));
      if (actor->deactivating) text += ", and being deactivated (" + std::string(to_string(actor->why)) + ")";
      if (owner != nullptr && *owner != self) {
        text += "; the ring names " + *owner + ", and a claim stays until it expires or its host leaves";
      }
      return text;
    }
    case Rule::kNoOwner:
      if (!applies) return std::to_string(cluster_.ring()->hosts().size()) + " on the ring";
      return "no host has an application on the ring: " + hosts_off_the_ring();
    case Rule::kLeaving:
      if (owner == nullptr || *owner == self) return "the ring names this host";
      if (!applies) {
        return on_ring(cluster_.phase()) ? "this host is on the ring"
               : !config_.has_app        ? "this host only routes"
                                         : *owner + " has heard that this host is off the ring";
      }
      return std::string("this host is ") + to_string(cluster_.phase()) + ", and " + *owner +
             " has yet to hear that it is the owner now";
    case Rule::kHint: {
      if (owner == nullptr || *owner == self) return "hints are not asked: the ring names this host";
      const std::string* hinted = directory_.hints().find(call.id);
      if (applies) return "last answered by " + heard(route.to->host);
      if (call.origin == Origin::kPeer) return "only the host where a call comes in follows hints";
      if (hinted == nullptr) return "nobody has answered for it lately, as far as is remembered";
      return "last answered by " + *hinted +
             (cluster_.run_of(*hinted) == nullptr ? ", which is not a member any more" : ", which is silent");
    }
    case Rule::kSentBack:
      return applies ? *owner +
                           " owns it and speaks the given protocol alone; the call was forwarded here, and would "
                           "be sent in a circle"
                     : "no call of a legacy host's would be sent back";
    case Rule::kRing:
      RINGSIDE_CHECK(owner != nullptr);  // Rule::kNoOwner stands before it
      return "its key is " + hex(hash_id(call.id)) + ", and the next point on the ring is of " +
             (*owner == self ? "this host" : heard(*owner));
    case Rule::kStray:
      if (!applies) return "no other host is known to hold it";
      return "active on " + heard(route.to->host) + ", although the ring names this host" +
             (route.epoch == 0
                  ? "; that host knows no epochs"
                  : "; under epoch " + to_string(route.epoch) + ", for " + in_seconds(age_of(route.epoch)));
    case Rule::kNotReady:
      return applies ? "this host is not ready: " + not_ready_because() : "this host is ready to own";
    case Rule::kInDoubt: {
      if (!applies) return "all members have said what they hold in its range";
      const auto& waiting = directory_.inventory().waiting();
      return "its range has just become this host's" +
             (waiting.empty() ? std::string() : ", which waits to hear what " + list_of(waiting) + " held of it");
    }
    case Rule::kGrant:
      return applies ? "by the ring of the legacy host that sent the call it is this host's; " + *owner +
                           " owns it by ours, and is asked first"
                     : "nobody has to grant it";
    case Rule::kFree:
      return life.app_up() ? "it begins here with the next call" : "it begins here once the application is up";
  }
  return {};
}

std::vector<Explained::Change> Explanations::changes_of(ActorId id, const std::string& holder) const {
  std::vector<Explained::Change> changes;
  const std::string* owner = cluster_.ring()->owner(id);
  const std::string& where = !holder.empty() || owner == nullptr ? holder : *owner;
  if (where.empty()) return changes;
  std::string heir;
  cluster_.ring()->walk(id, [&](const std::string& host) {
    if (host != where) heir = host;
    return heir.empty();
  });
  const bool is_owner = owner != nullptr && *owner == where;
  changes.push_back({where + " leaves", heir,
                     heir.empty() ? "no other host with an application is on the ring"
                     : is_owner   ? "its is the next point on the ring"
                                  : "the ring names it already"});
  if (holder.empty()) {
    changes.push_back({"a call comes", where, "the ring names it, and it is not active anywhere as far as is known"});
    changes.push_back({"a host joins", "", "whichever host the ring names then: nothing keeps it"});
    return changes;
  }
  changes.push_back({"it expires", owner == nullptr ? std::string() : *owner,
                     is_owner ? "the next call activates it there anew" : "the ring names it, and the claim is over"});
  changes.push_back({"a host joins", where,
                     "it stays until it expires or " + where + " leaves, also where the ring then names the new host"});
  return changes;
}

}  // namespace ringside::core
