#include "sidecar/core/host_name.h"

#include <algorithm>
#include <array>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "sidecar/base/parse.h"

namespace ringside::core {
namespace {

constexpr std::size_t kMaxName = 253;  // RFC 1035, without the final dot
constexpr std::size_t kMaxLabel = 63;

using Words = std::array<std::uint16_t, 8>;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// inet_pton takes what every other reader takes: four decimal parts without leading zeros, which some take for octal.
std::optional<std::uint32_t> parse_ipv4(const std::string& text) {
  in_addr address{};
  if (::inet_pton(AF_INET, text.c_str(), &address) != 1) return std::nullopt;
  return ntohl(address.s_addr);
}

std::string print_ipv4(std::uint32_t value) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) {
    if (!out.empty()) out += '.';
    out += std::to_string(value >> shift & 0xff);
  }
  return out;
}

std::optional<Words> parse_ipv6(const std::string& text) {
  in6_addr address{};
  if (::inet_pton(AF_INET6, text.c_str(), &address) != 1) return std::nullopt;
  Words words{};
  for (std::size_t i = 0; i < words.size(); ++i) {
    words[i] = static_cast<std::uint16_t>(address.s6_addr[2 * i] << 8 | address.s6_addr[2 * i + 1]);
  }
  return words;
}

// RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups (the first of equals) as `::`. Not
// inet_ntop, which writes ::1:2 as ::0.1.0.2: hosts of other makes would have another name for it.
std::string print_ipv6(const Words& words) {
  std::size_t best = 8, best_length = 1;
  for (std::size_t i = 0; i < 8;) {
    std::size_t end = i;
    while (end < 8 && words[end] == 0) ++end;
    if (end - i > best_length) best = i, best_length = end - i;
    i = end + 1;
  }
  std::string out;
  for (std::size_t i = 0; i < 8; ++i) {
    if (i == best) {
      out += "::";
      i += best_length - 1;
      continue;
    }
    if (!out.empty() && out.back() != ':') out += ':';
    char group[4];
    const auto [end, error] = std::to_chars(group, group + sizeof group, words[i], 16);
    out.append(group, end);
  }
  return out;
}

bool is_mapped(const Words& words) {
  for (std::size_t i = 0; i < 5; ++i) {
    if (words[i] != 0) return false;
  }
  return words[5] == 0xffff;
}

bool is_in(std::uint32_t address, std::uint32_t network, int bits) { return (address ^ network) >> (32 - bits) == 0; }

AddressKind kind_of_ipv4(std::uint32_t address) {
  if (is_in(address, 0x7f000000, 8)) return AddressKind::kLoopback;
  if (is_in(address, 0xa9fe0000, 16)) return AddressKind::kLinkLocal;
  const bool shared = is_in(address, 0x64400000, 10);
  if (shared || is_in(address, 0x0a000000, 8) || is_in(address, 0xac100000, 12) || is_in(address, 0xc0a80000, 16)) {
    return AddressKind::kPrivate;
  }
  if (is_in(address, 0, 8) || is_in(address, 0xe0000000, 3)) return AddressKind::kNobody;
  return AddressKind::kPublic;
}

AddressKind kind_of_ipv6(const Words& words) {
  const bool short_one = std::all_of(words.begin(), words.begin() + 7, [](std::uint16_t word) { return word == 0; });
  if (short_one) return words[7] == 1 ? AddressKind::kLoopback : AddressKind::kNobody;
  if ((words[0] & 0xffc0) == 0xfe80) return AddressKind::kLinkLocal;
  if ((words[0] & 0xfe00) == 0xfc00) return AddressKind::kPrivate;
  return (words[0] & 0xff00) == 0xff00 ? AddressKind::kNobody : AddressKind::kPublic;
}

std::optional<std::string> canonical_dns(std::string_view text) {
  if (!text.empty() && text.back() == '.') text.remove_suffix(1);
  if (text.empty() || text.size() > kMaxName) return std::nullopt;
  std::string out;
  std::size_t label = 0;
  bool only_digits_and_dots = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = to_lower(text[i]);
    const bool edge = label == 0 || i + 1 == text.size() || text[i + 1] == '.';
    if (c == '.') {
      if (label == 0) return std::nullopt;
      label = 0;
    } else if (is_digit(c) || (c >= 'a' && c <= 'z') || c == '_' || (c == '-' && !edge)) {
      if (++label > kMaxLabel) return std::nullopt;
      only_digits_and_dots = only_digits_and_dots && is_digit(c);
    } else {
      return std::nullopt;
    }
    out += c;
  }
  // "a.." has an empty label, and "10.0.0.300" or "1.2.3" is a mistyped address, not a name.
  if (label == 0 || only_digits_and_dots) return std::nullopt;
  return out;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  const auto port = base::parse_whole<std::uint16_t>(text);
  return port == 0 ? std::nullopt : port;
}

}  // namespace

std::string HostName::to_string() const {
  if (port == kDefaultPeerPort) return address;
  const bool v6 = address.find(':') != std::string::npos;
  return (v6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

std::optional<std::string> canonical_ip(std::string_view text) {
  if (text.size() >= 2 && text.front() == '[' && text.back() == ']') text = text.substr(1, text.size() - 2);
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  if (const auto v4 = parse_ipv4(std::string(text))) return print_ipv4(*v4);
  // A zone tells an interface of one machine: no part of a name.
  const auto words = parse_ipv6(std::string(text.substr(0, text.find('%'))));
  if (!words) return std::nullopt;
  if (is_mapped(*words)) return print_ipv4(static_cast<std::uint32_t>((*words)[6]) << 16 | (*words)[7]);
  return print_ipv6(*words);
}

std::optional<HostName> parse_host_name(std::string_view text) {
  HostName name;
  std::string_view address = text;
  std::optional<std::string_view> port;
  if (!text.empty() && text.front() == '[') {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    address = text.substr(0, close + 1);
    const std::string_view rest = text.substr(close + 1);
    if (!rest.empty()) {
      if (rest.front() != ':') return std::nullopt;
      port = rest.substr(1);
    }
  } else if (const std::size_t colon = text.find(':'); colon != std::string_view::npos && colon == text.rfind(':')) {
    address = text.substr(0, colon);
    port = text.substr(colon + 1);
  }
  if (port) {
    const auto value = parse_port(*port);
    if (!value) return std::nullopt;
    name.port = *value;
  }
  if (auto ip = canonical_ip(address)) {
    name.address = std::move(*ip);
    name.is_ip = true;
    return name;
  }
  auto dns = canonical_dns(address);
  if (!dns) return std::nullopt;
  name.address = std::move(*dns);
  return name;
}

AddressKind kind_of(const HostName& name) {
  if (!name.is_ip) return AddressKind::kName;
  if (const auto v4 = parse_ipv4(name.address)) return kind_of_ipv4(*v4);
  const auto v6 = parse_ipv6(name.address);
  return v6 ? kind_of_ipv6(*v6) : AddressKind::kNobody;
}

std::optional<std::string> canonical_host(std::string_view text) {
  const auto name = parse_host_name(text);
  if (!name) return std::nullopt;
  return name->to_string();
}

}  // namespace ringside::core
