// The metadata of calls between hosts: who sends (`ringside-source`) and in which phase it is (`ringside-phase`), whom
// a forwarded call is meant for (`ringside-target`), and how often it was forwarded (`ringside-hops`). Semicolons part
// the fields: neither host names nor cluster names contain one.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "sidecar/core/call.h"
#include "sidecar/core/peer_messages.h"

namespace ringside::wire {

// As long as the name of a host may be: more than --cluster allows, for hosts that are not ours.
inline constexpr std::size_t kMostOfAClusterName = 253;

std::string write_source(const core::Sender& sender);  // "host;generation;cluster;clock"
std::optional<core::Sender> read_source(std::string_view text);

// The sender's, by which those that it pings know at once that it is ready. kUnspecified: none that is known here.
std::string write_phase(core::Phase phase);
core::Phase read_phase(std::string_view text);

std::string write_target(const core::Target& target);  // "cluster;host;generation;epoch"
std::optional<core::Target> read_target(std::string_view text);

std::optional<std::uint32_t> read_hops(std::string_view text);

}  // namespace ringside::wire
