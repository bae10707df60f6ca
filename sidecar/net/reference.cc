#include "sidecar/net/reference.h"

#include <algorithm>
#include <vector>

#include "sidecar/net/metadata.h"

namespace ringside::net {
namespace {

// RFC 3986 §5.2.4.
std::string without_dots(std::string_view path) {
  std::vector<std::string_view> kept;
  bool open = false;  // ends in a slash
  for (path.remove_prefix(1);;) {
    const std::size_t slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    open = segment == "." || segment == "..";
    if (segment == ".." && !kept.empty()) kept.pop_back();
    if (!open) kept.push_back(segment);
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  std::string text;
  for (const std::string_view segment : kept) text.append("/").append(segment);
  if (open || text.empty()) text += '/';
  return text;
}

}  // namespace

Reference split_reference(std::string_view reference) {
  Reference parts;
  const std::size_t colon = reference.find(':');
  if (colon != std::string_view::npos && colon < reference.find_first_of("/?#")) {
    parts.scheme = to_lower(reference.substr(0, colon));
    reference.remove_prefix(colon + 1);
  }
  if (reference.starts_with("//")) {
    const std::size_t end = std::min(reference.find_first_of("/?#", 2), reference.size());
    parts.has_authority = true;
    parts.authority = to_lower(reference.substr(2, end - 2));
    reference.remove_prefix(end);
  }
  const std::size_t end = std::min(reference.find_first_of("?#"), reference.size());
  parts.path = reference.substr(0, end);
  parts.rest = reference.substr(end);
  return parts;
}

std::string resolve_path(std::string_view base, std::string_view path) {
  if (path.starts_with('/')) return without_dots(path);
  return without_dots(std::string(base.substr(0, base.rfind('/') + 1)).append(path));
}

}  // namespace ringside::net
