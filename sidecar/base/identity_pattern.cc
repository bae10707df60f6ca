#include "sidecar/base/identity_pattern.h"

#include <algorithm>
#include <cctype>

namespace ringside::base {
namespace {

constexpr std::string_view kScheme = "spiffe://";
constexpr std::string_view kBelow = "/*";
constexpr std::string_view kDns = "dns:";
constexpr std::size_t kMostOfAnId = 2048;
constexpr std::size_t kMostOfATrustDomain = 255;
constexpr std::size_t kMostOfAName = 253;

bool is_one_of_domain(unsigned char c) {
  return std::islower(c) != 0 || std::isdigit(c) != 0 || c == '.' || c == '-' || c == '_';
}
bool is_one_of_path(unsigned char c) { return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_'; }

// Labels with something in them, and not an IP address, which no certificate has for a DNS name.
bool is_dns_name(std::string_view name) {
  if (name.empty() || name.size() > kMostOfAName || !std::all_of(name.begin(), name.end(), is_one_of_path))
    return false;
  if (name.starts_with('.') || name.ends_with('.') || name.find("..") != std::string_view::npos) return false;
  const std::string_view last = name.substr(name.rfind('.') + 1);
  return !std::all_of(last.begin(), last.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

Result<void, std::string> check_path(std::string_view path) {
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const std::string_view segment = path.substr(0, path.find('/'));
    if (segment.empty()) return Error("has an empty part in its path, or a slash at its end");
    if (segment == "." || segment == "..") return Error("has . or .. in its path");
    if (!std::all_of(segment.begin(), segment.end(), is_one_of_path)) {
      return Error("has characters in its path that are not letters, digits, and . - _");
    }
    path.remove_prefix(segment.size());
  }
  return {};
}

}  // namespace

Result<void, std::string> check_spiffe_id(std::string_view text) {
  if (!text.starts_with(kScheme)) return Error("does not begin with spiffe://");
  if (text.size() > kMostOfAnId) return Error("is longer than 2048 bytes");
  text.remove_prefix(kScheme.size());
  const std::string_view domain = text.substr(0, text.find('/'));
  if (domain.empty()) return Error("has no trust domain");
  if (domain.size() > kMostOfATrustDomain) return Error("has a trust domain of more than 255 bytes");
  if (!std::all_of(domain.begin(), domain.end(), is_one_of_domain)) {
    return Error("has a trust domain that is not of lower-case letters, digits, and . - _");
  }
  return check_path(text.substr(domain.size()));
}

Result<IdentityPattern, std::string> IdentityPattern::parse(std::string_view text) {
  const std::string whole(text);
  if (text.starts_with(kDns)) {
    std::string name = whole.substr(kDns.size());
    if (!is_dns_name(name))
      return Error("does not have a DNS name behind dns: (letters, digits, and . - _; no wildcards, no addresses)");
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    return IdentityPattern(Kind::kDns, whole, std::move(name));
  }
  const bool below = text.ends_with(kBelow);
  if (below) text.remove_suffix(kBelow.size());
  if (auto fits = check_spiffe_id(text); !fits) {
    if (!text.starts_with(kScheme)) return Error("begins neither with spiffe:// nor with dns:");
    return Error(fits.error());
  }
  if (below) return IdentityPattern(Kind::kUrisBelow, whole, std::string(text) + "/");
  return IdentityPattern(Kind::kUri, whole, whole);
}

bool IdentityPattern::matches(std::string_view uri, const std::vector<std::string>& dns) const {
  switch (kind_) {
    case Kind::kUri:
      return uri == wanted_;
    case Kind::kUrisBelow:
      return uri.size() > wanted_.size() && uri.starts_with(wanted_);
    case Kind::kDns:
      return uri.empty() && std::find(dns.begin(), dns.end(), wanted_) != dns.end();
  }
  return false;
}

}  // namespace ringside::base
