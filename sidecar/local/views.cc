#include "sidecar/local/views.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include <nlohmann/json.hpp>

#include "sidecar/core/hash.h"
#include "sidecar/wire/status_json.h"

namespace ringside::local {
namespace {

using nlohmann::json;

constexpr std::size_t kHostsWithPositions = 64;

json positions_of(const std::string& host, std::uint32_t points) {
  std::vector<core::Hash> hashes;
  hashes.reserve(points);
  for (std::uint32_t i = 0; i < points; ++i) hashes.push_back(core::hash_bytes(host + "#" + std::to_string(i)));
  std::sort(hashes.begin(), hashes.end());
  json out = json::array();
  for (const core::Hash hash : hashes) out.push_back(wire::hex(hash.value()));
  return out;
}

}  // namespace

json ring_view(const core::HostReader& gateway, bool positions, const std::optional<std::string>& only) {
  const core::Ring& ring = gateway.ring();
  json view = wire::ring_json(gateway);
  if (only) {
    json one = json::array();
    for (json& row : view["hosts"]) {
      if (row["host"] == *only) one.push_back(std::move(row));
    }
    view["hosts"] = std::move(one);
  }
  if (positions && (only || ring.hosts().size() <= kHostsWithPositions)) {
    for (json& row : view["hosts"]) {
      row["positions"] = positions_of(row["host"].get_ref<const std::string&>(), row["points"]);
    }
  }
  return view;
}

json actors_view(const core::HostReader& gateway, std::size_t limit, core::ActorId after) {
  std::vector<core::ActorStatus> actors = gateway.actors(limit + 1, after);
  const bool more = actors.size() > limit;
  if (more) actors.resize(limit);
  json rows = json::array();
  for (const core::ActorStatus& actor : actors) {
    json row = wire::actor_json(actor);
    row["id"] = to_string(actor.id);
    rows.push_back(std::move(row));
  }
  return {{"actors", std::move(rows)},
          {"next_page_token", more ? to_string(actors.back().id) : std::string()},
          {"view_of", gateway.status().host}};
}

json drain_view(const core::HostReader& gateway) {
  const core::Status status = gateway.status();
  return {{"view_of", status.host},
          {"phase", core::to_string(status.phase)},
          {"age_ms", 0},
          {"actors", status.actors},
          {"turns_under_way", status.turns_under_way},
          {"turns_waiting", status.turns_waiting},
          {"done", status.phase == core::Phase::kDrained},
          {"timed_out", status.drain_overdue}};
}

}  // namespace ringside::local
