#include "sidecar/wire/status_json.h"

#include <cmath>
#include <cstdio>
#include <map>

#include <nlohmann/json.hpp>

#include "sidecar/base/text.h"

namespace ringside::wire {
namespace {

using nlohmann::json;

double milliseconds(core::Duration duration) {
  return std::round(static_cast<double>(duration.count()) / 10.0) / 100.0;
}

double rounded(double share) { return std::round(share * 1e6) / 1e6; }

// By host, of everybody but this one.
using Ages = std::map<std::string, core::Duration>;

Ages ages_of(const core::HostReader& gateway) {
  Ages ages;
  for (const core::MemberStatus& member : gateway.members()) {
    if (member.member && !member.self) ages[member.host] = member.silent_for;
  }
  return ages;
}

json age_of(const std::string& host, const core::Status& here, const Ages& ages) {
  if (host.empty() || host == here.host) return 0;
  const auto found = ages.find(host);
  return found == ages.end() ? json(nullptr) : json(milliseconds(found->second));
}

// `points`: of a host of weight 1.
json member_json(const core::MemberStatus& member, std::uint32_t points) {
  json out = {{"host", member.host},
              {"phase", core::to_string(member.phase)},
              {"generation", to_string(member.generation)},
              {"self", member.self},
              {"legacy", member.legacy},
              {"routes_only", member.routes_only},
              {"on_ring", member.on_ring},
              {"share", rounded(member.share)},
              {"rtt_ms", milliseconds(member.rtt)},
              {"age_ms", milliseconds(member.silent_for)},
              {"strays", member.strays},
              {"watched", member.watched}};
  if (member.points != 0 && points != 0) {
    out["points"] = member.points;
    out["weight"] = std::round(1e3 * member.points / points) / 1e3;
  }
  if (!member.legacy) {
    out["ring"] = hex(member.ring.value());
    out["actors"] = member.actors;
    out["load"] = member.load;
    out["version"] = member.version;
    out["zone"] = base::told(member.zone);
  }
  return out;
}

json peer_tls_json(const core::PeerSecurity& security) {
  json out = {{"mode", core::to_string(security.mode)}, {"next_step", base::told(security.next_step)}};
  json connections = json::array();
  for (const auto& [which, count] : security.connections) {
    connections.push_back({{"direction", which.first}, {"tls", which.second}, {"count", count}});
  }
  out["connections"] = std::move(connections);
  if (security.mode == core::PeerTlsMode::kOff) return out;
  out["certificate"] = base::told(security.certificate);
  out["members"] = base::told(security.members);
  out["roots"] = base::told(security.roots);
  out["certificate_expires"] = security.certificate_expires;
  out["root_expires"] = security.root_expires;
  out["files_problem"] = base::told(security.files_problem);
  return out;
}

}  // namespace

std::string about_other(std::string_view host, std::string_view problem) {
  if (problem.starts_with(host)) return std::string(problem);
  if (problem.starts_with("has no addresses")) return std::string(host) + " " + std::string(problem);
  const bool is_source = host.starts_with("dns:") || host.starts_with("k8s:");
  return std::string(host) + (is_source ? ": " : " is not a member: ") + std::string(problem);
}

std::string hex(std::uint64_t number) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(number));
  return text;
}

json actor_json(const core::ActorStatus& actor) {
  json out = {
      {"epoch", actor.epoch.value()}, {"idle_ms", std::floor(milliseconds(actor.idle))}, {"waiting", actor.waiting}};
  if (!actor.name.empty()) out["name"] = actor.name;
  if (actor.busy) out["turn_ms"] = std::floor(milliseconds(actor.turn_age));
  if (!actor.ending.empty()) out["ending"] = actor.ending;
  if (actor.not_forgotten > 0) out["not_forgotten"] = actor.not_forgotten;
  return out;
}

json placement_json(const core::HostReader& gateway, const core::Placement& place) {
  const core::Status here = gateway.status();
  json out = {{"id", to_string(place.id)},
              {"owner", place.holder},
              {"rule", place.rule},
              {"local", place.local},
              {"why", place.why},
              {"view_of", here.host},
              {"age_ms", place.local ? json(0) : age_of(place.holder, here, ages_of(gateway))}};
  if (place.here) out.update(actor_json(*place.here));
  out["epoch"] = place.epoch == 0 ? json(nullptr) : json(place.epoch.value());
  return out;
}

json members_json(const core::HostReader& gateway) {
  const core::Status status = gateway.status();
  json members = json::array();
  json others = json::array();
  for (const core::MemberStatus& member : gateway.members()) {
    if (member.member) {
      members.push_back(member_json(member, status.points));
    } else {
      others.push_back(
          {{"host", base::told(member.host)},
           {"problem", base::told(member.problem)},
           {"age_ms", member.silent_for.count() > 0 ? json(milliseconds(member.silent_for)) : json(nullptr)}});
    }
  }
  return {{"members", std::move(members)},
          {"others", std::move(others)},
          {"ring", hex(status.ring.value())},
          {"settled", status.settled},
          {"view_of", status.host},
          {"cluster", status.cluster},
          {"not_ready_because", base::told(status.not_ready_because)}};
}

json ring_json(const core::HostReader& gateway) {
  const core::Ring& ring = gateway.ring();
  const std::vector<double> shares = ring.shares();
  const core::Status status = gateway.status();
  const Ages ages = ages_of(gateway);
  json hosts = json::array();
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const std::string& host = ring.hosts()[i];
    hosts.push_back({{"host", host},
                     {"share", rounded(shares[i])},
                     {"points", ring.points()[i]},
                     {"age_ms", age_of(host, status, ages)}});
  }
  return {{"points", ring.points_per_host()},
          {"ring", hex(ring.fingerprint().value())},
          {"settled", status.settled},
          {"view_of", status.host},
          {"age_ms", 0},
          {"hosts", std::move(hosts)}};
}

json status_json(const core::HostReader& gateway) {
  const core::Status status = gateway.status();
  json out = members_json(gateway);
  out["host"] = status.host;
  out["zone"] = status.zone;
  out["generation"] = to_string(status.generation);
  out["phase"] = core::to_string(status.phase);
  out["ready"] = status.not_ready_because.empty();
  out["app"] = !status.has_app ? "none" : status.app_up ? "up" : "down";
  out["joined"] = status.joined;
  out["confirming"] = status.confirming;
  out["quorum"] = status.quorum;
  out["points"] = status.points;
  out["weight"] = static_cast<double>(status.weight) / core::kWeightOne;
  out["discovered_hosts"] = status.discovered_hosts;
  out["discovery_failures"] = status.discovery_failures;
  out["actors"] = status.actors;
  out["strays"] = status.strays;
  out["turns_under_way"] = status.turns_under_way;
  out["turns_waiting"] = status.turns_waiting;
  out["calls"] = status.calls;
  out["held"] = status.held;
  out["held_back"] = status.held_back;
  out["ending"] = status.ending;
  out["waiting_for_connection"] = status.waiting_for_connection;
  out["queued_bytes"] = status.queued_bytes;
  out["peer_tls"] = peer_tls_json(status.peer_security);
  return out;
}

}  // namespace ringside::wire
