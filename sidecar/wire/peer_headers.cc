#include "sidecar/wire/peer_headers.h"

#include <array>
#include <cstdint>
#include <type_traits>

#include "sidecar/base/parse.h"
#include "sidecar/core/host_name.h"

namespace ringside::wire {
namespace {

std::optional<std::array<std::string_view, 4>> split(std::string_view text) {
  std::array<std::string_view, 4> parts;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::size_t end = text.find(';');
    const bool last = i + 1 == parts.size();
    if (last != (end == std::string_view::npos)) return std::nullopt;
    parts[i] = text.substr(0, end);
    if (!last) text.remove_prefix(end + 1);
  }
  return parts;
}

template <typename Value>
std::optional<Value> number(std::string_view text) {
  const auto value = base::parse_whole<std::conditional_t<std::is_integral_v<Value>, Value, std::uint64_t>>(text);
  if (!value) return std::nullopt;
  return Value(*value);
}

}  // namespace

std::string write_source(const core::Sender& sender) {
  return sender.host + ";" + to_string(sender.generation) + ";" + sender.cluster + ";" + to_string(sender.clock);
}

std::optional<core::Sender> read_source(std::string_view text) {
  const auto parts = split(text);
  if (!parts) return std::nullopt;
  const auto host = core::canonical_host((*parts)[0]);
  const auto generation = number<core::Generation>((*parts)[1]);
  const auto clock = number<core::Epoch>((*parts)[3]);
  if (!host || !generation || !clock || *generation == 0 || (*parts)[2].size() > kMostOfAClusterName) {
    return std::nullopt;
  }
  return core::Sender{*host, *generation, std::string((*parts)[2]), *clock};
}

std::string write_phase(core::Phase phase) { return to_string(phase); }

core::Phase read_phase(std::string_view text) {
  for (const core::Phase phase : {core::Phase::kJoining, core::Phase::kReady, core::Phase::kDraining,
                                  core::Phase::kDrained, core::Phase::kAppDown}) {
    if (text == to_string(phase)) return phase;
  }
  return core::Phase::kUnspecified;
}

std::string write_target(const core::Target& target) {
  return target.cluster + ";" + target.host + ";" + to_string(target.generation) + ";" + to_string(target.epoch);
}

std::optional<core::Target> read_target(std::string_view text) {
  const auto parts = split(text);
  if (!parts) return std::nullopt;
  const auto generation = number<core::Generation>((*parts)[2]);
  const auto epoch = number<core::Epoch>((*parts)[3]);
  if (!generation || !epoch || (*parts)[0].size() > kMostOfAClusterName) return std::nullopt;
  return core::Target{std::string((*parts)[1]), *generation, std::string((*parts)[0]), *epoch};
}

std::optional<std::uint32_t> read_hops(std::string_view text) { return number<std::uint32_t>(text); }

}  // namespace ringside::wire
