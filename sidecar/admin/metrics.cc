#include "sidecar/admin/metrics.h"

#include <array>
#include <map>
#include <sstream>

#include <prometheus/histogram.h>
#include <prometheus/text_serializer.h>

#include "sidecar/admin/process_metrics.h"
#include "sidecar/base/checked.h"

namespace ringside::admin {
namespace {

using prometheus::ClientMetric;
using prometheus::Histogram;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

const Histogram::BucketBoundaries kCallBuckets{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                               0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};
const Histogram::BucketBoundaries kLagBuckets{0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5};

constexpr std::array<const char*, 2> kOrigins = {"local", "peer"};
constexpr std::array<const char*, core::kActivations> kActivationReasons = {"first-touch", "after-move"};

double seconds(core::Duration duration) { return static_cast<double>(duration.count()) * 1e-6; }

// One family, built row by row.
class Family {
 public:
  Family(const char* name, const char* help, MetricType type) {
    family_.name = name;
    family_.help = help;
    family_.type = type;
  }

  Family& row(Labels labels, double value) {
    ClientMetric metric;
    metric.label = std::move(labels);
    if (family_.type == MetricType::Counter) {
      metric.counter.value = value;
    } else {
      metric.gauge.value = value;
    }
    family_.metric.push_back(std::move(metric));
    return *this;
  }
  Family& row(double value) { return row({}, value); }
  Family& row(Labels labels, std::uint64_t value) { return row(std::move(labels), static_cast<double>(value)); }

  Family& histogram(Labels labels, const Histogram& histogram) {
    ClientMetric metric = histogram.Collect();
    metric.label = std::move(labels);
    family_.metric.push_back(std::move(metric));
    return *this;
  }

  MetricFamily take() { return std::move(family_); }

 private:
  MetricFamily family_;
};

Family counter(const char* name, const char* help) { return {name, help, MetricType::Counter}; }
Family gauge(const char* name, const char* help) { return {name, help, MetricType::Gauge}; }

std::string word(core::Outcome outcome) { return std::string(core::to_string(outcome)); }

void add_states(const core::HostReader& gateway, const std::string& version, std::vector<MetricFamily>& out) {
  const core::Status status = gateway.status();
  std::map<std::string, double> phases;
  for (int phase = 0; phase <= static_cast<int>(core::Phase::kAppDown); ++phase) {
    phases[core::to_string(static_cast<core::Phase>(phase))] = 0;
  }
  for (const core::MemberStatus& member : gateway.members()) {
    if (member.member) ++phases[core::to_string(member.phase)];
  }
  Family members = gauge("ringside_members", "Hosts in this host's view, itself included, by phase.");
  for (const auto& [phase, count] : phases) members.row({{"phase", phase}}, count);
  out.push_back(members.take());
  const auto number = [](std::size_t value) { return static_cast<double>(value); };
  out.push_back(gauge("ringside_actors", "Actors active here.").row(number(status.actors)).take());
  out.push_back(gauge("ringside_strays", "Actors that other hosts hold although the ring names this one.")
                    .row(number(status.strays))
                    .take());
  out.push_back(gauge("ringside_turns_waiting_for_connection",
                      "Turns that wait for a connection to the application, or for --max-actors-in-flight.")
                    .row(number(status.held_back + status.waiting_for_connection))
                    .take());
  out.push_back(
      gauge("ringside_deactivations_under_way", "Activations that end, and that the application has yet to forget.")
          .row(number(status.ending))
          .take());
  out.push_back(gauge("ringside_turns_waiting", "Calls waiting behind a turn of their actor.")
                    .row(number(status.turns_waiting))
                    .take());
  out.push_back(
      gauge("ringside_turns_under_way", "Turns handed to the application.").row(number(status.turns_under_way)).take());
  out.push_back(gauge("ringside_calls_held", "Calls waiting for a change of owners, or to be repeated.")
                    .row(number(status.held))
                    .take());
  out.push_back(gauge("ringside_queued_bytes", "Bytes of all calls that have not ended.")
                    .row(number(status.queued_bytes))
                    .take());
  out.push_back(gauge("ringside_ring_settled", "1: every member reports the ring that this host has.")
                    .row(status.settled ? 1 : 0)
                    .take());
  out.push_back(gauge("ringside_discovered_hosts", "Addresses that discovery names, all sources together.")
                    .row(number(status.discovered_hosts))
                    .take());
  out.push_back(counter("ringside_discovery_failures_total",
                        "Readings of a discovery source that failed, or in which it named nobody.")
                    .row({}, status.discovery_failures)
                    .take());
  out.push_back(gauge("ringside_app_up", "1: the application is healthy.").row(status.app_up ? 1 : 0).take());
  out.push_back(
      gauge("ringside_build_info", "Always 1; the version as a label.").row({{"version", version}}, 1.0).take());
}

void add_security(const core::PeerSecurity& security, std::vector<MetricFamily>& out) {
  Family connections = gauge("ringside_peer_connections", "Connections between hosts, by direction and TLS.");
  for (const auto& [which, count] : security.connections) {
    connections.row({{"direction", which.first}, {"tls", which.second ? "true" : "false"}}, std::uint64_t{count});
  }
  out.push_back(connections.take());
  if (security.mode == core::PeerTlsMode::kOff) return;
  Family handshakes =
      counter("ringside_tls_handshakes_total", "TLS handshakes between hosts, by direction and result.");
  for (const auto& [which, count] : security.handshakes) {
    handshakes.row({{"direction", which.first}, {"result", which.second}}, count);
  }
  out.push_back(handshakes.take());
  Family floods = counter("ringside_tls_floods_total",
                          "Connections ended because the other end sent message upon message of TLS without data.");
  for (const auto& [direction, count] : security.floods) floods.row({{"direction", direction}}, count);
  out.push_back(floods.take());
  Family reloads = counter("ringside_tls_reloads_total", "Changes of the files of --tls-*, by what came of them.");
  for (const auto& [result, count] : security.reloads) reloads.row({{"result", result}}, count);
  out.push_back(reloads.take());
  out.push_back(gauge("ringside_tls_certificate_expiry_timestamp_seconds",
                      "When this host's certificate, and the root that holds it, run out, in seconds since 1970.")
                    .row({{"which", "certificate"}}, security.certificate_expires)
                    .row({{"which", "root"}}, security.root_expires)
                    .take());
  out.push_back(
      gauge("ringside_tls_certificate_start_timestamp_seconds", "From when they are valid, in seconds since 1970.")
          .row({{"which", "certificate"}}, security.certificate_begins)
          .row({{"which", "root"}}, security.root_begins)
          .take());
}

using Refusals = std::array<std::uint64_t, core::kReasons>;

void add_counters(const core::Counters& counters, const Refusals& at_listeners, std::vector<MetricFamily>& out) {
  const auto plain = [&](const char* name, const char* help, std::uint64_t value) {
    out.push_back(counter(name, help).row({}, value).take());
  };
  plain("ringside_forwards_total", "Calls sent to another host.", counters.forwards);
  plain("ringside_retries_total", "Calls tried again after they were surely not delivered.", counters.retries);
  plain("ringside_ring_changes_total", "Times that the ring changed.", counters.ring_changes);
  plain("ringside_ring_disagreements_total", "Calls refused because a legacy host keeps another ring.",
        counters.ring_disagreements);
  plain("ringside_verdicts_total", "Hosts that this one took for dead by their silence.", counters.deaths_declared);
  plain("ringside_rejoins_total", "Times that this host had to join anew.", counters.rejoins);
  plain("ringside_burials_total", "Times that this host had to join anew because another one had taken it for dead.",
        counters.burials);
  plain("ringside_stalls_total", "Times that this process found itself stopped or starved.", counters.stalls);
  Family refusals = counter("ringside_refusals_total", "Calls that were not applied, by reason.");
  for (std::size_t i = 1; i < at_listeners.size(); ++i) {
    const auto reason = static_cast<core::Reason>(i);
    refusals.row({{"reason", std::string(core::to_string(reason))}}, counters.refusals[i] + at_listeners[i]);
  }
  out.push_back(refusals.take());
  Family activations = counter("ringside_activations_total", "Activations, by reason.");
  for (std::size_t i = 0; i < kActivationReasons.size(); ++i) {
    activations.row({{"reason", kActivationReasons[i]}}, counters.activations[i]);
  }
  out.push_back(activations.take());
  Family deactivations = counter("ringside_deactivations_total", "Ends of activations, by reason.");
  for (std::size_t i = 0; i < core::kDeactivations; ++i) {
    const auto why = core::to_string(static_cast<core::Deactivation>(i));
    deactivations.row({{"reason", std::string(why)}}, counters.deactivations[i]);
  }
  out.push_back(deactivations.take());
  Family announcements =
      counter("ringside_announcements_total", "Claims told to, or by, legacy hosts, counted by actor.");
  for (std::size_t received = 0; received < 2; ++received) {
    for (std::size_t accepted = 0; accepted < 2; ++accepted) {
      announcements.row(
          {{"direction", received == 1 ? "received" : "sent"}, {"accepted", accepted == 1 ? "true" : "false"}},
          counters.announcements[received][accepted]);
    }
  }
  out.push_back(announcements.take());
}

}  // namespace

struct Metrics::Durations {
  std::array<std::map<core::Outcome, Histogram>, 2> calls;
  Histogram turns{kCallBuckets};
  Histogram round_trips{kCallBuckets};
  Histogram lag{kLagBuckets};
  std::array<std::uint64_t, core::kOutcomes> turn_outcomes{};
  Refusals refusals{};  // by the listeners
};

Metrics::Metrics(const core::HostReader& gateway, std::string version)
    : gateway_(gateway), version_(std::move(version)), durations_(std::make_unique<Durations>()) {
  for (auto& by_outcome : durations_->calls) {
    for (int i = 0; i < core::kOutcomes; ++i) by_outcome.try_emplace(static_cast<core::Outcome>(i), kCallBuckets);
  }
}

Metrics::~Metrics() = default;

void Metrics::call_ended(core::Origin origin, core::Outcome outcome, core::Duration took) {
  base::at(durations_->calls[static_cast<std::size_t>(origin)], outcome).Observe(seconds(took));
}

void Metrics::turn_ended(core::Outcome outcome, core::Duration took) {
  durations_->turns.Observe(seconds(took));
  ++durations_->turn_outcomes[static_cast<std::size_t>(outcome)];
}

void Metrics::peer_answered(core::Duration round_trip) { durations_->round_trips.Observe(seconds(round_trip)); }
void Metrics::loop_lag(core::Duration late) { durations_->lag.Observe(std::max(0.0, seconds(late))); }

void Metrics::refused_at_listener(core::Reason reason) { ++durations_->refusals[static_cast<std::size_t>(reason)]; }

std::string Metrics::scrape() {
  std::vector<MetricFamily> out;
  Family calls("ringside_apply_duration_seconds", "Time from a call's arrival to its answer.", MetricType::Histogram);
  for (std::size_t origin = 0; origin < kOrigins.size(); ++origin) {
    for (const auto& [outcome, histogram] : durations_->calls[origin]) {
      calls.histogram({{"origin", kOrigins[origin]}, {"outcome", word(outcome)}}, histogram);
    }
  }
  out.push_back(calls.take());
  out.push_back(
      Family("ringside_turn_duration_seconds", "Time that the application took for a turn.", MetricType::Histogram)
          .histogram({}, durations_->turns)
          .take());
  out.push_back(Family("ringside_peer_rtt_seconds", "Time that pings to other hosts took.", MetricType::Histogram)
                    .histogram({}, durations_->round_trips)
                    .take());
  out.push_back(Family("ringside_loop_lag_seconds", "How late the event loop's timers were.", MetricType::Histogram)
                    .histogram({}, durations_->lag)
                    .take());
  Family requests = counter("ringside_app_requests_total", "Turns that ended, by outcome.");
  for (std::size_t i = 0; i < durations_->turn_outcomes.size(); ++i) {
    requests.row({{"outcome", word(static_cast<core::Outcome>(i))}}, durations_->turn_outcomes[i]);
  }
  out.push_back(requests.take());
  add_states(gateway_, version_, out);
  add_security(gateway_.status().peer_security, out);
  add_counters(gateway_.counters(), durations_->refusals, out);
  Family open = gauge("ringside_connections", "Accepted connections, by listener.");
  Family most = gauge("ringside_connections_max", "Accepted connections that a listener may have.");
  Family refused = counter("ringside_connections_refused_total", "Connections refused because the listener was full.");
  for (const auto& use : listeners_) {
    open.row({{"listener", use->listener}}, use->slots->used());
    most.row({{"listener", use->listener}}, use->slots->limit());
    refused.row({{"listener", use->listener}}, use->refused);
  }
  for (Family* family : {&open, &most, &refused}) out.push_back(family->take());
  for (MetricFamily& family : process_metrics()) out.push_back(std::move(family));
  return prometheus::TextSerializer().Serialize(out);
}

}  // namespace ringside::admin
