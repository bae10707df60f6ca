#include "sidecar/local/views.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "sidecar/core/hash.h"

namespace ringside::local {
namespace {

constexpr std::size_t kHostsWithPositions = 64;

std::string hex(core::Hash hash) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), hash, 16).ptr;
  const auto size = static_cast<std::size_t>(end - digits.data());
  return std::string(digits.size() - size, '0').append(digits.data(), size);
}

double milliseconds(core::Duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

// Everything here is what this host knows at the moment of asking.
Json begin(const core::Status& status) {
  Json view;
  view["view_of"] = status.host;
  view["age_ms"] = 0;
  return view;
}

Json member_view(const core::MemberStatus& member) {
  Json view;
  view["host"] = member.host;
  view["phase"] = core::to_string(member.phase);
  view["generation"] = std::to_string(member.generation);
  view["self"] = member.self;
  view["legacy"] = member.legacy;
  view["routes_only"] = member.routes_only;
  view["on_ring"] = member.on_ring;
  view["rtt_ms"] = milliseconds(member.rtt);
  view["age_ms"] = milliseconds(member.silent_for);  // since its last answer, which the following are from
  view["ring"] = hex(member.ring);
  view["actors"] = member.actors;
  view["load"] = member.load;
  view["version"] = member.version;
  view["strays"] = member.strays;
  view["share"] = member.share;
  return view;
}

Json positions_of(const std::string& host, std::uint32_t points) {
  std::vector<core::Hash> hashes;
  hashes.reserve(points);
  for (std::uint32_t i = 0; i < points; ++i) hashes.push_back(core::hash_bytes(host + "#" + std::to_string(i)));
  std::sort(hashes.begin(), hashes.end());
  Json out = Json::array();
  for (const core::Hash hash : hashes) out.push_back(hex(hash));
  return out;
}

}  // namespace

Json status_view(const core::Gateway& gateway, std::string_view version) {
  const core::Status status = gateway.status();
  Json view = begin(status);
  view["host"] = status.host;
  view["cluster"] = status.cluster;
  view["version"] = version;
  view["generation"] = std::to_string(status.generation);
  view["phase"] = core::to_string(status.phase);
  view["ready"] = status.not_ready_because.empty();
  if (!status.not_ready_because.empty()) view["not_ready_because"] = status.not_ready_because;
  view["app"] = !status.has_app ? "none" : status.app_up ? "up" : "down";
  view["joined"] = status.joined;
  view["confirming"] = status.confirming;
  view["settled"] = status.settled;
  view["quorum"] = status.quorum;
  view["inventory_open"] = status.inventory_open;
  view["ring"] = hex(status.ring);
  view["points_per_host"] = status.points;
  view["members"] = status.members;
  view["actors"] = status.actors;
  view["strays"] = status.strays;
  view["turns_under_way"] = status.turns_under_way;
  view["turns_waiting"] = status.turns_waiting;
  view["calls"] = status.calls;
  view["held"] = status.held;
  view["queued_bytes"] = status.queued_bytes;
  return view;
}

Json members_view(const core::Gateway& gateway, const std::string& view_version) {
  const core::Status status = gateway.status();
  Json view = begin(status);
  view["version"] = view_version;
  view["ring"] = hex(status.ring);
  view["settled"] = status.settled;
  view["members"] = Json::array();
  view["others"] = Json::array();  // names that are no members, and why
  for (const core::MemberStatus& member : gateway.members()) {
    if (member.member) {
      view["members"].push_back(member_view(member));
    } else {
      view["others"].push_back({{"host", member.host}, {"problem", member.problem}});
    }
  }
  return view;
}

Json ring_view(const core::Gateway& gateway, bool positions, const std::optional<std::string>& only) {
  const core::Status status = gateway.status();
  const core::Ring& ring = gateway.ring();
  Json view = begin(status);
  view["ring"] = hex(ring.fingerprint());
  view["points_per_host"] = ring.points_per_host();
  view["settled"] = status.settled;
  view["hosts"] = Json::array();
  const std::vector<double> shares = ring.shares();
  positions = positions && (only || ring.hosts().size() <= kHostsWithPositions);
  for (std::size_t i = 0; i < ring.hosts().size(); ++i) {
    const std::string& host = ring.hosts()[i];
    if (only && host != *only) continue;
    Json row{{"host", host}, {"share", shares[i]}};
    if (positions) row["positions"] = positions_of(host, ring.points_per_host());
    view["hosts"].push_back(std::move(row));
  }
  return view;
}

Json placement_view(const core::Gateway& gateway, core::ActorId id, const std::string& name) {
  const core::Placement place = gateway.where(id);
  Json view = begin(gateway.status());
  view["id"] = std::to_string(id);
  if (!name.empty()) view["name"] = name;
  view["owner"] = place.owner;
  view["rule"] = place.rule;
  view["local"] = place.local;
  view["epoch"] = place.epoch;  // 0: not known here
  view["why"] = place.why;
  return view;
}

Json actors_view(const core::Gateway& gateway, std::size_t limit, core::ActorId after) {
  Json view = begin(gateway.status());
  std::vector<core::ActorStatus> actors = gateway.actors(limit + 1, after);
  const bool more = actors.size() > limit;
  if (more) actors.resize(limit);
  view["actors"] = Json::array();
  for (const core::ActorStatus& actor : actors) {
    view["actors"].push_back({{"id", std::to_string(actor.id)},
                              {"epoch", actor.epoch},
                              {"idle_ms", std::chrono::duration_cast<std::chrono::milliseconds>(actor.idle).count()}});
  }
  view["next_page_token"] = more ? std::to_string(actors.back().id) : std::string();
  return view;
}

Json drain_view(const core::Gateway& gateway) {
  const core::Status status = gateway.status();
  Json view = begin(status);
  view["phase"] = core::to_string(status.phase);
  view["actors"] = status.actors;
  view["turns_under_way"] = status.turns_under_way;
  view["turns_waiting"] = status.turns_waiting;
  view["done"] = status.phase == core::Phase::kDrained;
  view["timed_out"] = status.drain_overdue;
  return view;
}

}  // namespace ringside::local
