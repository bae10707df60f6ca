// Why a call ended as it did, why an actor is where it is, and why this host does not serve: in sentences for a person,
// with the facts that all parts together have. It only reads.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sidecar/core/activations/activations.h"
#include "sidecar/core/calls/call_facts.h"
#include "sidecar/core/config.h"
#include "sidecar/core/context.h"
#include "sidecar/core/directory/directory.h"
#include "sidecar/core/explanation.h"
#include "sidecar/core/life/life_cycle.h"
#include "sidecar/core/membership/membership.h"
#include "sidecar/core/route.h"

namespace ringside::core {

class Explanations final : public CallFacts {
 public:
  Explanations(const NodeConfig& config, const Context& context, const Membership& membership,
               const LifeCycle& life_cycle, const Activations& activations, const Directory& directory);

  std::string holder_of(ActorId id) const override;
  std::string detail_of(const PendingCall& pending, Reason reason) const override;
  std::string busy_with(ActorId id) const override { return activations_.busy_with(id); }
  std::string fate_of(const std::string& host) const override { return cluster_.fate_of(host); }
  bool is_heard(const std::string& host) const override;
  Answer expired_in_queue(const PendingCall& pending, Answer otherwise) const override;

  std::string not_ready_because() const;  // empty: it is ready

  // ---- where an actor is (explanations_of_places.cc) ----
  // By the route of a local call that names no activation.
  Placement placement_of(ActorId id, const Route& route) const;
  // Each rule, which of them has decided that route of that call, and what is known behind it.
  Explanation explanation_of(const Call& call, const Route& route) const;
  // What would move it, if it is active on `holder`; empty: nowhere.
  std::vector<Explained::Change> changes_of(ActorId id, const std::string& holder) const;

 private:
  std::string facts_of(Rule rule, const Call& call, const Route& route) const;
  std::string heard(const std::string& host) const;
  Duration age_of(Epoch epoch) const;
  std::string hosts_off_the_ring() const;
  static std::string list_of(const std::map<std::string, Generation>& hosts);

  const NodeConfig& config_;
  const Context& context_;
  const Membership& membership_;
  const Roster& cluster_;
  const LifeCycle& life_cycle_;
  const Activations& activations_;
  const Directory& directory_;
};

}  // namespace ringside::core
