#include "sidecar/net/http_message.h"

namespace ringside::net {

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kMost = 60;
  std::string out = "\"";
  for (const char c : text.substr(0, kMost)) out += c >= 0x20 && c <= 0x7e ? c : '?';
  return out + (text.size() > kMost ? "...\"" : "\"");
}

bool is_path(std::string_view target, std::string_view method) {
  return target.starts_with('/') || (target == "*" && method == "OPTIONS");
}

base::Result<void, std::string> check_target(std::string_view target) {
  if (target.find_first_of(" \t#") == std::string_view::npos) return {};
  return base::Error("the request target holds a space, a tab or a #: percent-encode them");
}

base::Result<void, std::string> check_host(std::string_view host) {
  if (host.find_first_of(" \t,/@?#\\") == std::string_view::npos) return {};
  return base::Error("Host is not a host and a port: " + in_quotes(host));
}

}  // namespace ringside::net
