// Everything that Prometheus scrapes; docs/metrics.md lists it, and a test holds the two equal.
//
// Counts and states are read from the node at the moment of the scrape; only durations are gathered here, by way of
// core::Measurements. No label has values that grow: no host, no actor. Loop thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sidecar/core/ports.h"
#include "sidecar/net/budget.h"

namespace ringside::admin {

// The connections of one listener, or of several that share their slots.
struct ListenerUse {
  std::string listener;
  std::shared_ptr<net::Budget> slots;
  std::uint64_t refused = 0;  // connections for which there was none
};

class Metrics final : public core::Measurements {
 public:
  Metrics(const core::HostReader& gateway, std::string version);
  ~Metrics() override;

  // core::Measurements
  void call_ended(core::Origin origin, core::Outcome outcome, core::Duration took) override;
  void turn_ended(core::Outcome outcome, core::Duration took) override;
  void peer_answered(core::Duration round_trip) override;
  void loop_lag(core::Duration late) override;

  // Shown from now on.
  void show(std::shared_ptr<const ListenerUse> use) { listeners_.push_back(std::move(use)); }

  // A listener refused it by itself, so that the core never heard of it.
  void refused_at_listener(core::Reason reason);

  // Prometheus' text format, version 0.0.4.
  std::string scrape();

 private:
  struct Durations;

  const core::HostReader& gateway_;
  std::string version_;
  std::unique_ptr<Durations> durations_;
  std::vector<std::shared_ptr<const ListenerUse>> listeners_;
};

}  // namespace ringside::admin
