#include "sidecar/events/event_json.h"

#include <cmath>
#include <cstdio>
#include <ctime>
#include <variant>

#include <nlohmann/json.hpp>

#include "sidecar/base/overloaded.h"

namespace ringside::events {
namespace {

using nlohmann::json;

constexpr double kMicrosecondsEach = 1'000;

json value_json(const core::HostEvent::Value& value) {
  return std::visit(base::Overloaded{[](double number) { return json(std::round(number * 1e6) / 1e6); },
                                     [](const auto& exact) { return json(exact); }},
                    value);
}

}  // namespace

json event_json(const Recorded& one, const std::string& self, Sight sight) {
  const core::HostEvent& event = one.event;
  json out = {{"number", one.number},
              {"time", utc(one.wall_ms)},
              {"kind", core::to_string(event.kind)},
              {"host", event.host.empty() ? self : event.host},
              {"why", event.why},
              {"by", event.by.empty() ? self : event.by}};
  if (event.lasted) out["lasted_ms"] = std::round(static_cast<double>(event.lasted->count())) / kMicrosecondsEach;
  if (event.count > 1) {
    out["count"] = event.count;
    out["first_time"] = utc(one.first_ms);
  }
  if (!event.actor.empty() && sight == Sight::kHere) out["actor"] = event.actor;
  for (const auto& [name, value] : event.facts) out["facts"][name] = value_json(value);
  return out;
}

std::string utc(std::int64_t wall_ms) {
  constexpr std::int64_t kPerSecond = 1'000;
  const auto seconds = static_cast<std::time_t>(wall_ms / kPerSecond);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[64];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  char fraction[16];
  std::snprintf(fraction, sizeof fraction, ".%03dZ", static_cast<int>(wall_ms % kPerSecond));
  return std::string(text, size) + fraction;
}

}  // namespace ringside::events
