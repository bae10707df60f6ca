#include "sidecar/wire/top_json.h"

#include <cmath>
#include <utility>

#include <nlohmann/json.hpp>

#include "sidecar/base/parse.h"
#include "sidecar/base/text.h"
#include "sidecar/wire/status_json.h"

namespace ringside::wire {
namespace {

using nlohmann::json;

double to_ms(std::uint64_t micros) { return std::round(static_cast<double>(micros) / 10.0) / 100.0; }
double to_ms(core::Duration duration) { return to_ms(static_cast<std::uint64_t>(duration.count())); }

// What is told of any of them: who it is, and what it does now.
json row_of(const core::HotActor& hot) {
  json row = {{"id", to_string(hot.now.id)}, {"active", hot.active}, {"waiting", hot.now.waiting}};
  if (!hot.now.name.empty()) row["name"] = base::told(hot.now.name);
  if (hot.now.busy) row["turn_ms"] = std::floor(to_ms(hot.now.turn_age));
  return row;
}

json by_count(const core::HotList& list) {
  json rows = json::array();
  for (const core::HotActor& hot : list.actors) {
    json row = row_of(hot);
    row["calls"] = hot.sum;
    row["error"] = hot.error;
    rows.push_back(std::move(row));
  }
  return {{"actors", std::move(rows)}, {"total", list.total}, {"others_at_most", list.unlisted}};
}

// `times`: what it is that took so long.
json by_time(const core::HotList& list, const char* times) {
  json rows = json::array();
  for (const core::HotActor& hot : list.actors) {
    json row = row_of(hot);
    row["total_ms"] = to_ms(hot.sum);
    row["error_ms"] = to_ms(hot.error);
    row[times] = hot.times;
    row["longest_ms"] = to_ms(hot.largest);
    rows.push_back(std::move(row));
  }
  return {{"actors", std::move(rows)}, {"total_ms", to_ms(list.total)}, {"others_at_most_ms", to_ms(list.unlisted)}};
}

}  // namespace

base::Result<std::size_t, std::string> read_top_count(std::string_view query) {
  constexpr std::size_t kDefault = 10;
  const auto text = base::query_parameter(query, "n");
  if (!text) return kDefault;
  const auto number = base::parse_whole<std::size_t>(*text);
  if (!number || *number == 0 || *number > kMostTop || *text != std::to_string(*number)) {
    return base::Error("n: a whole number from 1 to " + std::to_string(kMostTop));
  }
  return *number;
}

json top_json(core::Gateway& gateway, std::size_t most) {
  const core::Top top = gateway.top(most);
  return {{"view_of", gateway.status().host},
          {"recorded_ms", to_ms(top.recorded)},
          {"stops_after_ms", to_ms(top.stops_after)},
          {"counters", top.counters},
          {"busiest", by_count(top.busiest)},
          {"slowest", by_time(top.slowest, "turns")},
          {"most_waited", by_time(top.most_waited, "calls")}};
}

}  // namespace ringside::wire
