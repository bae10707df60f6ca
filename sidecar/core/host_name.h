// Names of hosts: one host has one name everywhere.
//
// `addr` or `addr:port`; the default port is stripped. IPv6 by RFC 5952, in brackets only with a port; IPv4-mapped IPv6
// becomes IPv4; DNS names in lower case without a final dot.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ringside::core {

inline constexpr std::uint16_t kDefaultPeerPort = 1337;

struct HostName {
  std::string address;  // canonical: IPv4, IPv6 without brackets, or a DNS name
  std::uint16_t port = kDefaultPeerPort;
  bool is_ip = false;

  std::string to_string() const;  // the one name of this host
};

// Where an address leads: whoever may be dialled in one of these need not be so in another.
enum class AddressKind : std::uint8_t {
  kName,       // a DNS name: wherever the resolver says
  kLoopback,   // 127.0.0.0/8, ::1
  kLinkLocal,  // 169.254.0.0/16, fe80::/10: where clouds keep their secrets, for one
  kPrivate,    // RFC 1918, RFC 6598 (shared), RFC 4193 (unique local)
  kPublic,
  kNobody,  // multicast, unspecified, broadcast, reserved
};
AddressKind kind_of(const HostName& name);

// Reads a host name in any spelling. nullopt: not a host name (empty, a bad port, characters that no name has ...).
std::optional<HostName> parse_host_name(std::string_view text);

// The canonical spelling, or nullopt.
std::optional<std::string> canonical_host(std::string_view text);

// An IP address, with or without brackets and zone, in canonical spelling; nullopt where it is none.
std::optional<std::string> canonical_ip(std::string_view text);

}  // namespace ringside::core
